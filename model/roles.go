package model

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tokenizer"
)

// Roles are the ids of the tokens with a role, each tokenizer.None where the model names no such token.
func (m *Model) Roles() tokenizer.Roles { return m.roles }

// noRoles names no token.
func noRoles() tokenizer.Roles {
	const none = tokenizer.None
	return tokenizer.Roles{Begin: none, End: none, Unknown: none, Separator: none, Pad: none, Class: none, Mask: none}
}

// rolesOf are the roles that a tokenizer knows by itself; nil has none.
func rolesOf(t *tokenizer.Tokenizer) tokenizer.Roles {
	r := noRoles()
	if t != nil {
		s := t.Specials()
		r.Begin, r.End, r.Unknown = s.Begin, s.End, s.Unknown
	}
	return r
}

// roleNames are the keys of tokenizer_config.json with the tokens of the roles.
func roleNames(r *tokenizer.Roles) map[string]*int32 {
	return map[string]*int32{"bos_token": &r.Begin, "eos_token": &r.End, "unk_token": &r.Unknown, "sep_token": &r.Separator,
		"pad_token": &r.Pad, "cls_token": &r.Class, "mask_token": &r.Mask}
}

// named adds the roles of tokens by the keys of tokenizer_config.json. Tokens that the tokenizer does not have are passed over.
func named(r tokenizer.Roles, t *tokenizer.Tokenizer, tokens map[string]string) tokenizer.Roles {
	if t == nil {
		return r
	}
	for key, role := range roleNames(&r) {
		if id, ok := t.ID(tokens[key]); ok {
			*role = id
		}
	}
	return r
}

// roleTokens are the tokens of the roles that a tokenizer does not know by itself, by the keys of tokenizer_config.json.
func (m *Model) roleTokens() map[string]string {
	tokens := map[string]string{}
	if m.tokenizer == nil {
		return tokens
	}
	roles, own := m.roles, rolesOf(m.tokenizer)
	known := roleNames(&own)
	for key, role := range roleNames(&roles) {
		if token := m.tokenizer.Token(*role); *role != *known[key] && token != "" {
			tokens[key] = token
		}
	}
	return tokens
}

// rolesOfGGUF are those of a GGUF file.
func rolesOfGGUF(f *gguf.File) (tokenizer.Roles, error) {
	s, err := f.SpecialTokens()
	return tokenizer.Roles{Begin: int32(s.BOS), End: int32(s.EOS), Unknown: int32(s.Unknown), Separator: int32(s.Separator),
		Pad: int32(s.Padding), Class: int32(s.BOS), Mask: int32(s.Mask)}, err
}

// tokenizerFiles are the files of which a folder has one if it has a tokenizer.
var tokenizerFiles = []string{"tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"}

// openFolderTokenizer opens the tokenizer of a folder in Hugging Face's form; nil: it has none.
func openFolderTokenizer(dir string) (*tokenizer.Folder, error) {
	for _, name := range tokenizerFiles {
		path := filepath.Join(dir, name)
		if err := checkRegular(path); err != nil {
			return nil, err
		}
		switch _, err := os.Lstat(path); { // a link whose target is missing is there, and is an error
		case err == nil:
			return tokenizer.OpenFolder(dir)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return nil, nil
}
