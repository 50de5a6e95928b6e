package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tokenizer"
)

// targetKeys are the keys of generation_config.json, or of config.json in older folders, about the tokens of targets. Each is an id, a list
// of ids or null.
type targetKeys struct {
	Start json.RawMessage `json:"decoder_start_token_id"`
	Begin json.RawMessage `json:"bos_token_id"`
	First json.RawMessage `json:"forced_bos_token_id"`
	Last  json.RawMessage `json:"forced_eos_token_id"`
}

// readTarget reads what the files of a folder in Hugging Face's form say about the targets of an encoder-decoder of vocab tokens. A
// generation_config.json is all that counts, as in transformers; only the start token may stand in config.json alone.
func readTarget(dir string, vocab int) (*data.Target, error) {
	var files [2]targetKeys
	found := -1
	for i, name := range []string{generationConfig, modelConfig} {
		path := filepath.Join(dir, name)
		text, err := readOptional(path)
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		if err := json.Unmarshal(text, &files[i]); err != nil {
			return nil, fmt.Errorf("model: %s: %w", path, err)
		}
		if found < 0 {
			found = i
		}
	}
	if found < 0 {
		return nil, nil
	}
	keys := files[found]
	for _, start := range []json.RawMessage{files[1].Start, keys.Begin} {
		if none(keys.Start) {
			keys.Start = start
		}
	}
	t, err := keys.target(vocab)
	if err != nil {
		return nil, fmt.Errorf("model: %s: %w", dir, err)
	}
	return t, nil
}

func none(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

// target reads the ids, which must be tokens of the model.
func (k targetKeys) target(vocab int) (*data.Target, error) {
	t := &data.Target{}
	for _, key := range []struct {
		name string
		text json.RawMessage
		one  **int32
		all  *[]int32
	}{{"decoder_start_token_id", k.Start, &t.Start, nil}, {"forced_bos_token_id", k.First, &t.First, nil},
		{"forced_eos_token_id", k.Last, nil, &t.Last}} {
		ids, err := readIDs(key.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key.name, err)
		}
		switch {
		case len(ids) == 0:
		case key.all != nil:
			*key.all = ids
		case len(ids) > 1:
			return nil, fmt.Errorf("%s: found %d ids, expected one", key.name, len(ids))
		default:
			*key.one = &ids[0]
		}
	}
	return t, checkTarget(t, vocab)
}

// readIDs reads an id, a list of ids or null.
func readIDs(text json.RawMessage) (ids []int32, err error) {
	var one int32
	switch {
	case none(text):
		return nil, nil
	case json.Unmarshal(text, &one) == nil:
		return []int32{one}, nil
	case json.Unmarshal(text, &ids) != nil:
		return nil, fmt.Errorf("found %.60s, expected an id or a list of ids", text)
	}
	return ids, nil
}

// checkTarget refuses tokens that a model of vocab tokens does not have; nil is none.
func checkTarget(t *data.Target, vocab int) error {
	if t == nil {
		return nil
	}
	all := t.Last
	for _, id := range []*int32{t.Start, t.First} {
		if id != nil {
			all = append(all[:len(all):len(all)], *id)
		}
	}
	for _, id := range all {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("found the token %d for the beginning or the end of a target, expected 0 to %d", id, vocab-1)
		}
	}
	return nil
}

// Target is what the files of an encoder-decoder say about the texts that it writes; nil: nothing.
func (m *Model) Target() *data.Target { return m.answers.Target }

// TargetStart is the token that the target of an encoder-decoder begins with: decoder_start_token_id of the model's files, or else
// bos_token_id, or the token that begins a document. It returns an error if there is none.
func (m *Model) TargetStart() ([]int32, error) {
	if m.startsByFiles() {
		return []int32{*m.answers.Target.Start}, nil
	}
	if m.tokenizer == nil {
		return nil, m.textError()
	}
	if begin := m.tokenizer.Specials().Begin; begin != tokenizer.None {
		return []int32{begin}, nil
	}
	return nil, errors.New("model: found neither decoder_start_token_id in generation_config.json nor a tokenizer with a token for the " +
		"beginning of a document, one of which starts the target of an encoder-decoder")
}

// startsByFiles reports whether the model's files name the token that a target begins with.
func (m *Model) startsByFiles() bool { return m.answers.Target != nil && m.answers.Target.Start != nil }

// startedTarget is the target of the files with the token that it starts with, where that is known: the folder of a run says it itself.
func (m *Model) startedTarget() *data.Target {
	start, err := m.TargetStart()
	if err != nil {
		return m.answers.Target
	}
	target := data.Target{}
	if m.answers.Target != nil {
		target = *m.answers.Target
	}
	target.Start = &start[0]
	return &target
}

// targetAround is what stands around a target in training: what transformers' tokenizers put around it, and the first token of generation
// before it. It returns an error if there is no such token, and if nothing ends a target.
func (m *Model) targetAround() (*data.Around, error) {
	if m.generation.err != nil {
		return nil, m.generation.err
	}
	start, err := m.TargetStart()
	if err != nil {
		return nil, err
	}
	t := m.tokenizer.Template()
	a := &data.Around{Start: start[0], Before: t.Before, After: t.After}
	if !m.startsByFiles() && m.CameAs() == NativeForm { // made by data.pairs: a target is its text and its end
		a.Before = nil
	}
	if err := m.addLanguage(a); err != nil {
		return nil, err
	}
	end := m.roles.End
	switch {
	case end != tokenizer.None && int(end) < m.spec.Vocab && !slices.Contains(a.After, end):
		a.After = append(slices.Clone(a.After), end)
	case len(a.After) == 0:
		return nil, errors.New("model: found no token that ends a text, expected eos_token in tokenizer_config.json: targets would never end")
	}
	return a, nil
}

// addLanguage puts the language of targets into their special tokens, of models that have one there. mBART's texts end with an end and the
// language, which is also the start of a target. mBART-50's begin with the language, and forced_bos_token_id names that of targets.
func (m *Model) addLanguage(a *data.Around) error {
	const file = "generation_config.json"
	first := (*int32)(nil)
	if t := m.answers.Target; t != nil {
		first = t.First
	}
	known := rolesOf(m.tokenizer)
	role := slices.Contains([]int32{m.roles.Begin, m.roles.End, m.roles.Pad, m.roles.Unknown, known.Begin, known.End}, a.Start)
	switch languages := m.origin.Family == "mbart"; {
	case len(a.After) == 2 && (role || !m.startsByFiles()):
		return fmt.Errorf("model: found the token %d (%s) to begin a target, expected that of a language, such as ro_RO; set "+
			"decoder_start_token_id in %s", a.Start, m.tokenizer.Token(a.Start), file)
	case len(a.After) == 2:
		a.After = []int32{a.After[0], a.Start}
	case len(a.Before) == 1 && first != nil:
		a.Before = []int32{*first}
	case languages && len(a.Before) == 1:
		return fmt.Errorf("model: found no forced_bos_token_id in %s, expected that of the language of targets, such as that of ro_RO", file)
	case languages:
		return fmt.Errorf("model: found a tokenizer that puts %d tokens before a text and %d after it, expected the language of mBART among "+
			"them", len(a.Before), len(a.After))
	}
	if last := a.After; m.origin.Family == "mbart" && last[len(last)-1] != a.Start {
		return fmt.Errorf("model: found decoder_start_token_id %d, expected %d: a target of mBART starts with the token that ends it; "+
			"set it in %s", a.Start, last[len(last)-1], file)
	}
	return nil
}
