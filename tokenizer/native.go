package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// native returns the tokenizer of this package that a file is of, nil where it is of another: every component is that of the tokenizer.
func native(f object, m *modelFile) *Tokenizer {
	t, err := candidate(f, m)
	if err != nil || !slices.Equal(m.vocab.Tokens, t.tokens[:t.plain()]) {
		return nil
	}
	want, wantModel, err := t.objects()
	f = maps.Clone(f)
	ignored := takeIgnored(f)
	if err != nil || !same(f, want) || !same(m.options, wantModel) {
		return nil
	}
	t.ignored = ignored
	return t
}

var errNotNative = errors.New("the file is of no tokenizer of this package")

// candidate returns the tokenizer that a file may be of.
func candidate(f object, m *modelFile) (t *Tokenizer, err error) {
	kind, err := m.kind()
	if err != nil || m.vocab == nil || len(m.merges) > 0 || len(m.vocab.IDs) != len(m.vocab.Tokens) {
		return nil, errNotNative
	}
	switch {
	case kind == "WordLevel":
		t, err = Words(m.vocab.Tokens)
	case kind == "BPE" && componentType(f["pre_tokenizer"]) == "ByteLevel":
		t = Bytes()
	case kind == "BPE":
		t = DNA()
	default:
		return nil, errNotNative
	}
	if err != nil {
		return nil, err
	}
	template, err := t.readTemplate(f["post_processor"])
	if err != nil {
		return nil, err
	}
	return t.WithTemplate(template)
}

// readTemplate returns the template of a post_processor. It is empty for a component of another type; function same
// refuses that component later.
func (t *Tokenizer) readTemplate(raw json.RawMessage) (template Template, err error) {
	if componentType(raw) != "TemplateProcessing" {
		return Template{}, nil
	}
	var p postProcessor
	if err := json.Unmarshal(raw, &p); err != nil {
		return Template{}, fmt.Errorf("the component post_processor: %w", err)
	}
	ids := &template.Before
	for _, piece := range p.Single {
		if piece.SpecialToken == nil {
			ids = &template.After
			continue
		}
		id, ok := t.ID(piece.SpecialToken.ID)
		if !ok {
			return Template{}, fmt.Errorf("the component post_processor has the token %q, which is not in the vocabulary", piece.SpecialToken.ID)
		}
		*ids = append(*ids, id)
	}
	return template, nil
}

// objects returns what Save writes, without the vocabulary: the components beside the model, and the parts of the model.
func (t *Tokenizer) objects() (components, model object, err error) {
	f := t.file()
	f.Model = t.kind.model(nil)
	b, err := json.Marshal(f)
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(b, &components); err != nil {
		return nil, nil, err
	}
	err = json.Unmarshal(components["model"], &model)
	delete(components, "model")
	delete(model, "vocab")
	delete(model, "merges")
	return components, model, err
}

// same says whether two objects are equal. A missing key is the same as null.
func same(got, want object) bool {
	either := maps.Clone(want)
	maps.Copy(either, got)
	for key := range either {
		if !bytes.Equal(canonical(got[key]), canonical(want[key])) {
			return false
		}
	}
	return true
}

// canonical is a JSON value with sorted keys and without white space. Nothing is null.
func canonical(raw json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil {
		return json.RawMessage("null")
	}
	b, err := json.Marshal(value)
	if err != nil {
		return raw
	}
	return b
}

// typeOf is a JSON string, empty for another value.
func typeOf(raw json.RawMessage) (name string) {
	if json.Unmarshal(raw, &name) != nil {
		return ""
	}
	return name
}

// componentType is the type of a component, empty where it has none.
func componentType(raw json.RawMessage) string {
	var component object
	if json.Unmarshal(raw, &component) != nil {
		return ""
	}
	return typeOf(component["type"])
}
