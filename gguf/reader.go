package gguf

import (
	"bufio"
	"encoding/binary"
	"io"
)

// reader reads a header's fields one after the other. The first error stays; what is read after it is zero.
type reader struct {
	r    *bufio.Reader
	left int64 // bytes to the end of the file
	at   int64 // bytes read
	err  error
	buf  [8]byte
}

func newReader(r io.ReaderAt, size int64) *reader {
	return &reader{r: bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<16), left: size}
}

// fail keeps the first error.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// fill reads len(b) bytes.
func (r *reader) fill(b []byte) {
	if r.err != nil {
		return
	}
	if int64(len(b)) > r.left {
		r.err = malformed("the header goes on after the file's end at byte %d; it is truncated", r.at+r.left)
		return
	}
	n, err := io.ReadFull(r.r, b)
	r.at, r.left = r.at+int64(n), r.left-int64(n)
	if err != nil {
		r.err = err
	}
}

// number reads n bytes, at most 8, as a little-endian number.
func (r *reader) number(n int) uint64 {
	r.buf = [8]byte{}
	r.fill(r.buf[:n])
	if r.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(r.buf[:])
}

func (r *reader) u32() uint32 { return uint32(r.number(4)) }
func (r *reader) u64() uint64 { return r.number(8) }

// count reads how many things of at least size bytes follow, and refuses more than the rest of the file can hold: so the memory that
// a file asks for is bounded by its size.
func (r *reader) count(what string, size int64) int {
	n := r.u64()
	if r.err == nil && n > uint64(r.left/size) {
		r.err = malformed("%s is said to have %d at byte %d, and the file has %d bytes more; it is truncated or damaged", what, n, r.at, r.left)
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// text reads a string.
func (r *reader) text(what string) string {
	b := make([]byte, r.count(what, 1))
	r.fill(b)
	return string(b)
}
