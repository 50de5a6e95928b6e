package text

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
)

// WindowsConfig sets how the tokens of documents are cut into windows.
type WindowsConfig struct {
	Files   Files
	Fields  []string // of JSON lines, as in NewReader
	Encoder *data.Encoder
	Tokens  int   // of a window, with special tokens
	Cross   bool  // a decoder's windows run on into the next document
	HoldOut int   // one of HoldOut documents is kept from training, as in [Config]; 0: none
	Memory  int64 // the most bytes that the tokens may take, garbage included; 0: any
}

// Windows are windows of the tokens of documents, all of which are in memory: 4 bytes a token. They are a data.Dataset. A decoder's windows
// follow each other in the tokens of a document with its special ones, and the target of a token is the next one. Any other model's
// windows have the special tokens of a document each, and no targets: it hides tokens.
type Windows struct {
	c      WindowsConfig
	tokens []int32
	starts []int // of documents in tokens
	spans  []windowSpan
	hash   []byte
}

// windowSpan is a window of tokens, without those that are put around it.
type windowSpan struct{ from, n int }

// NewWindows reads all documents once: those to train on, and those that are held out. Each document is in memory while it is read. It
// returns a *memory.Error, before more is read, for tokens that would take more than c.Memory.
func NewWindows(c WindowsConfig) (train, heldOut *Windows, err error) {
	if _, err := c.Encoder.Room(c.Tokens); err != nil {
		return nil, nil, fmt.Errorf("text: %w", err)
	}
	parts := [2]*Windows{{c: c}, {c: c}}
	reader := NewReader(c.Files, c.Fields...)
	defer reader.Close()
	for {
		d, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		part := parts[0]
		if HeldOut(d.At, c.HoldOut) {
			part = parts[1]
		}
		if err := part.read(d, int64(4*garbage*(len(parts[0].tokens)+len(parts[1].tokens)))); err != nil {
			return nil, nil, err
		}
	}
	for _, p := range parts {
		p.cut()
		p.sum()
	}
	return parts[0], parts[1], nil
}

// read appends the tokens of a document. taken is the memory of all tokens so far.
func (w *Windows) read(d *Document, taken int64) (err error) {
	defer func() { err = errors.Join(err, d.Close()) }()
	room := int64(maxDocument)
	if w.c.Memory > 0 {
		room = min(room, w.c.Memory-taken)
	}
	body, err := io.ReadAll(io.LimitReader(d, max(room, 0)+1))
	if err != nil {
		return err
	}
	tooLarge := &memory.Error{What: "reading the tokens of the documents", Need: taken + int64(len(body)), Available: taken + room,
		Advice: "name fewer files"}
	if int64(len(body)) > room {
		return tooLarge
	}
	ids, err := w.c.Encoder.Tokens(string(body))
	if err != nil {
		return fmt.Errorf("text: %s: %w", d.Name, err)
	}
	if need := taken + 4*garbage*int64(len(ids)); w.c.Memory > 0 && need > w.c.Memory {
		tooLarge.Need = need
		return tooLarge
	}
	w.starts = append(w.starts, len(w.tokens))
	if before, after := w.c.Encoder.Around(); w.c.Encoder.Causal {
		w.tokens = append(append(append(w.tokens, before...), ids...), after...)
		return nil
	}
	w.tokens = append(w.tokens, ids...)
	return nil
}

// maxDocument is the largest number of bytes of a document that is read whole: 1 GiB. A library of books is less.
const maxDocument = 1 << 30

// cut makes the windows.
func (w *Windows) cut() {
	causal := w.c.Encoder.Causal
	room, _ := w.c.Encoder.Room(w.c.Tokens) // NewWindows has looked
	ends := append(w.starts[min(1, len(w.starts)):len(w.starts):len(w.starts)], len(w.tokens))
	starts := w.starts
	if causal && w.c.Cross && len(w.tokens) > 0 {
		starts, ends = []int{0}, []int{len(w.tokens)}
	}
	for i, at := range starts {
		last := ends[i]
		if causal {
			room, last = w.c.Tokens, last-1 // the last token is a target alone
		}
		for ; at < last; at += room {
			w.spans = append(w.spans, windowSpan{at, min(room, last-at)})
		}
	}
}

// sum computes the digest of the tokens.
func (w *Windows) sum() {
	h := sha256.New()
	var b [4]byte
	for _, token := range w.tokens {
		binary.LittleEndian.PutUint32(b[:], uint32(token))
		h.Write(b[:])
	}
	fmt.Fprint(h, w.starts)
	w.hash = h.Sum(nil)
}

// Digest identifies the tokens and the documents.
func (w *Windows) Digest() string { return hex.EncodeToString(w.hash) }

// Bytes is the memory of the tokens.
func (w *Windows) Bytes() int64 { return 4*int64(cap(w.tokens)) + 16*int64(cap(w.spans)) }

// Count is the number of tokens of the documents.
func (w *Windows) Count() int { return len(w.tokens) }

// Len is the number of windows.
func (w *Windows) Len() int { return len(w.spans) }

// Append adds window index to dst; it is the same in every epoch.
func (w *Windows) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= len(w.spans) {
		return fmt.Errorf("text: window %d of %d", index, len(w.spans))
	}
	s := w.spans[index]
	if w.c.Encoder.Causal {
		dst.Tokens = append(dst.Tokens, w.tokens[s.from:s.from+s.n]...)
		dst.Targets = append(dst.Targets, w.tokens[s.from+1:s.from+s.n+1]...)
		dst.Lengths = append(dst.Lengths, s.n)
		return nil
	}
	before, after := w.c.Encoder.Around()
	dst.Tokens = append(append(append(dst.Tokens, before...), w.tokens[s.from:s.from+s.n]...), after...)
	dst.Lengths = append(dst.Lengths, len(before)+s.n+len(after))
	return nil
}
