// Package bgzip writes bgzip files, and reads them at any place. Bgzip is gzip cut into blocks that each hold at most 64 KiB (SAM
// specification, samtools/hts-specs, SAMv1, section 4.1). Any reader of gzip reads it from front to back.
package bgzip

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// endMarker is the empty block that ends a file (SAMv1, section 4.1.2).
const endMarker = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x06\x00\x42\x43\x02\x00\x1b\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

const (
	maxBlock    = 1 << 16 // bytes of a block, packed or not
	headerBytes = 18      // of a block's header as bgzip writes it: its only extra field is BC
	trailer     = 8       // bytes behind the packed data: CRC32 and the number of bytes that the block holds
)

// errNoBlocks says that bytes begin no block.
var errNoBlocks = errors.New("found no block of bgzip")

// Is reports whether a file that begins with head is bgzip. 18 bytes are enough.
func Is(head []byte) bool {
	_, err := packedSize(head)
	return err == nil
}

// packedSize is the number of bytes of the block that begins with head: header, packed data and trailer.
func packedSize(head []byte) (int, error) {
	if len(head) < headerBytes || string(head[:4]) != endMarker[:4] || string(head[10:16]) != endMarker[10:16] {
		return 0, errNoBlocks
	}
	n := int(binary.LittleEndian.Uint16(head[16:])) + 1
	if n < headerBytes+trailer {
		return 0, fmt.Errorf("found a block of %d bytes, which is less than its header and trailer", n)
	}
	return n, nil
}
