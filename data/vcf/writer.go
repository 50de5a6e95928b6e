package vcf

import (
	"fmt"
	"io"
	"strings"
)

// Added is what a Writer adds to a header.
type Added struct {
	Infos []Definition
	Lines []string // such as ##longspanCommand=…, without their ends
}

// Writer writes rows behind a header.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter writes the header of a file, byte for byte. Lines that are added stand before the column names, with the line end of those. A
// definition that the header has already is not added again; one that differs in its number or its type is an error. To pack the file,
// give a bgzip.Writer.
func NewWriter(w io.Writer, h *Header, add Added) (*Writer, error) {
	out := append([]byte(nil), h.Text[:h.names]...)
	for _, d := range add.Infos {
		if err := checkKey(d.ID); err != nil {
			return nil, err
		}
		have, ok := h.Info(d.ID)
		if ok && (have.Number != d.Number || have.Type != d.Type) {
			return nil, fmt.Errorf("vcf: INFO %s: the header has Number=%s,Type=%s, expected Number=%s,Type=%s; "+
				"take the field out first (bcftools annotate -x INFO/%s)", d.ID, have.Number, have.Type, d.Number, d.Type, d.ID)
		}
		if !ok {
			out = append(append(out, d.line()...), h.lineEnd()...)
		}
	}
	for _, line := range add.Lines {
		if !strings.HasPrefix(line, "##") || strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("vcf: found the line %q, expected one line that begins with ##", line)
		}
		out = append(append(out, line...), h.lineEnd()...)
	}
	out = append(out, h.Text[h.names:]...)
	if _, err := w.Write(out); err != nil {
		return nil, err
	}
	return &Writer{w: w}, nil
}

// Write writes a row.
func (w *Writer) Write(rec *Record) error {
	w.buf = rec.Append(w.buf[:0])
	_, err := w.w.Write(w.buf)
	return err
}
