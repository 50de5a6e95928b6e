package annotation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// rows reads the lines of one form.
type rows interface {
	row(columns [][]byte) error
	// finish returns the transcripts, and notes on what was left out.
	finish() ([]Transcript, []string, error)
}

// set reads all lines.
func (l *lines) set() (*Set, error) {
	if l.isGenBank() {
		return l.genBank()
	}
	var reader rows
	var format string
	var columns [][]byte
	version3 := false
	for {
		line, err := l.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(line, []byte("##FASTA")) || format == gff3Format && bytes.HasPrefix(line, []byte(">")) {
			break // the sequence follows
		}
		if passedOver(line) {
			version3 = version3 || reader == nil && isVersion3(line)
			continue
		}
		columns = split(columns[:0], line)
		if reader == nil {
			if headed(columns) {
				continue
			}
			if reader, format, err = l.recognise(columns, version3); err != nil {
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
	return l.setOf(format, transcripts, notes)
}

func (l *lines) setOf(format string, transcripts []Transcript, notes []string) (*Set, error) {
	if len(transcripts) == 0 {
		return nil, fmt.Errorf("annotation: %s: the %s file has no transcript with exons; %s", l.file, format, strings.Join(notes, "; "))
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

// isVersion3 reports whether a line is ##gff-version 3, or 3.1.26.
func isVersion3(line []byte) bool {
	words := bytes.Fields(line)
	return len(words) == 2 && string(words[0]) == "##gff-version" && (string(words[1]) == "3" || bytes.HasPrefix(words[1], []byte("3.")))
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
const forms = "GTF, GFF3, refFlat, genePred, SpliceAI's table of exons, GenBank"

// recognise tells the form by the first row. version3 reports whether a line before it says GFF3.
func (l *lines) recognise(columns [][]byte, version3 bool) (rows, string, error) {
	if t, ok := layoutOf(columns); ok {
		return &table{lines: l, layout: t}, t.form, nil
	}
	if n := len(columns); n >= 8 && len(columns[6]) == 1 && bytes.Contains([]byte("+-.?"), columns[6]) {
		if version3 || n >= 9 && hasKey(columns[8]) {
			return newGFF3(l), gff3Format, nil
		}
		return newGTF(l), gtfFormat, nil
	}
	first := bytes.Join(columns, []byte("\t"))
	switch {
	case len(columns) == 1 && len(bytes.Fields(first)) >= 7:
		return nil, "", fmt.Errorf("found blanks between columns, %s; expected tabs; convert a table with tr -s ' ' '\\t', export GTF again",
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
