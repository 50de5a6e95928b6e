// Package gunzip opens streams that may be compressed. Plain bytes pass. Gzip of any number of members and bgzip are
// decompressed. Other formats are refused by name. A stream that was cut off is an error.
package gunzip

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// NewReader returns a reader of r's bytes, decompressed if they begin as gzip does (RFC 1952).
func NewReader(r io.Reader) (io.Reader, error) {
	tail := &tailReader{r: r}
	in := bufio.NewReaderSize(tail, 1<<16)
	magic, err := in.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, p := range packings {
		if bytes.HasPrefix(magic, []byte(p.magic)) {
			return nil, fmt.Errorf("the file is packed by %s; unpack it, or pack it with gzip", p.name)
		}
	}
	if !bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	z := &reader{in: in, tail: tail, z: new(gzip.Reader)}
	if err := z.member(); err != nil {
		return nil, err
	}
	z.blocked = isBlocked(z.z.Extra)
	return z, nil
}

var packings = [...]struct{ magic, name string }{
	{"PK\x03\x04", "zip"},
	{"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"},
	{"\x28\xb5\x2f\xfd", "zstd"},
}

type reader struct {
	in      *bufio.Reader
	tail    *tailReader
	z       *gzip.Reader // of one member
	blocked bool         // bgzip: its last member must be the empty one that marks the end
}

// member begins the next member. Members are separated here, and not by the gzip reader, because the gzip reader
// takes a file that was cut off within the name or the comment of a later member's header for a whole one.
func (r *reader) member() error {
	err := r.z.Reset(r.in)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return explain(err)
	}
	r.z.Multistream(false)
	return nil
}

func (r *reader) Read(p []byte) (int, error) {
	for {
		n, err := r.z.Read(p)
		if n > 0 && err == io.EOF {
			return n, nil
		}
		if n > 0 || err != io.EOF {
			return n, explain(err)
		}
		if _, err := r.in.Peek(1); err == io.EOF {
			return 0, r.end()
		} else if err != nil {
			return 0, explain(err)
		}
		if err := r.member(); err != nil {
			return 0, err
		}
	}
}

// end is io.EOF, unless the end of a bgzip file is missing.
func (r *reader) end() error {
	if r.blocked && string(r.tail.last()) != endOfBlocks {
		return errors.New("the bgzip file is cut off: its end marker is missing; copy or download it again")
	}
	return io.EOF
}

func explain(err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the gzip file is cut off; copy or download it again: %w", err)
	case errors.Is(err, gzip.ErrChecksum):
		return fmt.Errorf("the gzip file is damaged: its checksum does not fit; copy or download it again: %w", err)
	case errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("the gzip file is damaged, or other bytes follow its end: %w", err)
	}
	return fmt.Errorf("the gzip file cannot be read: %w", err)
}

// endOfBlocks is the empty member that ends a bgzip file: SAM specification (samtools/hts-specs, SAMv1),
// section 4.1.2. A file cut off between two members is whole gzip; only the missing marker tells.
const endOfBlocks = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00\x42\x43\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// isBlocked finds bgzip's subfield "BC" of two bytes in a member's extra field.
func isBlocked(extra []byte) bool {
	for len(extra) >= 4 {
		n := int(extra[2]) | int(extra[3])<<8
		if string(extra[:2]) == "BC" && n == 2 {
			return true
		}
		extra = extra[min(4+n, len(extra)):]
	}
	return false
}

// tailReader remembers the last bytes that passed.
type tailReader struct {
	r    io.Reader
	kept []byte
}

func (t *tailReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.kept = append(t.kept, p[max(0, n-len(endOfBlocks)):n]...)
	t.kept = t.kept[max(0, len(t.kept)-len(endOfBlocks)):]
	return n, err
}

func (t *tailReader) last() []byte { return t.kept }
