package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// stdout passes on to w and remembers its first error. After an error it writes nothing more.
type stdout struct {
	w   io.Writer
	err error
}

func (s *stdout) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	if err != nil {
		s.err = lostError{err}
	}
	return n, s.err
}

// lostError is a write error of standard output: the result is lost.
type lostError struct{ error }

func (e lostError) Error() string { return fmt.Sprintf("writing standard output: %v", e.error) }

func (e lostError) Unwrap() error { return e.error }

// lost returns the first write error of standard output, if any.
func (o *output) lost() error {
	if s, ok := o.out.(*stdout); ok {
		return s.err
	}
	return nil
}

// print writes a result: value as one JSON document, or what text writes.
func (o *output) print(value any, text func(w io.Writer)) error {
	if !o.json {
		text(o.out)
		return o.lost()
	}
	document, err := indented(value, "")
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s\n", document)
	return o.lost()
}

func indented(value any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent(prefix, "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(b.Bytes()), err
}

// list prints rows that take long to make, each as soon as it is there. In JSON they are the elements of one array. make calls add for each
// row. If make fails, the rows before stay and the array's last element has the error, so that the document is valid.
func (o *output) list(make func(add func(value any, text func(w io.Writer)) error) error) error {
	separator := "["
	add := func(value any, text func(w io.Writer)) error {
		if !o.json {
			return o.print(value, text)
		}
		element, err := indented(value, "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%s\n  %s", separator, element)
		separator = ","
		return o.lost()
	}
	err := make(add)
	if !o.json || separator == "[" && err != nil {
		return err // without a row there is the error alone
	}
	if err != nil {
		err = errors.Join(reported{err}, add(o.failure(err), nil))
	} else if separator == "[" {
		fmt.Fprint(o.out, separator)
	}
	fmt.Fprint(o.out, "\n]\n")
	return errors.Join(err, o.lost())
}

// line prints a value as JSON on one line.
func (o *output) line(value any) error {
	encoder := json.NewEncoder(o.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return o.lost()
}
