package fasta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/longspan/longspan/data/bgzip"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/internal/gunzip"
)

// Contig is a sequence of a reference.
type Contig struct {
	Name   string // the first word of its header
	Length int    // in bases

	// As in the columns of a .fai file: where the first base is in the file, unpacked, and the bases and the bytes of a line.
	offset       int64
	bases, width int
}

// Reference is a FASTA file of which any part of any record can be read: plain, bgzip, or gzip. It is safe for concurrent use.
type Reference struct {
	path    string
	letters io.ReaderAt // the file, unpacked
	size    int64
	close   func() error
	*Names
	notes   []string
	indexed bool // the index was read, and has to be checked

	mu      sync.Mutex
	checked map[string]bool
}

// maxUnpacked bounds a gzip file that is not bgzip: it is unpacked into memory.
const maxUnpacked = 1 << 30

// Open opens a FASTA file. An index beside it, as `samtools faidx` writes it, is used: path.fai, and path.gzi of a bgzip file. Without one
// the file is read once: about a second for 300 MB, packed or not. A gzip file that is not bgzip is unpacked into memory, with a note.
//
// An index of another file is an error, which is found when a contig is first read.
func Open(path string) (*Reference, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("fasta: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is a folder, a pipe or a device, expected a regular file: any part of it is read; write the reference to a file",
			path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fasta: %w", err), f.Close())
	}
	r := &Reference{path: path, close: f.Close, checked: map[string]bool{}}
	if err = r.unpack(f, info.Size()); err == nil {
		err = r.index(path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fasta: %s: %w", path, err), f.Close())
	}
	return r, nil
}

// OpenReader opens a FASTA file that need not be on a disk; name is for errors. It has no index.
func OpenReader(in io.ReaderAt, size int64, name string) (*Reference, error) {
	r := &Reference{close: func() error { return nil }, checked: map[string]bool{}}
	err := r.unpack(in, size)
	if err == nil {
		err = r.index(name)
	}
	if err != nil {
		return nil, fmt.Errorf("fasta: %s: %w", name, err)
	}
	r.path = name
	return r, nil
}

// Close closes the file.
func (r *Reference) Close() error { return r.close() }

// Path is the name that the reference was opened by.
func (r *Reference) Path() string { return r.path }

// Notes say what a user should know about the file.
func (r *Reference) Notes() []string { return r.notes }

// unpack finds out how the file is packed.
func (r *Reference) unpack(f io.ReaderAt, size int64) error {
	var head [18]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return err
	}
	if bgzip.Is(head[:n]) {
		return r.openBlocks(f, size)
	}
	if n < 2 || head[0] != 0x1f || head[1] != 0x8b {
		r.letters, r.size = f, size
		return nil
	}
	in, err := gunzip.NewReader(io.NewSectionReader(f, 0, size))
	if err != nil {
		return err
	}
	all, err := io.ReadAll(io.LimitReader(in, maxUnpacked+1))
	if err != nil {
		return err
	}
	if len(all) > maxUnpacked {
		return fmt.Errorf("found gzip of more than %d MiB, which cannot be read at any place; pack it with bgzip", maxUnpacked>>20)
	}
	r.notes = append(r.notes, fmt.Sprintf("the reference is gzip, not bgzip: its %d MiB are in memory; bgzip needs none", len(all)>>20))
	r.letters, r.size = memory(all), int64(len(all))
	return nil
}

// memory is a file in memory.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// openBlocks opens a bgzip file, by its .gzi if there is one.
func (r *Reference) openBlocks(f io.ReaderAt, size int64) error {
	blocks, err := r.indexedBlocks(f, size)
	if errors.Is(err, fs.ErrNotExist) {
		blocks, err = bgzip.Open(f, size)
	}
	if err != nil {
		return err
	}
	r.letters, r.size = blocks, blocks.Size()
	return nil
}

// indexedBlocks opens a bgzip file by its .gzi. fs.ErrNotExist says that there is none.
func (r *Reference) indexedBlocks(f io.ReaderAt, size int64) (*bgzip.File, error) {
	if r.path == "" {
		return nil, fs.ErrNotExist
	}
	gzi, err := os.Open(r.path + ".gzi")
	if err != nil {
		return nil, err
	}
	blocks, err := bgzip.OpenIndexed(f, size, gzi)
	if err != nil {
		err = fmt.Errorf("%s.gzi: %w", r.path, err)
	}
	return blocks, errors.Join(err, gzi.Close())
}

// Window is a part of a contig: the bases Start … End−1, counted from 0. It may reach beyond the contig's ends.
type Window struct {
	Contig     string // its name in the file
	Start, End int
}

// maxWindow bounds a window, in bases. It is longer than any chromosome of a mammal.
const maxWindow = 1 << 29

// Letters appends the letters of a window to dst as the file has them: lower case marks repeats, and R Y S W K M B D H V stand for several
// bases. Beyond the contig's ends the letters are N.
func (r *Reference) Letters(dst []byte, w Window) ([]byte, error) {
	c, err := r.exact(w.Contig)
	if err != nil {
		return nil, err
	}
	if w.Start > w.End || uint64(w.End)-uint64(w.Start) > maxWindow {
		return nil, fmt.Errorf("fasta: window %d to %d of contig %s, expected up to %d bases", w.Start, w.End, w.Contig, maxWindow)
	}
	if err := r.check(c); err != nil {
		return nil, fmt.Errorf("fasta: %s: contig %s: %w", r.path, c.Name, err)
	}
	first, last := min(max(w.Start, 0), c.Length), min(max(w.End, 0), c.Length)
	if first >= last { // beyond an end
		return unknown(dst, w.End-w.Start), nil
	}
	dst = unknown(dst, first-w.Start)
	dst, err = r.read(dst, c, first, last)
	if err != nil {
		return nil, fmt.Errorf("fasta: %s: contig %s: %w", r.path, c.Name, err)
	}
	return unknown(dst, w.End-last), nil
}

// unknown appends n letters N.
func unknown(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, 'N')
	}
	return dst
}

// read appends the letters start … end−1, which lie within the contig.
func (r *Reference) read(dst []byte, c *Contig, start, end int) ([]byte, error) {
	at, stop := c.place(start), c.place(end-1)+1
	column := start % c.bases
	var buf [1 << 15]byte
	for at < stop {
		part := buf[:min(int64(len(buf)), stop-at)]
		if n, err := r.letters.ReadAt(part, at); n < len(part) {
			if err == io.EOF {
				err = errOtherIndex
			}
			return nil, err
		}
		at += int64(len(part))
		for len(part) > 0 {
			if column < c.bases {
				n := min(len(part), c.bases-column)
				if i := badLetter(part[:n]); i >= 0 {
					return nil, r.wrongLetter(part[i])
				}
				dst, part, column = append(dst, part[:n]...), part[n:], column+n
				continue
			}
			skip := min(len(part), c.width-column)
			if rest := bytes.TrimLeft(part[:skip], "\r\n"); len(rest) > 0 {
				return nil, r.wrongEnd(rest[0])
			}
			part, column = part[skip:], column+skip
			if column == c.width {
				column = 0
			}
		}
	}
	return dst, nil
}

// wrongLetter is the error of a byte that is no base.
func (r *Reference) wrongLetter(c byte) error {
	if r.indexed {
		return fmt.Errorf("found %s where the index has a base: %w", show(c), errOtherIndex)
	}
	return fmt.Errorf("found %s where a base was", show(c)) // the file has changed
}

// wrongEnd is the error of a byte between two lines that is no line end.
func (r *Reference) wrongEnd(c byte) error {
	if r.indexed {
		return fmt.Errorf("found %s where the index has a line end: %w", show(c), errOtherIndex)
	}
	return fmt.Errorf("found %s where a line end was", show(c)) // the file has changed
}

// isLetter marks the IUPAC letters.
var isLetter = func() (table [256]bool) {
	for i := range table {
		_, kind := dna.Parse(byte(i))
		table[i] = kind != dna.NoBase
	}
	return table
}()

// badLetter is the place of the first byte that is no letter of DNA, or −1.
func badLetter(part []byte) int {
	for i, c := range part {
		if !isLetter[c] {
			return i
		}
	}
	return -1
}

// Upper makes letters upper case in place.
func Upper(letters []byte) {
	for i, c := range letters {
		if c >= 'a' && c <= 'z' {
			letters[i] = c - 'a' + 'A'
		}
	}
}

// Bases appends the bases of a window to dst. Letters of several bases are N, and lower case is the soft mask.
func (r *Reference) Bases(dst []dna.Base, w Window) ([]dna.Base, error) {
	letters, err := r.Letters(nil, w)
	if err != nil {
		return nil, err
	}
	for _, c := range letters {
		b, _ := dna.Parse(c)
		dst = append(dst, b)
	}
	return dst, nil
}
