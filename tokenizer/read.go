package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"unicode/utf8"
)

// maxComponents is the largest number of bytes of a tokenizer.json beside its vocabulary.
const maxComponents = 1 << 20

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

// Read reads a tokenizer.json that [Tokenizer.Save] wrote, or another with the same components: the order of keys and white space do
// not matter. A component that this package does not support yet is an error that names it. So are a file of more than [MaxFile]
// bytes and a vocabulary of more than [MaxVocab] tokens.
func Read(r io.Reader) (*Tokenizer, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if len(b) > MaxFile {
		return nil, fmt.Errorf("tokenizer: the file has more than %d bytes, the largest size of a tokenizer.json; check that it is one", MaxFile)
	}
	t, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// object is a JSON object whose values are not read yet.
type object map[string]json.RawMessage

// parse builds a tokenizer from the model, the vocabulary and the template of a file. Every component of the file must then be equal to
// that of the tokenizer.
func parse(b []byte) (*Tokenizer, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("the file is not UTF-8; expected a tokenizer.json")
	}
	var f, model object
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("the file is not a JSON object: %w; expected a tokenizer.json", err)
	}
	if err := json.Unmarshal(f["model"], &model); err != nil || model == nil {
		return nil, fmt.Errorf("the component model is %s; expected an object", show(f["model"]))
	}
	vocab := model["vocab"]
	delete(model, "vocab")
	delete(f, "model")
	if size := len(b) - len(vocab); size > maxComponents {
		return nil, fmt.Errorf("the components have %d bytes beside the vocabulary; expected at most %d", size, maxComponents)
	}
	tokens, err := readVocabulary(vocab)
	if err != nil {
		return nil, err
	}
	t, err := build(model, f, tokens)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(tokens, t.tokens[:t.plain()]) {
		return nil, fmt.Errorf("the vocabulary of the model BPE has %d tokens that are neither the bytes nor the bases A C G T N; "+
			"other vocabularies are not supported yet", len(tokens))
	}
	want, wantModel, err := t.objects()
	if err != nil {
		return nil, err
	}
	if err := same("model.", model, wantModel); err != nil {
		return nil, err
	}
	return t, same("", f, want)
}

// build returns the tokenizer of the kind that a file's components belong to.
func build(model, f object, tokens []string) (t *Tokenizer, err error) {
	switch name := typeOf(model["type"]); {
	case name == "WordLevel":
		t, err = Words(tokens)
	case name == "BPE" && componentType(f["pre_tokenizer"]) == "ByteLevel":
		t = Bytes()
	case name == "BPE":
		t = DNA()
	default:
		return nil, fmt.Errorf("the model %s is not supported yet; expected BPE or WordLevel", show(model["type"]))
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

// readVocabulary returns the tokens of a vocabulary by id.
func readVocabulary(raw json.RawMessage) ([]string, error) {
	var ids map[string]int64
	if err := json.Unmarshal(raw, &ids); err != nil || ids == nil {
		return nil, fmt.Errorf("the component model.vocab is %s; expected an object with the id of each token", show(raw))
	}
	if len(ids) > MaxVocab {
		return nil, fmt.Errorf("the vocabulary has %d tokens; expected at most %d", len(ids), MaxVocab)
	}
	tokens, seen := make([]string, len(ids)), make([]bool, len(ids))
	for token, id := range ids {
		if id < 0 || id >= int64(len(ids)) || seen[id] {
			return nil, fmt.Errorf("the vocabulary gives %q the id %d; expected each of 0 … %d once", token, id, len(ids)-1)
		}
		tokens[id], seen[id] = token, true
	}
	return tokens, nil
}

// readTemplate returns the template of a post_processor. It is empty for a component of another type; function same refuses
// that component later.
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
	return components, model, err
}

// same returns an error that names the first key by which two objects differ. A missing key is the same as null.
func same(prefix string, got, want object) error {
	either := maps.Clone(want)
	maps.Copy(either, got)
	for _, key := range slices.Sorted(maps.Keys(either)) {
		if found, expected := canonical(got[key]), canonical(want[key]); !bytes.Equal(found, expected) {
			return fmt.Errorf("the component %s is %s, which is not supported yet; expected %s", prefix+key, show(found), show(expected))
		}
	}
	return nil
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

// show is a JSON value for an error, cut where it is long.
func show(raw json.RawMessage) string {
	const longest = 160
	switch {
	case len(raw) == 0:
		return "missing"
	case len(raw) > longest:
		return string(raw[:longest]) + "…"
	}
	return string(raw)
}
