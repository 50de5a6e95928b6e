package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/tokenizer"
)

// generationFiles is what the files of a model say about text that it writes. What cannot be read is an error when it is asked for: the
// model is of use without it.
type generationFiles struct {
	chat chat.Source
	ends []int32 // tokens that end a text
	err  error
}

// readGeneration reads the files of a folder.
func readGeneration(dir string, t *tokenizer.Tokenizer) (n generationFiles) {
	n.chat, n.err = chat.ReadFolder(dir)
	for _, name := range []string{filename.Generation, "config.json"} {
		ends, err := readEnds(filepath.Join(dir, name))
		n.ends, n.err = append(n.ends, ends...), errors.Join(n.err, err)
	}
	if t == nil {
		return n
	}
	if id, ok := t.ID(n.chat.Tokens["eos_token"]); ok {
		n.ends = append(n.ends, id)
	}
	return n.with(t)
}

// readEnds reads eos_token_id: an id, several or none.
func readEnds(path string) (ids []int32, err error) {
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	var keys struct {
		End json.RawMessage `json:"eos_token_id"`
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("model: %s: %w", path, err)
	}
	if ids, err = readIDs(keys.End); err != nil {
		return nil, fmt.Errorf("model: %s: eos_token_id: %w", path, err)
	}
	return ids, nil
}

// ggufGeneration reads what is inside a GGUF file.
func ggufGeneration(path string, f *gguf.File, t *tokenizer.Tokenizer) (n generationFiles) {
	n.chat = chat.Source{Where: path, Templates: map[string]string{}, Tokens: map[string]string{}}
	names, err := f.ChatTemplateNames()
	for _, name := range append([]string{""}, names...) {
		text, problem := f.ChatTemplate(name)
		if errors.Is(problem, gguf.ErrNoKey) {
			continue
		}
		err = errors.Join(err, problem)
		if name == "" {
			name = chat.Default
		}
		n.chat.Templates[name] = text
	}
	if t == nil {
		n.err = err
		return n
	}
	roles, problem := f.SpecialTokens()
	n.err = errors.Join(err, problem)
	for _, id := range []int{roles.EOS, roles.EOT, roles.EOM} {
		n.ends = append(n.ends, int32(id))
	}
	for name, id := range map[string]int{"bos_token": roles.BOS, "eos_token": roles.EOS, "unk_token": roles.Unknown,
		"pad_token": roles.Padding, "sep_token": roles.Separator, "mask_token": roles.Mask} {
		if token := t.Token(int32(id)); token != "" {
			n.chat.Tokens[name] = token
		}
	}
	return n.with(t)
}

// files adds the files that readGeneration reads: templates, tokens by their roles, and the ends where there are several. It returns the
// error of reading them.
func (n generationFiles) files(all map[string][]byte, roles map[string]string) (err error) {
	if n.err != nil {
		return n.err
	}
	if len(n.chat.Templates)+len(roles) > 0 {
		maps.Copy(roles, n.chat.Tokens)
		n.chat.Tokens = roles
		if all[filename.TokenizerConfig], err = n.chat.Config(); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	if len(n.ends) < 2 {
		return nil
	}
	all[filename.Generation], err = json.Marshal(map[string][]int32{"eos_token_id": n.ends})
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// with adds the end that a tokenizer knows, and drops ids that it does not have, which no model draws.
func (n generationFiles) with(t *tokenizer.Tokenizer) generationFiles {
	// Sessions that share a model read its ends at the same time: what follows sorts a copy.
	n.ends = slices.Clone(n.ends)
	if t != nil {
		n.ends = append(n.ends, t.Specials().End)
	}
	n.ends = slices.DeleteFunc(n.ends, func(id int32) bool { return id < 0 })
	slices.Sort(n.ends)
	n.ends = slices.Compact(n.ends)
	return n
}

// Ends are the tokens that end a text, by the tokenizer and by the files generation_config.json and config.json or the GGUF file. It
// returns an error if a file cannot be read.
func (m *Model) Ends() ([]int32, error) {
	if m.generation.err != nil {
		return nil, m.generation.err
	}
	return m.generation.with(m.tokenizer).ends, nil
}

// ChatTemplates lists the chat templates that came with the model. The usual one is "default".
func (m *Model) ChatTemplates() []string { return m.generation.chat.Names() }

// ChatTemplate is a chat template of the model, by name; an empty name is the usual one. It returns an error if the model has none, and
// if the template uses what package chat does not have.
func (m *Model) ChatTemplate(name string) (*chat.Template, error) {
	if m.generation.err != nil {
		return nil, m.generation.err
	}
	if m.generation.chat.Where == "" {
		return nil, errors.New("model: found a model without a chat template, expected one in tokenizer_config.json or chat_template.jinja")
	}
	return m.generation.chat.Template(name)
}

// chatEnd is the special token that a template writes behind an answer, with which a chat model ends its answer; None: there is none.
func (m *Model) chatEnd(t *chat.Template) int32 {
	e, err := m.tokenizer.Encode(t.AfterAnswer())
	if err != nil {
		return tokenizer.None
	}
	for _, id := range e.IDs {
		if m.tokenizer.Decode([]int32{id}) == "" {
			return id
		}
	}
	return tokenizer.None
}
