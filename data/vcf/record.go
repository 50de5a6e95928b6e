package vcf

import (
	"bytes"
	"fmt"
	"strings"
)

// Record is a row.
type Record struct {
	Line  int    // in the file, from 1
	Chrom string // as written
	Pos   int    // of REF's first base, from 1; 0 is the telomere before the contig
	Ref   string // as written
	Alts  []string

	text    []byte              // of the row, without its line end
	end     string              // "\n", "\r\n", or "" at the end of a file
	header  *Header             // of the file
	starts  [len(fixed) + 2]int // of the fixed columns, of FORMAT, and of the first sample; behind the text where there are none
	info    []byte              // in place of the INFO column
	changed bool                // info counts
}

// split finds the columns.
func (rec *Record) split() error {
	n := 1
	for i, c := range rec.text {
		if c != '\t' {
			continue
		}
		if n < len(rec.starts) {
			rec.starts[n] = i + 1
		}
		n++
	}
	if n != rec.header.columns {
		hint := ""
		if n == 1 && len(bytes.Fields(rec.text)) >= len(fixed) {
			hint = "; columns are separated by tabs, not by blanks"
		}
		return fmt.Errorf("found %d columns, expected %d as in the line of column names%s", n, rec.header.columns, hint)
	}
	for ; n < len(rec.starts); n++ {
		rec.starts[n] = len(rec.text) + 1
	}
	return nil
}

// column is one of the fixed columns, or FORMAT.
func (rec *Record) column(i int) []byte {
	if rec.starts[i] > len(rec.text) {
		return nil
	}
	return rec.text[rec.starts[i] : rec.starts[i+1]-1]
}

// Size is the number of bytes of the row as it was read.
func (rec *Record) Size() int { return len(rec.text) + len(rec.end) }

// ID is the column ID; "." where it is missing.
func (rec *Record) ID() string { return string(rec.column(2)) }

// Filter is the column FILTER.
func (rec *Record) Filter() string { return string(rec.column(6)) }

// Format has the keys of the samples' columns, separated by colons; "" where the file has no samples.
func (rec *Record) Format() string { return string(rec.column(len(fixed))) }

// infoText is the INFO column as it will be written.
func (rec *Record) infoText() []byte {
	if rec.changed {
		return rec.info
	}
	return rec.column(len(fixed) - 1)
}

// Info is the value of an INFO field. A flag has the value "".
func (rec *Record) Info(key string) (value string, ok bool) {
	start, end, ok := findInfo(rec.infoText(), key)
	if !ok {
		return "", false
	}
	_, value, _ = strings.Cut(string(rec.infoText()[start:end]), "=")
	return value, true
}

// findInfo finds the first field with a key.
func findInfo(info []byte, key string) (start, end int, ok bool) {
	for start <= len(info) {
		end = len(info)
		if i := bytes.IndexByte(info[start:], ';'); i >= 0 {
			end = start + i
		}
		field := info[start:end]
		if len(field) >= len(key) && string(field[:len(key)]) == key && (len(field) == len(key) || field[len(key)] == '=') {
			return start, end, true
		}
		start = end + 1
	}
	return 0, 0, false
}

// SetInfo sets an INFO field: in place where the row has it, else behind the last. Several values are separated by commas. The value ""
// sets a flag. The Writer must have the field's definition.
func (rec *Record) SetInfo(key, value string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if i := strings.IndexFunc(value, func(c rune) bool { return c <= ' ' || c == ';' || c == '=' || c == 0x7f }); i >= 0 {
		return fmt.Errorf("vcf: INFO %s: found %q, expected a value without blanks, ';' and '='", key, value)
	}
	field := key
	if value != "" {
		field += "=" + value
	}
	old := rec.infoText()
	start, end, found := findInfo(old, key)
	var info []byte
	switch {
	case found:
		info = append(append(append(info, old[:start]...), field...), old[end:]...)
	case string(old) == ".":
		info = []byte(field)
	default:
		info = append(append(append(info, bytes.TrimSuffix(old, []byte(";"))...), ';'), field...)
	}
	rec.info, rec.changed = info, true
	return nil
}

// checkKey checks the key of an INFO field (VCFv4.3, section 1.6.1).
func checkKey(key string) error {
	for i := range len(key) {
		c := key[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_'
		if !letter && (i == 0 || c != '.' && (c < '0' || c > '9')) {
			return fmt.Errorf("vcf: found the INFO key %q, expected letters, digits, '_' and '.', and no digit first", key)
		}
	}
	if key == "" {
		return fmt.Errorf("vcf: found an empty INFO key")
	}
	return nil
}

// Append appends the row with its line end to dst.
func (rec *Record) Append(dst []byte) []byte {
	if !rec.changed {
		return append(append(dst, rec.text...), rec.end...)
	}
	dst = append(dst, rec.text[:rec.starts[len(fixed)-1]]...)
	dst = append(dst, rec.info...)
	if behind := rec.starts[len(fixed)] - 1; behind < len(rec.text) {
		dst = append(dst, rec.text[behind:]...)
	}
	return append(dst, rec.end...)
}

// Sample is the column of a sample, from 0. It stays valid until the next row is read.
func (rec *Record) Sample(i int) []byte {
	at := rec.starts[len(fixed)+1]
	for at <= len(rec.text) {
		end := len(rec.text)
		if n := bytes.IndexByte(rec.text[at:], '\t'); n >= 0 {
			end = at + n
		}
		if i == 0 {
			return rec.text[at:end]
		}
		i--
		at = end + 1
	}
	return nil
}
