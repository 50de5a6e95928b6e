package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/model"
)

// embedIdentity is what a state of `embed` belongs to.
type embedIdentity struct {
	workIdentity
	Tokens    string `json:"tokenizer"` // SHA-256 of the tokenizer
	Chunk     int    `json:"chunk"`
	Overlap   int    `json:"overlap"`
	Beyond    bool   `json:"beyond"`
	Pooling   string `json:"pooling"`
	Normalise string `json:"normalise"`
	Prompt    string `json:"prompt"`
	Passages  string `json:"late_chunks"`
}

// embedFile is the file of --state. Floats keep all their bits.
type embedFile struct {
	path     string
	saved    time.Time               // when the file was written last
	latest   func() model.EmbedState // what is newer than the file; nil: nothing
	Longspan int                     `json:"longspan_embed"` // version of the format
	Identity embedIdentity           `json:"identity"`
	State    model.EmbedState        `json:"state"`
	Rows     []vectorRow             `json:"rows"` // of the texts that are done
}

// stateEvery is the time between two writings of a state: of passages of a long text it may have a hundred megabytes.
const stateEvery = 10 * time.Second

// identity hashes the model and the texts.
func (e *embedOptions) identity(r *opened, o model.EmbedOptions) embedIdentity {
	id := embedIdentity{workIdentity: identityOf(r.Model), Chunk: o.Chunk, Overlap: o.Overlap, Beyond: o.Beyond, Pooling: o.Pooling,
		Prompt: o.Prompt, Passages: e.passages}
	if o.Normalise != nil {
		id.Normalise = fmt.Sprint(*o.Normalise)
	}
	h := sha256.New()
	for _, t := range r.texts {
		fmt.Fprintf(h, "%d:%s%d:%s", len(t.name), t.name, len(t.text), t.text)
	}
	id.Text = hex.EncodeToString(h.Sum(nil))
	h.Reset()
	_ = r.Tokenizer().Save(h) // a hash takes everything
	id.Tokens = hex.EncodeToString(h.Sum(nil))
	return id
}

// openEmbedFile reads a state. A file that is not there yet is no error; one of another model, text or setting is.
func openEmbedFile(path string, id embedIdentity) (*embedFile, error) {
	f := &embedFile{path: path, saved: time.Now(), Longspan: stateVersion, Identity: id}
	read := &embedFile{path: path, saved: time.Now()}
	if found, err := readState(path, "embed", read); !found || err != nil {
		return f, err
	}
	if read.Longspan != stateVersion {
		return nil, noState(path, "embed", nil)
	}
	was := read.Identity
	if err := sameState(path, was.beside(id.workIdentity, setting{"tokenizer", was.Tokens, id.Tokens}, setting{"--chunk", was.Chunk, id.Chunk},
		setting{"--overlap", was.Overlap, id.Overlap}, setting{"--beyond", was.Beyond, id.Beyond}, setting{"--pooling", was.Pooling, id.Pooling},
		setting{"--normalise", was.Normalise, id.Normalise}, setting{"prompt", was.Prompt, id.Prompt},
		setting{"--late-chunks", was.Passages, id.Passages})); err != nil {
		return nil, err
	}
	if n := read.State.Texts; n < 0 || len(read.Rows) < n || id.Passages == "" && len(read.Rows) != n {
		return nil, usage(fmt.Errorf("%s: found a state of %d texts with %d vectors, expected a vector for each; "+
			"take the file away to begin anew",
			path, n, len(read.Rows)))
	}
	return read, nil
}

// after notes what is newer than the file, and writes it from time to time.
func (f *embedFile) after(state func() model.EmbedState) error {
	f.latest = state
	if time.Since(f.saved) < stateEvery {
		return nil
	}
	return f.save()
}

// save writes what is newer than the file, whole or not at all.
func (f *embedFile) save() error {
	if f.latest == nil {
		return nil
	}
	f.State, f.latest = f.latest(), nil
	err := durable.Write(f.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(f) })
	f.saved = time.Now()
	return err
}
