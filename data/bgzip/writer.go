package bgzip

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// blockBytes is the number of bytes that a block holds, as bgzip chooses it: what does not shrink still fits in 64 KiB.
const blockBytes = 0xff00

// level is bgzip's level of compression too.
const level = 6

// Writer packs what is written to it. The same bytes give the same file, however they are cut into calls of Write.
type Writer struct {
	w      io.Writer
	block  []byte // what the next block will hold
	packed sliceWriter
	z      *flate.Writer
	err    error
}

// sliceWriter appends to itself.
type sliceWriter []byte

func (s *sliceWriter) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

// NewWriter returns a Writer to w. Close ends the file and leaves w open.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, block: make([]byte, 0, blockBytes), packed: make(sliceWriter, 0, maxBlock)}
}

// Write packs p.
func (w *Writer) Write(p []byte) (int, error) {
	n := 0
	for w.err == nil && n < len(p) {
		used := min(len(p)-n, blockBytes-len(w.block))
		w.block = append(w.block, p[n:n+used]...)
		n += used
		if len(w.block) == blockBytes {
			w.err = w.flush()
		}
	}
	return n, w.err
}

// Flush ends the block that was begun, if it holds anything, and writes it. So the file can be cut behind it, and gone on with by a new
// Writer: the bytes are the same as without the cut. The cost is that of smaller blocks, which pack less well.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.block) > 0 {
		w.err = w.flush()
	}
	return w.err
}

// Close writes the last block and the end marker.
func (w *Writer) Close() error {
	if w.err == nil && len(w.block) > 0 {
		w.err = w.flush()
	}
	if w.err != nil {
		return w.err
	}
	_, err := io.WriteString(w.w, endMarker)
	w.err = errors.New("bgzip: the writer is closed")
	return err
}

// flush writes the block.
func (w *Writer) flush() error {
	if err := w.pack(level); err != nil {
		return err
	}
	if len(w.packed)+trailer > maxBlock { // random bytes: stored, a block of 0xff00 takes 31 bytes more
		if err := w.pack(flate.NoCompression); err != nil {
			return err
		}
	}
	out := binary.LittleEndian.AppendUint32(w.packed, crc32.ChecksumIEEE(w.block))
	out = binary.LittleEndian.AppendUint32(out, uint32(len(w.block)))
	binary.LittleEndian.PutUint16(out[16:], uint16(len(out)-1))
	w.block, w.packed = w.block[:0], out
	_, err := w.w.Write(out)
	return err
}

// pack fills packed with the header and the data.
func (w *Writer) pack(level int) (err error) {
	w.packed = append(w.packed[:0], endMarker[:headerBytes]...)
	z := w.z
	switch {
	case level == flate.NoCompression:
		z, err = flate.NewWriter(&w.packed, level)
	case z == nil:
		z, err = flate.NewWriter(&w.packed, level)
		w.z = z
	default:
		z.Reset(&w.packed)
	}
	if err != nil {
		return err
	}
	if _, err := z.Write(w.block); err != nil {
		return err
	}
	return z.Close()
}
