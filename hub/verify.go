package hub

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
)

// newHash returns the hash that a file is checked with; nil if its ETag is none.
func newHash(f File) hash.Hash {
	switch kind, _, _ := strings.Cut(f.Hash, ":"); kind {
	case "sha256":
		return sha256.New()
	case "git":
		// Git hashes a blob behind its kind and size.
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", f.Size)
		return h
	}
	return nil
}

// mismatch says that the bytes of a file are others than its hash says.
type mismatch struct {
	f   File
	got string // hexadecimal
}

func (e mismatch) Error() string {
	kind, want, _ := strings.Cut(e.f.Hash, ":")
	return fmt.Sprintf("%s: the %s of the bytes is %s, expected %s as the hub says; they are thrown away. Try again; if it comes back, "+
		"a proxy or the storage changes the file", e.f.Name, kind, e.got, want)
}

// checkSum compares the hash of a file's bytes.
func checkSum(h hash.Hash, f File) error {
	if h == nil {
		return nil
	}
	got := hex.EncodeToString(h.Sum(nil))
	if _, want, _ := strings.Cut(f.Hash, ":"); got != want {
		return mismatch{f, got}
	}
	return nil
}

// checkFile hashes the file at path.
func checkFile(path string, f File) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	h := newHash(f)
	if h == nil {
		return nil
	}
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	return checkSum(h, f)
}
