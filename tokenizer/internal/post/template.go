package post

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/longspan/longspan/tokenizer/internal/component"
)

// template is the special tokens around one text, and around two.
type template struct{ single, pair []piece }

// piece is a text or special tokens.
type piece struct {
	text   int // 0 or 1, -1 for special tokens
	ids    []int32
	typeID int32
}

// filePiece is a piece in the file.
type filePiece struct {
	SpecialToken *place `json:",omitempty"`
	Sequence     *place `json:",omitempty"`
}

type place struct {
	ID     string `json:"id"`
	TypeID int32  `json:"type_id"`
}

// specialToken is what a special token of a template stands for.
type specialToken struct {
	ID     string   `json:"id"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

func readTemplate(f *component.Fields) (*template, error) {
	var single, pair []filePiece
	known := map[string]specialToken{}
	f.Into("single", &single, "a list of pieces")
	if f.Has("pair") {
		f.Into("pair", &pair, "a list of pieces")
	}
	f.Raw("pair")
	f.Into("special_tokens", &known, "an object of special tokens")
	if err := f.Err(); err != nil {
		return nil, err
	}
	for name, t := range known {
		if slices.ContainsFunc(t.IDs, func(id int32) bool { return id < 0 }) {
			return nil, fmt.Errorf("the component %s: special_tokens[%q] has the ids %d; expected 0 or more", f.Path(), name, t.IDs)
		}
	}
	t := new(template)
	var err error
	if t.single, err = pieces(f.Path()+".single", single, known, 1); err == nil {
		t.pair, err = pieces(f.Path()+".pair", pair, known, 2)
	}
	return t, err
}

func pieces(path string, list []filePiece, known map[string]specialToken, texts int) ([]piece, error) {
	var all []piece
	for i, p := range list {
		switch {
		case p.Sequence != nil && p.SpecialToken == nil:
			text := slices.Index([]string{"A", "B"}, p.Sequence.ID)
			if text < 0 || text >= texts {
				return nil, fmt.Errorf("the component %s[%d] has the text %q; expected A, or B in a pair", path, i, p.Sequence.ID)
			}
			all = append(all, piece{text: text, typeID: p.Sequence.TypeID})
		case p.SpecialToken != nil && p.Sequence == nil:
			t, ok := known[p.SpecialToken.ID]
			if !ok {
				return nil, fmt.Errorf("the component %s[%d] has the token %q, which its special_tokens lack", path, i, p.SpecialToken.ID)
			}
			all = append(all, piece{text: -1, ids: t.IDs, typeID: p.SpecialToken.TypeID})
		default:
			return nil, fmt.Errorf("the component %s[%d] is neither a SpecialToken nor a Sequence", path, i)
		}
	}
	return all, nil
}

func (t *template) process(units []unit, special bool) ([]unit, error) {
	var list []piece
	switch len(units) {
	case 1:
		list = t.single
	case 2:
		list = t.pair
	default:
		return nil, fmt.Errorf("the post-processor has a template behind another, which made %d parts; expected at most 2", len(units))
	}
	if len(units) == 2 && list == nil {
		return nil, fmt.Errorf("the post-processor has no template for two texts")
	}
	var all []unit
	for _, p := range list {
		if p.text < 0 {
			if special {
				all = append(all, unit{tokens(p.typeID, p.ids...)})
			}
			continue
		}
		u := slices.Clone(units[p.text])
		for i := range u {
			u[i].Type = p.typeID
		}
		all = append(all, u)
	}
	return all, nil
}

// Around returns the special tokens that a processor puts before and behind one text.
func (p *Processor) Around() (before, after []int32) {
	runs, err := p.Process([]Run{{}}, true)
	if err != nil {
		return nil, nil
	}
	into := &before
	for _, r := range runs {
		if r.Text >= 0 {
			into = &after
			continue
		}
		*into = append(*into, r.IDs...)
	}
	return before, after
}

// WithTemplate returns a processor with a template in the place of all special tokens so far. The names are those of the ids.
func (p *Processor) WithTemplate(before, after []int32, name func(int32) string) (*Processor, error) {
	around := func(text string, typeID int32) (list []filePiece) {
		for _, id := range before {
			list = append(list, filePiece{SpecialToken: &place{name(id), typeID}})
		}
		list = append(list, filePiece{Sequence: &place{text, typeID}})
		for _, id := range after {
			list = append(list, filePiece{SpecialToken: &place{name(id), typeID}})
		}
		return list
	}
	known := map[string]specialToken{}
	for _, id := range slices.Concat(before, after) {
		known[name(id)] = specialToken{name(id), []int32{id}, []string{name(id)}}
	}
	component := any(map[string]any{"type": "TemplateProcessing", "single": around("A", 0),
		"pair": append(around("A", 0), around("B", 1)...), "special_tokens": known})
	if len(p.Trims) > 0 {
		list := []any{}
		for _, prefix := range p.Trims {
			list = append(list, map[string]any{"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true})
		}
		component = map[string]any{"type": "Sequence", "processors": append(list, component)}
	}
	raw, err := json.Marshal(component)
	if err != nil {
		return nil, err
	}
	return Read(raw)
}
