package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/added"
)

// esmClass reads proteins by amino acid (ESM), or DNA by six bases (Nucleotide Transformer), whichever its vocab.txt has.
var esmClass = class{roles: roles("unk=<unk> cls=<cls> pad=<pad> mask=<mask> eos=<eos>"), files: fromEsmVocab}

// fromEsmVocab makes the file of EsmTokenizer: a line of vocab.txt is a token. Every token is looked for in the text as it is, the leftmost
// first and of these the longest, as transformers looks for added tokens. So DNA is cut into six bases from the left, and into single ones
// before an N and at the end. What lies between tokens is one unknown token for each word.
func fromEsmVocab(f *folderFiles, kind class) ([]byte, error) {
	lines, err := f.tokenLines()
	if err != nil {
		return nil, err
	}
	vocab := map[string]int{}
	special := f.esmSpecials(kind)
	tokens := make([]added.Token, 0, len(lines))
	for _, line := range lines {
		if line == "" {
			return nil, fmt.Errorf("vocab.txt has an empty line, number %d; expected a token", len(vocab)+1)
		}
		if id, ok := vocab[line]; ok {
			return nil, fmt.Errorf("vocab.txt has the token %q in the lines %d and %d; expected each token once", line, id+1, len(vocab)+1)
		}
		tokens = append(tokens, added.Token{ID: int32(len(vocab)), Content: line, Special: special[line]})
		vocab[line] = len(vocab)
	}
	post, err := f.esmTemplate(kind, vocab)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"version":        "1.0",
		"added_tokens":   tokens,
		"pre_tokenizer":  map[string]any{"type": "WhitespaceSplit"},
		"post_processor": post,
		"model":          map[string]any{"type": "WordLevel", "unk_token": f.esmRole(kind, "unk_token"), "vocab": vocab},
	})
}

// tokenLines are the lines of vocab.txt without white space around them.
func (f *folderFiles) tokenLines() (lines []string, err error) {
	text, err := limited(f.dir, "vocab.txt", MaxFile)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, errors.New("the folder has neither tokenizer.json nor vocab.txt")
	}
	if !utf8.Valid(text) {
		return nil, errors.New("vocab.txt is not UTF-8; expected a token on each line")
	}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines, nil
}

// esmSettings are the settings of the tokens with a role. The older file holds where the newer one does not list the tokens, as for all
// classes.
func (f *folderFiles) esmSettings() config {
	settings := maps.Clone(f.config)
	if settings["added_tokens_decoder"] == nil {
		maps.Copy(settings, f.specials)
	}
	return settings
}

// esmRole is the token of a role; empty: the configuration says null, as that of the Nucleotide Transformer does for the end.
func (f *folderFiles) esmRole(kind class, role string) string {
	raw, said := f.esmSettings()[role]
	if !said {
		return kind.roles[role]
	}
	v, _, _ := readValue(raw) // what is no token is refused where the roles are read
	return v.Content
}

// esmSpecials are the tokens with a role.
func (f *folderFiles) esmSpecials(kind class) map[string]bool {
	names := namesOf(f.esmSettings())
	for role := range kind.roles {
		names[f.esmRole(kind, role)] = true
	}
	return names
}

// esmTemplate puts the class token before a text, and the end behind it where there is one. A pair needs the end.
func (f *folderFiles) esmTemplate(kind class, vocab map[string]int) (any, error) {
	type part = map[string]place
	known := map[string]template{}
	for _, role := range []string{"unk_token", "cls_token", "eos_token"} {
		name := f.esmRole(kind, role)
		if name == "" && role == "eos_token" {
			continue
		}
		id, ok := vocab[name]
		if !ok {
			return nil, fmt.Errorf("vocab.txt lacks the token %q, the %s", name, role)
		}
		if role != "unk_token" {
			known[name] = template{name, []int32{int32(id)}, []string{name}}
		}
	}
	special := func(role string) part { return part{"SpecialToken": {f.esmRole(kind, role), 0}} }
	text := func(name string) part { return part{"Sequence": {name, 0}} }
	single, pair := []part{special("cls_token"), text("A")}, []part{}
	if f.esmRole(kind, "eos_token") != "" {
		single = append(single, special("eos_token"))
		pair = append(slices.Clone(single), text("B"), special("eos_token"))
	}
	return map[string]any{"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": known}, nil
}
