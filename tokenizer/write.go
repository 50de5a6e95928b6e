package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/longspan/longspan/tokenizer/internal/added"
)

// file is a tokenizer.json. The order of the fields is that of the library.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []added.Token   `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor any             `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         any             `json:"model"`
}

// postProcessor is a TemplateProcessing.
type postProcessor struct {
	Type          string              `json:"type"`
	Single        []piece             `json:"single"`
	Pair          []piece             `json:"pair"`
	SpecialTokens map[string]template `json:"special_tokens"`
}

// piece is a part of a template: a special token, or the text.
type piece struct {
	SpecialToken *place `json:",omitempty"`
	Sequence     *place `json:",omitempty"`
}

// place is the name of a special token or of a text (A, or B of a pair), and the number of the text it belongs to.
type place struct {
	ID     string `json:"id"`
	TypeID int    `json:"type_id"`
}

// template is what a special token of a template stands for.
type template struct {
	ID     string   `json:"id"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

// vocabulary is the tokens of a model by id. Its JSON is an object with the id of each token, in the order of ids.
type vocabulary []string

// MarshalJSON writes the object.
func (v vocabulary) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // <|end|> stays readable
	for id, token := range v {
		if id > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(token); err != nil {
			return nil, err
		}
		fmt.Fprintf(b, ":%d", id)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Save writes the tokenizer as a tokenizer.json, which the library tokenizers opens and [Read] reads back.
func (t *Tokenizer) Save(w io.Writer) error {
	b, err := t.encodeFile("  ")
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("tokenizer: %w", err)
	}
	return nil
}

// MarshalJSON returns a tokenizer.json without line ends.
func (t *Tokenizer) MarshalJSON() ([]byte, error) {
	b, err := t.encodeFile("")
	return bytes.TrimSuffix(b, []byte("\n")), err
}

func (t *Tokenizer) encodeFile(indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(t.file()); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return b.Bytes(), nil
}

// file returns the tokenizer's components.
func (t *Tokenizer) file() file {
	if t.pipeline != nil {
		return t.pipeline.write()
	}
	k := t.kind
	f := file{Version: "1.0", AddedTokens: []added.Token{}, Normalizer: k.normalizer, PreTokenizer: k.preTokenizer,
		PostProcessor: t.postProcessor(), Decoder: k.decoder, Model: k.model(t.tokens[:t.plain()])}
	for i, name := range k.added {
		f.AddedTokens = append(f.AddedTokens, added.Token{ID: int32(t.plain() + i), Content: name, Special: true})
	}
	return f
}

// write returns the components of a file, as they were read.
func (p *pipeline) write() file {
	m := &modelFile{options: p.model.options}
	p.model.bulk(m)
	f := file{Version: "1.0", Truncation: p.file["truncation"], Padding: p.file["padding"], AddedTokens: p.added.Tokens,
		Normalizer: p.file["normalizer"], PreTokenizer: p.file["pre_tokenizer"], PostProcessor: p.post.Raw(), Decoder: p.file["decoder"],
		Model: m}
	if f.AddedTokens == nil {
		f.AddedTokens = []added.Token{}
	}
	return f
}

// postProcessor returns the component of the template, nil where there is none.
func (t *Tokenizer) postProcessor() any {
	if len(t.template.Before)+len(t.template.After) == 0 {
		return nil
	}
	p := &postProcessor{Type: "TemplateProcessing", Single: t.pieces("A", 0), SpecialTokens: map[string]template{}}
	p.Pair = append(t.pieces("A", 0), t.pieces("B", 1)...)
	for _, piece := range p.Single {
		if s := piece.SpecialToken; s != nil {
			p.SpecialTokens[s.ID] = template{ID: s.ID, IDs: []int32{t.ids[s.ID]}, Tokens: []string{s.ID}}
		}
	}
	return p
}

// pieces returns the template around the text of a name.
func (t *Tokenizer) pieces(text string, typeID int) []piece {
	var all []piece
	special := func(ids []int32) {
		for _, id := range ids {
			all = append(all, piece{SpecialToken: &place{t.tokens[id], typeID}})
		}
	}
	special(t.template.Before)
	all = append(all, piece{Sequence: &place{text, typeID}})
	special(t.template.After)
	return all
}
