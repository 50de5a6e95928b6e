package bgzip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// File is a bgzip file of which any part can be read. It is safe for concurrent use.
type File struct {
	r      io.ReaderAt
	blocks []block // ends with one past the last, which holds the file's two sizes
	listed int     // blocks that an index gave

	mu     sync.Mutex
	z      gzip.Reader
	packed []byte
	cache  [cached]contents
	turn   int // of the cache's place that is replaced next
}

// block is where a block begins, in the file and in what the file holds.
type block struct{ at, from int64 }

// cached is the number of blocks that stay unpacked, 64 KiB each: neighbouring windows share blocks.
const cached = 16

// contents is an unpacked block.
type contents struct {
	valid bool
	index int
	bytes []byte
}

// Open finds the blocks of a file of size bytes by their headers. It reads 22 bytes a block and unpacks nothing. A file without the end
// marker is an error: it was cut off.
func Open(r io.ReaderAt, size int64) (*File, error) {
	return open(r, size, []block{{}})
}

// OpenIndexed is Open with the index that `bgzip -i` writes, a .gzi file, in place of the headers. What the index says of a block is
// checked when the block is read.
func OpenIndexed(r io.ReaderAt, size int64, gzi io.Reader) (*File, error) {
	blocks, err := readIndex(gzi, size)
	if err != nil {
		return nil, fmt.Errorf("the index: %w", err)
	}
	f, err := open(r, size, blocks)
	if errors.Is(err, errNoBlocks) && len(blocks) > 1 {
		return nil, errOtherIndex
	}
	if err != nil {
		return nil, err
	}
	f.listed = len(blocks)
	return f, nil
}

var errOtherIndex = errors.New("the index is of another file, or of an older one; delete it: it is not needed")

// open goes on from the last of blocks to the end of the file.
func open(r io.ReaderAt, size int64, blocks []block) (*File, error) {
	last := blocks[len(blocks)-1]
	var head [4 + headerBytes]byte
	if err := readFull(r, head[4:], last.at, size); err != nil {
		return nil, err
	}
	for {
		packed, err := packedSize(head[4:])
		if err != nil {
			return nil, fmt.Errorf("at byte %d: %w", last.at, err)
		}
		next := last.at + int64(packed)
		if next > size {
			return nil, errors.New("the bgzip file is cut off within a block; copy or download it again")
		}
		rest := min(size-next, headerBytes)
		if err := readFull(r, head[:4+rest], next-4, size); err != nil {
			return nil, err
		}
		held := binary.LittleEndian.Uint32(head[:4])
		if held > maxBlock {
			return nil, fmt.Errorf("at byte %d: found a block that holds %d bytes, more than 64 KiB; the file is damaged", last.at, held)
		}
		last = block{next, last.from + int64(held)}
		blocks = append(blocks, last)
		if next == size && held > 0 {
			return nil, errors.New("the bgzip file is cut off: its end marker is missing; copy or download it again")
		}
		if next == size {
			return &File{r: r, blocks: blocks}, nil
		}
		if rest < headerBytes {
			return nil, errors.New("the bgzip file is cut off within a block; copy or download it again")
		}
	}
}

// readFull reads len(p) bytes at off of a file of size bytes.
func readFull(r io.ReaderAt, p []byte, off, size int64) error {
	if off < 0 || off+int64(len(p)) > size {
		return fmt.Errorf("found %d bytes behind byte %d, expected %d: the bgzip file is cut off; copy or download it again",
			max(0, size-off), off, len(p))
	}
	n, err := r.ReadAt(p, off)
	switch {
	case err == io.EOF && n == len(p): // ReadAt may say so at the last byte
		return nil
	case err == io.EOF:
		return errors.New("the file became shorter while it was read")
	}
	return err
}

// readIndex reads a .gzi file: the number of blocks but the first, then for each where it begins, packed and not. All are of 64 bits,
// the lowest byte first.
func readIndex(r io.Reader, size int64) ([]block, error) {
	var word [16]byte
	if _, err := io.ReadFull(r, word[:8]); err != nil {
		return nil, errors.New("found fewer than 8 bytes; delete it: it is not needed")
	}
	n := binary.LittleEndian.Uint64(word[:])
	if n > uint64(size)/(headerBytes+trailer) {
		return nil, fmt.Errorf("found %d blocks, more than a file of %d bytes can have; %w", n, size, errOtherIndex)
	}
	blocks := []block{{}}
	for i := range n {
		if _, err := io.ReadFull(r, word[:]); err != nil {
			return nil, fmt.Errorf("found %d blocks, expected %d: it is cut off; delete it: it is not needed", i, n)
		}
		b := block{int64(binary.LittleEndian.Uint64(word[:])), int64(binary.LittleEndian.Uint64(word[8:]))}
		before := blocks[len(blocks)-1]
		if b.at <= before.at || b.at >= size || b.from < before.from || b.from-before.from > maxBlock {
			return nil, errOtherIndex
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// Size is the number of bytes that the file holds, unpacked.
func (f *File) Size() int64 { return f.blocks[len(f.blocks)-1].from }

// ReadAt reads unpacked bytes.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("bgzip: found offset %d, expected 0 or more", off)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= f.Size() {
			return n, io.EOF
		}
		// The last block that begins at or before at. Of several that begin there, those before the last are empty.
		i := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].from > at }) - 1
		held, err := f.unpack(i)
		if err != nil {
			return n, fmt.Errorf("bgzip: block at byte %d: %w", f.blocks[i].at, err)
		}
		n += copy(p[n:], held[at-f.blocks[i].from:])
	}
	return n, nil
}

// unpack returns the bytes of block i, which stay valid until the next call.
func (f *File) unpack(i int) ([]byte, error) {
	for k := range f.cache {
		if c := &f.cache[k]; c.valid && c.index == i {
			return c.bytes, nil
		}
	}
	b, next := f.blocks[i], f.blocks[i+1]
	if next.at-b.at > maxBlock {
		return nil, f.otherSize(i)
	}
	f.packed = append(f.packed[:0], make([]byte, next.at-b.at)...)
	if err := readFull(f.r, f.packed, b.at, next.at); err != nil {
		return nil, err
	}
	if n, err := packedSize(f.packed); err != nil || n != len(f.packed) {
		return nil, f.otherSize(i)
	}
	in := bytes.NewReader(f.packed)
	if err := f.z.Reset(in); err != nil {
		return nil, damaged(err)
	}
	f.z.Multistream(false)
	place := &f.cache[f.turn]
	f.turn = (f.turn + 1) % cached
	place.valid = false
	place.bytes = append(place.bytes[:0], make([]byte, next.from-b.from)...)
	if _, err := io.ReadFull(&f.z, place.bytes); err == io.ErrUnexpectedEOF || err == io.EOF && len(place.bytes) > 0 {
		return nil, f.otherSize(i)
	} else if err != nil && err != io.EOF {
		return nil, damaged(err)
	}
	// The checksum is compared at the end.
	var more [1]byte
	if n, err := f.z.Read(more[:]); n > 0 {
		return nil, f.otherSize(i)
	} else if err != io.EOF {
		return nil, damaged(err)
	}
	place.valid, place.index = true, i
	return place.bytes, nil
}

// otherSize is the error of block i if it is not as long as the index, or the file's own headers and trailers, say.
func (f *File) otherSize(i int) error {
	if i < f.listed {
		return errOtherIndex
	}
	return damaged(errors.New("the block holds another number of bytes than it says"))
}

func damaged(err error) error {
	return fmt.Errorf("the file is damaged; copy or download it again: %w", err)
}
