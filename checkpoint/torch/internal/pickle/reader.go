package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Reader reads pickles that follow one another.
type Reader struct {
	r    *bufio.Reader
	at   int64 // bytes read
	left int64 // bytes that the pickle at hand may still take
	size int64 // bytes of all
}

// NewReader reads from r, which has size bytes. It may read more of r than the pickles take.
func NewReader(r io.Reader, size int64) *Reader { return &Reader{r: bufio.NewReader(r), size: size} }

// Offset is the number of bytes that the pickles took.
func (r *Reader) Offset() int64 { return r.at }

// Read reads one pickle. The reader is of no use after an error.
func (r *Reader) Read(rules Rules) (any, error) {
	r.left = min(MaxBytes, r.size-r.at)
	m := machine{r: r, rules: rules, memo: map[uint32]any{}}
	v, err := m.run()
	if err != nil {
		return nil, fmt.Errorf("the pickle, at byte %d: %w", r.at, err)
	}
	return v, nil
}

// take counts n bytes.
func (r *Reader) take(n int64) error {
	if n > r.left {
		if r.left == r.size-r.at {
			return errors.New("found the end of the file, expected more of the pickle; the file is cut: get it again")
		}
		return fmt.Errorf("found more than %d bytes of pickle, the largest size; a dictionary of tensors takes much less", MaxBytes)
	}
	r.at, r.left = r.at+n, r.left-n
	return nil
}

// byte reads one byte.
func (r *Reader) byte() (byte, error) {
	if err := r.take(1); err != nil {
		return 0, err
	}
	return r.r.ReadByte()
}

// bytes reads n bytes into memory of their own.
func (r *Reader) bytes(n int64) ([]byte, error) {
	if err := r.take(n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r.r, b)
	return b, err
}

// uint reads a little-endian number of n bytes, at most 8.
func (r *Reader) uint(n int64) (uint64, error) {
	b, err := r.bytes(n)
	var v uint64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v, err
}

// maxLine is the largest length of a module's or object's name.
const maxLine = 256

// line reads up to the next line feed, which the result leaves out.
func (r *Reader) line() (string, error) {
	var line []byte
	for len(line) <= maxLine {
		b, err := r.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(line), nil
		}
		line = append(line, b)
	}
	return "", fmt.Errorf("found a global's name of more than %d bytes; no name of torch is that long", maxLine)
}
