package annotation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// rows reads the lines of one form.
type rows interface {
	row(columns [][]byte) error
	// finish returns the transcripts, and notes on what was left out.
	finish() ([]Transcript, []string, error)
}

// set reads all lines.
func (l *lines) set() (*Set, error) {
	var reader rows
	var format string
	var columns [][]byte
	for {
		line, err := l.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if passedOver(line) {
			continue
		}
		columns = split(columns[:0], line)
		if reader == nil {
			if headed(columns) {
				continue
			}
			if reader, format, err = l.recognise(columns); err != nil {
				return nil, l.fail(err)
			}
		}
		if err := reader.row(columns); err != nil {
			return nil, l.fail(err)
		}
	}
	if reader == nil {
		return nil, fmt.Errorf("annotation: %s: the file has no row of a gene; expected one of %s", l.file, forms)
	}
	transcripts, notes, err := reader.finish()
	if err != nil {
		return nil, err
	}
	return newSet(format, transcripts, append(notes, severalNames(transcripts)...)), nil
}

// passedOver reports whether a line is empty, a comment, or one for a genome browser.
func passedOver(line []byte) bool {
	if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
		return true
	}
	return bytes.HasPrefix(line, []byte("track ")) || bytes.HasPrefix(line, []byte("browser "))
}

func split(columns [][]byte, line []byte) [][]byte {
	for {
		i := bytes.IndexByte(line, '\t')
		if i < 0 {
			return append(columns, line)
		}
		columns, line = append(columns, line[:i]), line[i+1:]
	}
}

// headed reports whether columns are the names of a table's columns, without the '#' that belongs before them.
func headed(columns [][]byte) bool {
	return slices.ContainsFunc(columns, func(c []byte) bool { return bytes.EqualFold(c, []byte("strand")) })
}

// forms are those that an error names.
const forms = "refFlat, genePred, SpliceAI's table of exons"

// recognise tells the form by the first row.
func (l *lines) recognise(columns [][]byte) (rows, string, error) {
	if t, ok := layoutOf(columns); ok {
		return &table{lines: l, layout: t}, t.form, nil
	}
	first := bytes.Join(columns, []byte("\t"))
	switch {
	case len(columns) == 1 && len(bytes.Fields(first)) >= 7:
		return nil, "", fmt.Errorf("found blanks between columns, %s; expected tabs; convert the file with tr -s ' ' '\\t'",
			quote(first))
	case len(columns) >= 3 && number(columns[1]) && number(columns[2]):
		return nil, "", errors.New("found such as BED, which has no genes with their exons; expected one of " + forms +
			"; bedToGenePred converts BED of 12 columns")
	}
	return nil, "", fmt.Errorf("found %s in %d columns; expected one of %s", quote(first), len(columns), forms)
}

func number(text []byte) bool {
	_, err := position(text, "")
	return err == nil
}

// strandOf reads + or −.
func strandOf(text []byte) (reverse bool, err error) {
	switch string(text) {
	case "+":
		return false, nil
	case "-":
		return true, nil
	}
	return false, fmt.Errorf("found the strand %s, expected + or -", quote(text))
}

func isStrand(text []byte) bool {
	_, err := strandOf(text)
	return err == nil
}
