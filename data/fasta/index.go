package fasta

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
)

var errOtherIndex = errors.New("the index (.fai, .gzi) is of another file, or of an older one; delete it: it is not needed")

// maxIndex bounds a .fai file: a million contigs take 40 MB.
const maxIndex = 256 << 20

// maxShown bounds what an error shows of a line.
const maxShown = 100

// maxContigs bounds the contigs, of which each takes some 200 bytes of memory. A record needs 5 bytes of a file, and much less of a packed
// one.
const maxContigs = 1 << 22

// place is where base i is in the file, unpacked.
func (c *Contig) place(i int) int64 {
	return c.offset + int64(i/c.bases)*int64(c.width) + int64(i%c.bases)
}

// index reads the .fai, or makes one. name is that of the file in errors.
func (r *Reference) index(name string) error {
	contigs, err := r.indexOrScan()
	if err != nil {
		return err
	}
	r.Names, err = NewNames(name, contigs)
	return err
}

// indexOrScan lists the contigs.
func (r *Reference) indexOrScan() ([]Contig, error) {
	err := fs.ErrNotExist
	var f *os.File
	if r.path != "" {
		f, err = os.Open(r.path + ".fai")
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return scan(bufio.NewReaderSize(io.NewSectionReader(r.letters, 0, r.size), 1<<16))
	case err != nil:
		return nil, err
	}
	r.indexed = true
	contigs, err := readFAI(f, r.size)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s.fai: %w", r.path, err)
	}
	return contigs, nil
}

var errManyContigs = fmt.Errorf("found more than %d records; is this a reference?", maxContigs)

// readFAI reads an index of five columns: name, bases, offset, bases of a line, bytes of a line (samtools' manual page faidx(5)).
func readFAI(in io.Reader, size int64) (contigs []Contig, err error) {
	text, err := io.ReadAll(io.LimitReader(in, maxIndex+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxIndex {
		return nil, fmt.Errorf("found more than %d MiB; is this an index?", maxIndex>>20)
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		c := Contig{Name: f[0]}
		var v [4]int64
		bad := len(f) != 5 || f[0] == ""
		for i := range v {
			if !bad {
				v[i], err = strconv.ParseInt(f[1+i], 10, 64)
				bad = err != nil || v[i] < 0
			}
		}
		if bad {
			return nil, fmt.Errorf("line %d: found %q, expected a name and four numbers, separated by tabs; "+
				"delete the index: it is not needed", number, line[:min(len(line), maxShown)])
		}
		if v[0] == 0 {
			return nil, fmt.Errorf("line %d: contig %s has no bases; take the record out of the file", number, c.Name)
		}
		if v[0] > math.MaxInt32 || v[1] >= size || v[2] == 0 || v[2] > v[3] || v[3] > math.MaxInt32 {
			return nil, fmt.Errorf("line %d: %w", number, errOtherIndex)
		}
		c.Length, c.offset, c.bases, c.width = int(v[0]), v[1], int(v[2]), int(v[3])
		if c.place(c.Length-1) >= size {
			return nil, fmt.Errorf("line %d: %w", number, errOtherIndex)
		}
		contigs = append(contigs, c)
	}
	if len(contigs) == 0 {
		return nil, errors.New("found no contig; delete the index: it is not needed")
	}
	return contigs, nil
}

// Header is the header line of a record, without its '>' and its line end.
func (r *Reference) Header(contig string) (string, error) {
	c, err := r.exact(contig)
	if err != nil {
		return "", err
	}
	header, err := r.header(c)
	if err != nil {
		return "", fmt.Errorf("fasta: %s: contig %s: %w", r.path, contig, err)
	}
	return header, nil
}

// header reads the line before a contig's first base.
func (r *Reference) header(c *Contig) (string, error) {
	before := make([]byte, min(c.offset, maxHeader+2))
	if n, err := r.letters.ReadAt(before, c.offset-int64(len(before))); n < len(before) {
		return "", err
	}
	line, ended := bytes.CutSuffix(before, []byte("\n"))
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	text, isHeader := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\r")), []byte(">"))
	if words := bytes.Fields(text); !ended || !isHeader || len(words) == 0 || string(words[0]) != c.Name {
		return "", errOtherIndex
	}
	return string(text), nil
}

// check compares a contig of an index that was read with the file, once: its header stands before its first base, and behind its last base
// there are line ends up to the next header or the end of the file.
func (r *Reference) check(c *Contig) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.indexed || r.checked[c.Name] {
		return nil
	}
	if _, err := r.header(c); err != nil {
		return err
	}
	if err := r.checkEnd(c.place(c.Length-1) + 1); err != nil {
		return err
	}
	r.checked[c.Name] = true
	return nil
}

// checkEnd checks that a record ends at a place of the file.
func (r *Reference) checkEnd(at int64) error {
	var buf [64]byte
	for first := true; ; first = false {
		n, err := r.letters.ReadAt(buf[:], at)
		after := bytes.TrimLeft(buf[:n], "\r\n")
		switch {
		case len(after) > 0 && (after[0] != '>' || first && len(after) == n):
			return errOtherIndex
		case len(after) > 0 || err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		at += int64(n)
	}
}

// scanner makes an index.
type scanner struct {
	contigs []Contig
	at      int64 // of the current line
	line    int   // from 1
	short   int   // the line of the current contig that is shorter than those before, or 0
}

// scan reads a whole file and finds its contigs. Lines of a contig have one length, but for the last.
func scan(in *bufio.Reader) ([]Contig, error) {
	s := &scanner{}
	for {
		s.line++
		first, err := in.Peek(1)
		if err == io.EOF {
			return s.finish()
		}
		if err != nil {
			return nil, err
		}
		if first[0] == '>' {
			err = s.header(in)
		} else {
			err = s.letters(in)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", s.line, err)
		}
	}
}

func (s *scanner) finish() ([]Contig, error) {
	if len(s.contigs) == 0 {
		return nil, errors.New("the file has no record; expected a header line that begins with '>'; is this a FASTA file?")
	}
	return s.contigs, s.ended()
}

// ended checks the record that ends.
func (s *scanner) ended() error {
	if n := len(s.contigs); n > 0 && s.contigs[n-1].Length == 0 {
		return fmt.Errorf("record %q has no bases; complete the file, or take the record out", s.contigs[n-1].Name)
	}
	return nil
}

func (s *scanner) header(in *bufio.Reader) error {
	if err := s.ended(); err != nil {
		return err
	}
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxHeader {
			return fmt.Errorf("the header is longer than %d bytes; is this a FASTA file?", maxHeader)
		}
		if err == nil || err == io.EOF {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
	words := strings.Fields(string(line[1:]))
	if len(words) == 0 || line[1] == ' ' || line[1] == '\t' {
		return errors.New("the header has no name; write one after '>', without a blank before it")
	}
	if len(s.contigs) == maxContigs {
		return errManyContigs
	}
	s.at += int64(len(line))
	s.contigs = append(s.contigs, Contig{Name: words[0], offset: s.at})
	s.short = 0
	return nil
}

// letters reads a line of bases, of any length.
func (s *scanner) letters(in *bufio.Reader) error {
	bases, width, end := 0, 0, false
	for !end {
		part, err := in.ReadSlice('\n')
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		end = err == nil || err == io.EOF
		width += len(part)
		letters := bytes.TrimRight(part, "\r\n")
		if i := badLetter(letters); i >= 0 {
			return fmt.Errorf("column %d: found %s, expected a base (A C G T U, N or another IUPAC code of DNA); blanks have no place here",
				bases+i+1, show(letters[i]))
		}
		bases += len(letters)
	}
	s.at += int64(width)
	if bases == 0 && (len(s.contigs) == 0 || s.contigs[len(s.contigs)-1].Length == 0) {
		if len(s.contigs) > 0 {
			return fmt.Errorf("the line is empty, expected the bases of record %q", s.contigs[len(s.contigs)-1].Name)
		}
		return nil // before the first header
	}
	if len(s.contigs) == 0 {
		return errors.New("found bases before the first record; expected a header line that begins with '>'; is this a FASTA file?")
	}
	return s.add(&s.contigs[len(s.contigs)-1], bases, width)
}

// add adds a line to a contig.
func (s *scanner) add(c *Contig, bases, width int) error {
	if c.Length == 0 {
		c.bases, c.width = bases, width
	}
	if s.short > 0 && bases > 0 {
		return fmt.Errorf("record %q goes on behind line %d, which is shorter than the lines before; any part of a file can be read only "+
			"if its lines have one length; rewrite the file (seqkit seq -w 60, or samtools faidx)", c.Name, s.short)
	}
	if bases > c.bases || bases == c.bases && width > c.width {
		return fmt.Errorf("found %d bases in %d bytes, but %d in %d on the record's first line; any part of a file can be read only if its "+
			"lines have one length; rewrite the file (seqkit seq -w 60)", bases, width, c.bases, c.width)
	}
	if bases < c.bases || width < c.width {
		s.short = s.line
	}
	if bases > math.MaxInt32-c.Length {
		return fmt.Errorf("record %q has more than %d bases", c.Name, math.MaxInt32)
	}
	c.Length += bases
	return nil
}
