package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/added"
	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/decode"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/post"
	"github.com/longspan/longspan/tokenizer/internal/pretokenize"
	"github.com/longspan/longspan/tokenizer/internal/scan"
)

// Open reads a tokenizer.json from a file, as [Read] does.
func Open(path string) (*Tokenizer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	defer f.Close()
	t, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Read reads a tokenizer.json. Ids, offsets and decoded text are those of the library tokenizers 0.22.2. Every component of that version is
// known; another one is an error that names it, and so is a key that the component does not have. A file that [Tokenizer.Save] wrote for
// one of this package's own tokenizers gives that tokenizer again.
//
// What a file says about truncation and padding is not followed; [Tokenizer.Ignored] reports it. A file of more than [MaxFile] bytes and
// an id of [MaxVocab] or more are errors. A file of 33 MB takes less than a second.
func Read(r io.Reader) (*Tokenizer, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("tokenizer: the file has more than %d bytes, the largest size of a tokenizer.json; check that it is one", MaxFile)
	}
	t, err := parse(b, normalize.Library)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// parse builds a tokenizer from a file.
func parse(b []byte, mode normalize.Mode) (*Tokenizer, error) {
	f, m, err := split(b)
	if err != nil {
		return nil, err
	}
	if t := native(f, m); t != nil {
		return t, nil
	}
	p, err := newPipeline(f, m, mode)
	if err != nil {
		return nil, err
	}
	return &Tokenizer{pipeline: p}, nil
}

// split reads the components of a file: the model at once, and the others as text.
func split(b []byte) (f object, m *modelFile, err error) {
	if !utf8.Valid(b) {
		return nil, nil, errors.New("the file is not UTF-8; expected a tokenizer.json")
	}
	s := scan.New(b)
	if s.Kind() != '{' {
		return nil, nil, errors.New("the file is not a JSON object; expected a tokenizer.json")
	}
	f = object{}
	err = s.Object(func(key []byte) error {
		name := string(key)
		if name == "model" {
			m, err = readModel(s)
			return err
		}
		raw, err := s.Raw()
		f[name] = bytes.Clone(raw)
		return err
	})
	if err == nil {
		err = s.End()
	}
	if err == nil && m == nil {
		err = errors.New("the component model is missing; expected an object")
	}
	return f, m, err
}

// components are the keys of a file beside the model.
var components = []string{"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"}

// newPipeline builds the components.
func newPipeline(f object, m *modelFile, mode normalize.Mode) (p *pipeline, err error) {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(components, key) {
			return nil, fmt.Errorf("the file has the key %q, which is not known; it is %s", key, component.Show(f[key]))
		}
	}
	if v := f["version"]; v != nil && string(v) != `"1.0"` {
		return nil, fmt.Errorf("the component version is %s, which is not supported; expected \"1.0\"", component.Show(v))
	}
	p = &pipeline{file: f}
	if p.normalizer, err = normalize.Read("normalizer", f["normalizer"], mode); err != nil {
		return nil, err
	}
	if p.split, err = pretokenize.Read("pre_tokenizer", f["pre_tokenizer"]); err != nil {
		return nil, err
	}
	raw, isRaw := pretokenize.Raw(p.split)
	if p.model, isRaw, err = m.build(isRaw); err != nil {
		return nil, err
	}
	if isRaw {
		p.split = raw
	}
	if p.added, err = added.Read(f["added_tokens"], p.model.Vocab, p.normalizer); err != nil {
		return nil, err
	}
	if p.post, err = post.Read(f["post_processor"]); err != nil {
		return nil, err
	}
	if p.decoder, err = decode.Read(f["decoder"]); err != nil {
		return nil, err
	}
	p.ignored = append(p.added.Notes, takeIgnored(maps.Clone(f))...)
	p.finish()
	return p, p.checkIDs()
}

// checkIDs returns an error where the post-processor has an id that no token has.
func (p *pipeline) checkIDs() error {
	for _, id := range p.post.IDs() {
		if int(id) >= p.size() {
			return fmt.Errorf("the component post_processor has the id %d; expected 0 … %d", id, p.size()-1)
		}
	}
	return nil
}

// takeIgnored removes from a file what is not followed, and returns it.
func takeIgnored(f object) (ignored []string) {
	for _, key := range []string{"truncation", "padding"} {
		if raw := f[key]; len(raw) > 0 && string(raw) != "null" {
			ignored = append(ignored, fmt.Sprintf("%s: %s", key, canonical(raw)))
		}
		delete(f, key)
	}
	return ignored
}
