package gguf

import (
	"errors"
	"fmt"
	"slices"
)

// None is the id of a special token that a file does not have.
const None = -1

// SpecialTokens are the ids of the tokens with a role, or None, and what an encoded text begins and ends with.
type SpecialTokens struct {
	BOS, EOS  int // begins and ends a text
	EOT, EOM  int // end a turn and a message of a chat
	Unknown   int
	Separator int // between two texts
	Padding   int
	Mask      int

	AddBOS, AddEOS bool
}

// roleKeys are the keys of each role, the first that is there counting.
var roleKeys = []struct {
	to   func(*SpecialTokens) *int
	keys []string
}{
	{func(s *SpecialTokens) *int { return &s.BOS }, []string{"bos_token_id", "cls_token_id"}},
	{func(s *SpecialTokens) *int { return &s.EOS }, []string{"eos_token_id"}},
	{func(s *SpecialTokens) *int { return &s.EOT }, []string{"eot_token_id"}},
	{func(s *SpecialTokens) *int { return &s.EOM }, []string{"eom_token_id"}},
	{func(s *SpecialTokens) *int { return &s.Unknown }, []string{"unknown_token_id"}},
	{func(s *SpecialTokens) *int { return &s.Separator }, []string{"seperator_token_id", "separator_token_id"}}, // the format's spelling first
	{func(s *SpecialTokens) *int { return &s.Padding }, []string{"padding_token_id"}},
	{func(s *SpecialTokens) *int { return &s.Mask }, []string{"mask_token_id"}},
}

// usual are the ids and rules that hold where a file says nothing, by the tokenizer's model, as llama.cpp has them. For "gpt2" they are
// those of the pre-tokenizer.
var usual = map[string]SpecialTokens{
	"llama": {BOS: 1, EOS: 2, EOT: None, EOM: None, Unknown: 0, Separator: None, Padding: None, Mask: None, AddBOS: true},
	"bert":  {BOS: 101, EOS: None, EOT: None, EOM: None, Unknown: 100, Separator: 102, Padding: 0, Mask: 103, AddBOS: true, AddEOS: true},
	"t5":    {BOS: None, EOS: 1, EOT: None, EOM: None, Unknown: 2, Separator: None, Padding: 0, Mask: None, AddEOS: true},
}

// SpecialTokens reads the roles of tokens. A file names few of them: where the tokens of one role are several, as those that end what a
// chat model says, more are told by the chat template. What the file leaves out is as llama.cpp has it for the tokenizer's model.
func (f *File) SpecialTokens() (SpecialTokens, error) {
	v, err := f.vocabulary()
	if err != nil {
		return SpecialTokens{}, err
	}
	return f.specialTokens(v)
}

func (f *File) specialTokens(v *vocabulary) (SpecialTokens, error) {
	s, ok := usual[v.model]
	if !ok {
		s = SpecialTokens{BOS: None, EOS: None, EOT: None, EOM: None, Unknown: None, Separator: None, Padding: None, Mask: None}
		s.AddBOS = v.pre.addBOS || v.model == "gemma4"
		s.AddEOS = v.pre.addEOS
	}
	for _, role := range roleKeys {
		id := role.to(&s)
		if *id >= len(v.tokens) {
			*id = None
		}
		key := tokenizerKey(slices.IndexFunc(role.keys, func(k string) bool { return f.Has(tokenizerPrefix + k) }), role.keys)
		if key == "" {
			continue
		}
		n, err := f.Uint(key)
		if err != nil {
			return s, err
		}
		if n >= uint64(len(v.tokens)) {
			return s, fmt.Errorf("key %q is %d; the vocabulary has %d tokens", key, n, len(v.tokens))
		}
		*id = int(n)
	}
	for key, to := range map[string]*bool{"add_bos_token": &s.AddBOS, "add_eos_token": &s.AddEOS} {
		b, err := f.Bool(tokenizerPrefix + key)
		if err == nil {
			*to = b
		} else if !errors.Is(err, ErrNoKey) {
			return s, err
		}
	}
	return s, nil
}

// tokenizerKey is the full name of keys[i], or "" where i is negative.
func tokenizerKey(i int, keys []string) string {
	if i < 0 {
		return ""
	}
	return tokenizerPrefix + keys[i]
}

// ChatTemplate returns the Jinja template by which a chat becomes text; name is "" for the usual one, or one of ChatTemplateNames. The
// error wraps ErrNoKey where the file has none.
func (f *File) ChatTemplate(name string) (string, error) {
	key := "tokenizer.chat_template"
	if name != "" {
		key += "." + name
	}
	return f.String(key)
}

// ChatTemplateNames lists the templates that a file has besides the usual one, such as "tool_use".
func (f *File) ChatTemplateNames() ([]string, error) {
	names, err := f.Strings("tokenizer.chat_templates")
	if errors.Is(err, ErrNoKey) {
		return nil, nil
	}
	return names, err
}
