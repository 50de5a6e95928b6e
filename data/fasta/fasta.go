// Package fasta reads FASTA files: as a stream of bases (Reader), or any part of them (Reference). The first bytes of a file tell plain
// text, gzip and bgzip apart.
//
// A header line begins with '>', and its first word is the name of the record. Sequence lines may have any length and
// end in LF or CRLF; empty lines and blanks are passed over. Letters are A C G T, U (read as T),
// N and the other ambiguity codes R Y S W K M B D H V (read as N, or refused on request); lower case is kept as
// a flag. Any other letter, such as a gap or one of protein alone, is an error that gives its place. A file without a
// record, a record without a base, and compressed data that was cut off are errors too.
package fasta

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/internal/gunzip"
)

// Options configures a Reader. The zero value works.
type Options struct {
	Exact bool // refuse N and the other ambiguity codes instead of reading them as N
}

// Record is the header of a record.
type Record struct {
	Name        string // the first word after '>'
	Description string // the rest of the line
	Line        int    // of the header, from 1
}

// maxHeader bounds a header line. Real ones have less than a kilobyte; a binary file that begins with '>' or a
// file without line ends must not be read into memory.
const maxHeader = 1 << 16

// Reader reads one record after the other. Its memory does not grow with the file.
type Reader struct {
	file   string
	in     *bufio.Reader
	table  [256]byte // by letter: a base, or one of the classes below
	header bool      // the next byte is the '>' of a header
	open   bool      // within a record
	begun  bool      // the current line has shown a letter or a blank

	record       Record
	count        int // records begun
	bases        int // of this record so far
	line, column int // of the next byte, from 1
}

// Classes of bytes, above all bases (which use the bits 0x87).
const (
	blank   = 0x40
	newline = 0x41
	refused = 0x42
)

// NewReader reads r; file is the name that errors give it.
func NewReader(r io.Reader, file string, o Options) (*Reader, error) {
	in, err := gunzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("fasta: %s: %w", file, err)
	}
	return &Reader{file: file, in: bufio.NewReaderSize(in, 1<<16), table: letters(o), line: 1, column: 1}, nil
}

func letters(o Options) (table [256]byte) {
	for i := range table {
		base, kind := dna.Parse(byte(i))
		if kind == dna.NoBase || kind == dna.Ambiguous && o.Exact {
			table[i] = refused
		} else {
			table[i] = byte(base)
		}
	}
	table[' '], table['\t'], table['\r'], table['\n'] = blank, blank, blank, newline
	return table
}

// Next goes to the next record, passing over what is left of this one, and returns its header. It returns
// io.EOF after the last.
func (r *Reader) Next() (Record, error) {
	var skip [4096]dna.Base
	for r.open {
		if _, err := r.Read(skip[:]); err != nil && err != io.EOF {
			return Record{}, err
		}
	}
	if r.count == 0 {
		if err := r.first(); err != nil {
			return Record{}, err
		}
	}
	if !r.header {
		return Record{}, io.EOF
	}
	return r.readHeader()
}

// first passes over empty lines before the first header.
func (r *Reader) first() error {
	for {
		c, err := r.in.ReadByte()
		if err == io.EOF {
			return fmt.Errorf("fasta: %s: the file is empty; expected a header line that begins with '>'", r.file)
		}
		if err != nil {
			return r.fail(err)
		}
		switch r.table[c] {
		case newline:
			r.line, r.column = r.line+1, 1
			continue
		case blank:
			r.column++
			continue
		}
		if c != '>' || r.column > 1 {
			return fmt.Errorf("fasta: %s: line %d, column %d: found %s before the first record; "+
				"expected a header line that begins with '>'; is this a FASTA file?", r.file, r.line, r.column, show(c))
		}
		r.header = true
		return nil
	}
}

// readHeader reads the rest of a header line, its '>' already taken.
func (r *Reader) readHeader() (Record, error) {
	r.header = false
	r.count++
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxHeader {
			return Record{}, fmt.Errorf("fasta: %s: line %d: the header is longer than %d bytes; is this a FASTA file?",
				r.file, r.line, maxHeader)
		}
		if err == nil || err == io.EOF {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return Record{}, r.fail(err)
		}
	}
	text := strings.TrimRight(string(line), "\r\n")
	if i := strings.IndexByte(text, '\r'); i >= 0 {
		return Record{}, fmt.Errorf("fasta: %s: line %d, column %d: found a carriage return within the header; "+
			"lines must end in LF or CRLF: convert the file (tr '\\r' '\\n')", r.file, r.line, i+2)
	}
	name, description := strings.TrimSpace(text), ""
	if i := strings.IndexAny(name, " \t"); i >= 0 {
		name, description = name[:i], name[i:]
	}
	if name == "" {
		return Record{}, fmt.Errorf("fasta: %s: line %d: the header of record %d has no name; write one after '>'", r.file, r.line, r.count)
	}
	r.record = Record{name, strings.TrimSpace(description), r.line}
	r.line, r.column, r.bases, r.open, r.begun = r.line+1, 1, 0, true, false
	return r.record, nil
}

// Read fills dst with the next bases of the record and returns their number. At the end of the record it returns io.EOF
// and no base.
func (r *Reader) Read(dst []dna.Base) (int, error) {
	n := 0
	for r.open && n < len(dst) {
		if r.in.Buffered() == 0 {
			if _, err := r.in.Peek(1); err == io.EOF {
				r.open = false
				break
			} else if err != nil {
				return n, r.fail(err)
			}
		}
		chunk, _ := r.in.Peek(r.in.Buffered())
		used, found, err := r.decode(dst[n:], chunk)
		r.in.Discard(used) // cannot fail: the bytes are buffered
		n += found
		r.bases += found
		if err != nil {
			return n, err
		}
	}
	if n > 0 || len(dst) == 0 {
		return n, nil
	}
	if r.bases == 0 {
		return 0, fmt.Errorf("fasta: %s: line %d: record %d, %q, has no bases; "+
			"complete the file, or take the record out", r.file, r.record.Line, r.count, r.record.Name)
	}
	return 0, io.EOF
}

// decode turns letters of chunk into bases until either ends or the next header begins.
func (r *Reader) decode(dst []dna.Base, chunk []byte) (used, n int, err error) {
	for used < len(chunk) && n < len(dst) {
		c := chunk[used]
		used++
		switch class := r.table[c]; class {
		case newline:
			r.line, r.column, r.begun = r.line+1, 1, false
			continue
		case blank:
		case refused:
			if c == '>' && !r.begun {
				r.header, r.open = true, false
				return used, n, nil
			}
			return used, n, r.badLetter(c)
		default:
			dst[n] = dna.Base(class)
			n++
		}
		r.begun = true
		r.column++
	}
	return used, n, nil
}

func (r *Reader) badLetter(c byte) error {
	expected, remedy := "a base (A C G T U, N or another IUPAC code of DNA)", "correct the file"
	_, kind := dna.Parse(c)
	switch {
	case kind == dna.Ambiguous:
		expected, remedy = "A, C, G, T or U alone", "allow ambiguity codes, which are read as N"
	case c == '-' || c == '.':
		remedy = "this looks like an alignment: take the gaps out"
	case c == '>':
		remedy = "a header must begin its line"
	case strings.IndexByte("EFILPQZXJO*efilpqzxjo", c) >= 0:
		remedy = "this looks like protein, which is not read"
	}
	return fmt.Errorf("fasta: %s: record %d, %q, line %d, column %d: found %s; expected %s; %s",
		r.file, r.count, r.record.Name, r.line, r.column, show(c), expected, remedy)
}

// fail reports an error of reading with its place.
func (r *Reader) fail(err error) error {
	return fmt.Errorf("fasta: %s: after line %d, column %d: %w", r.file, r.line, r.column, err)
}

// show names a byte in a message.
func show(c byte) string {
	if c > ' ' && c < 0x7f {
		return fmt.Sprintf("%q", c)
	}
	return fmt.Sprintf("the byte 0x%02x", c)
}

// Sequence reads what is left of the record into memory, at two bits a base.
func (r *Reader) Sequence() (*dna.Sequence, error) {
	s := &dna.Sequence{Name: r.record.Name, Description: r.record.Description}
	var chunk [4096]dna.Base
	for {
		n, err := r.Read(chunk[:])
		s.Append(chunk[:n])
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Load reads all records of a file into memory, at two bits a base: a quarter of a byte for each base of a
// genome, 16 MB for human chromosome 20.
func Load(path string, o Options) ([]*dna.Sequence, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fasta: %w", err)
	}
	defer f.Close()
	r, err := NewReader(f, path, o)
	if err != nil {
		return nil, err
	}
	var all []*dna.Sequence
	for {
		if _, err := r.Next(); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		s, err := r.Sequence()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}
