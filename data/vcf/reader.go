// Package vcf reads and writes variants as VCF 4.0 to 4.5 (samtools/hts-specs, VCFv4.1 to VCFv4.5), as a stream. The first bytes of a
// file tell plain text, gzip and bgzip apart.
//
// What the package does not understand it keeps byte for byte: lines of the header, the order of INFO fields, FORMAT and the samples'
// columns, line ends. A row that is read and written again has the same bytes, but for INFO fields that were set.
//
// A row is checked for its form: tabs, the number of columns, the position. An error names the line. What the alleles say is for the
// caller to judge; KindOf classifies them.
package vcf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/internal/gunzip"
)

// MaxLine bounds a line. A row of 500,000 samples with 100 bytes each has 50 MB.
const MaxLine = 64 << 20

// MaxAlts bounds the alternate alleles of a row: BCF has no more, because it counts the alleles in 16 bits (BCFv2.2, section 6.3.1). A line
// of MaxLine has room for 30 million, of which callers keep some hundred bytes each.
const MaxAlts = 1<<16 - 2

// maxName bounds the name of a contig. Real ones have less than a hundred bytes, and callers keep them.
const maxName = 1 << 10

// maxHeader bounds the header. A thousand lines of contigs take 100 kB.
const maxHeader = 64 << 20

// Reader reads one row after the other. It holds one line in memory.
type Reader struct {
	file   string
	in     *bufio.Reader
	header Header
	line   int    // the last line read, from 1
	text   []byte // of that line, with its end
	chrom  string // of the row before
	err    error  // after which nothing is read
}

// NewReader reads the header of r. file is the name that errors give it.
func NewReader(r io.Reader, file string) (*Reader, error) {
	in, err := gunzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("vcf: %s: %w", file, err)
	}
	v := &Reader{file: file, in: bufio.NewReaderSize(in, 1<<16)}
	if err := v.readHeader(); err != nil {
		return nil, err
	}
	return v, nil
}

// Header is the header, which the caller does not change.
func (r *Reader) Header() *Header { return &r.header }

func (r *Reader) readHeader() error {
	h := &r.header
	for {
		line, _, err := r.next()
		if err == io.EOF && r.line == 0 {
			return fmt.Errorf("vcf: %s: the file is empty; expected a first line such as ##fileformat=VCFv4.2", r.file)
		}
		if err == io.EOF {
			return fmt.Errorf("vcf: %s: the file ends after line %d, before the line of column names, which begins with #CHROM", r.file, r.line)
		}
		if err != nil {
			return err
		}
		h.Lines = r.line
		switch {
		case r.line == 1:
			err = h.version(line)
		case bytes.HasPrefix(line, []byte("##")):
			h.meta(line)
		case bytes.HasPrefix(line, []byte("#")):
			h.names = len(h.Text)
			h.Text = append(h.Text, r.text...)
			if err := h.columnNames(line); err != nil {
				return r.fail(err)
			}
			return nil
		default:
			err = fmt.Errorf("found %s within the header; expected lines that begin with ##, and then the column names, #CHROM …", quote(line))
		}
		if err != nil {
			return r.fail(err)
		}
		h.Text = append(h.Text, r.text...)
		if len(h.Text) > maxHeader {
			return r.fail(fmt.Errorf("the header is longer than %d MiB; is this a VCF file?", maxHeader>>20))
		}
	}
}

// next reads a line into r.text, and returns it without its end, and the end.
func (r *Reader) next() (line []byte, end string, err error) {
	r.text = r.text[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.text)+len(part) > MaxLine {
			r.line++
			return nil, "", r.fail(fmt.Errorf("the line is longer than %d MiB; is this a VCF file?", MaxLine>>20))
		}
		r.text = append(r.text, part...)
		if err == nil || err == io.EOF && len(r.text) > 0 {
			break
		}
		if err == io.EOF {
			return nil, "", io.EOF
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, "", fmt.Errorf("vcf: %s: after line %d: %w", r.file, r.line, err)
		}
	}
	r.line++
	line = r.text
	for _, end := range [...]string{"\r\n", "\n"} {
		if rest, ok := bytes.CutSuffix(line, []byte(end)); ok {
			return rest, end, nil
		}
	}
	return line, "", nil
}

func (r *Reader) fail(err error) error {
	return fmt.Errorf("vcf: %s: line %d: %w", r.file, r.line, err)
}

// Each calls use for each row that is left, and ends with the first error of reading or of use. The record is valid until use returns.
func (r *Reader) Each(use func(*Record) error) error {
	var rec Record
	for {
		if err := r.Next(&rec); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := use(&rec); err != nil {
			return err
		}
	}
}

// Next reads the next row into rec, and returns io.EOF after the last. What rec had before is overwritten, its byte slices too.
func (r *Reader) Next(rec *Record) error {
	if r.err != nil {
		return r.err
	}
	line, end, err := r.next()
	if err != nil {
		r.err = err
		return err
	}
	if err := r.parse(rec, line, end); err != nil {
		r.err = r.fail(err)
	}
	return r.err
}

// parse checks the form of a row and splits it.
func (r *Reader) parse(rec *Record, line []byte, end string) error {
	switch {
	case len(line) == 0:
		return errors.New("the line is empty, expected a row; take the line out")
	case line[0] == '#':
		return fmt.Errorf("found %s among the rows; were files joined by cat? Join them with bcftools concat", quote(line))
	}
	if i := bytes.IndexAny(line, "\r\x00"); i >= 0 {
		return fmt.Errorf("found the byte 0x%02x at place %d of the line; lines must end in LF or CRLF", line[i], i+1)
	}
	*rec = Record{Line: r.line, Alts: rec.Alts[:0], text: append(rec.text[:0], line...), end: end, header: &r.header}
	if err := rec.split(); err != nil {
		return err
	}
	if got := string(rec.column(0)); got != r.chrom {
		r.chrom = got
	}
	rec.Chrom = r.chrom
	return rec.read()
}

// position reads a POS, which counts from 1. 0 and one past the contig's end are telomeres.
func position(text []byte) (int, error) {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil || n == math.MaxInt32 {
		return 0, fmt.Errorf("found POS %s, expected a number from 0 to %d", quote(text), math.MaxInt32-1)
	}
	return int(n), nil
}

// read fills the fields that all callers need.
func (rec *Record) read() (err error) {
	for i, name := range fixed {
		text := rec.column(i)
		if len(text) == 0 {
			return fmt.Errorf("column %s is empty; a missing value is written as a dot", strings.TrimPrefix(name, "#"))
		}
		// INFO may not have blanks, and files in the wild have them: they are kept.
		if i < len(fixed)-1 && i != 2 && i != 6 && bytes.IndexByte(text, ' ') >= 0 {
			return fmt.Errorf("found a blank in column %s, %s; columns are separated by tabs", strings.TrimPrefix(name, "#"), quote(text))
		}
	}
	if n := len(rec.column(0)); n > maxName {
		return fmt.Errorf("found a name of %d bytes in column CHROM, %s; expected %d at most", n, quote(rec.column(0)), maxName)
	}
	if rec.Pos, err = position(rec.column(1)); err != nil {
		return err
	}
	rec.Ref = string(rec.column(3))
	alts := string(rec.column(4))
	if alts == "." {
		return nil
	}
	n := 1 + strings.Count(alts, ",")
	if n > MaxAlts {
		return fmt.Errorf("found %d alleles in ALT, expected at most %d; is this a VCF file?", n, MaxAlts)
	}
	rec.Alts = slices.Grow(rec.Alts, n)
	for alt := range strings.SplitSeq(alts, ",") {
		if alt == "" {
			return fmt.Errorf("found an empty allele in ALT, %q; no alternate allele is written as a dot", alts)
		}
		rec.Alts = append(rec.Alts, alt)
	}
	return nil
}
