package safetensors

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// checksumKey is the metadata under which Write keeps the SHA-256 of the whole file, in hexadecimal, with the
// digits themselves read as zeros. One file holds its own checksum because two cannot be renamed at once.
const checksumKey = "longspan.sha256"

const noChecksum = "0000000000000000000000000000000000000000000000000000000000000000"

// ErrChecksum says that a file is not as it was written.
var ErrChecksum = errors.New("the checksum does not match: the file was changed, or not written to its end")

// sign puts the checksum into header, which was built with noChecksum.
func sign(header []byte, tensors []Tensor) error {
	at := checksumAt(header, noChecksum)
	hash := sha256.New()
	hash.Write(header)
	if err := writeElements(hash, tensors); err != nil {
		return err
	}
	hex.Encode(header[at:], hash.Sum(nil))
	return nil
}

// checksumAt finds the digits in a header, or −1. The text it looks for cannot be part of a string, in which the
// quotes would have backslashes before them.
func checksumAt(header []byte, digits string) int {
	before := []byte(quote(checksumKey) + `:"`)
	at := bytes.Index(header, append(before, digits+`"`...))
	if at < 0 {
		return -1
	}
	return at + len(before)
}

// Signed reports whether the file carries a checksum. Files of other programs do not.
func (f *File) Signed() bool { return f.metadata[checksumKey] != "" }

// Verify reads the whole file and returns an error that wraps ErrChecksum if a bit of it has changed since it was
// written, or an error if it carries no checksum. Hashing runs at about 2 GB/s where the processor has SHA
// instructions.
func (f *File) Verify() error {
	digits := f.metadata[checksumKey]
	at := checksumAt(f.header, digits)
	if digits == "" || len(digits) != len(noChecksum) || at < 0 {
		return fmt.Errorf("the file carries no checksum under %q", checksumKey)
	}
	hash := sha256.New()
	var prefix [8]byte
	binary.LittleEndian.PutUint64(prefix[:], uint64(len(f.header)))
	hash.Write(prefix[:])
	hash.Write(f.header[:at])
	hash.Write([]byte(noChecksum))
	hash.Write(f.header[at+len(digits):])
	start := 8 + int64(len(f.header))
	body := io.NewSectionReader(f.r, start, f.size-start)
	if _, err := io.Copy(hash, body); err != nil {
		return fmt.Errorf("reading the file to check it: %w", err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != digits {
		return fmt.Errorf("%w (found %s…, expected %s…)", ErrChecksum, got[:8], digits[:8])
	}
	return nil
}
