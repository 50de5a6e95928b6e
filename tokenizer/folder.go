package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/internal/pythonjson"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
)

// Folder is the tokenizer of a model folder with what the files beside tokenizer.json say of it.
type Folder struct {
	*Tokenizer
	Class     string // of transformers, without Fast
	Roles     Roles
	MaxLength int // the largest number of tokens that the model is made for, 0 where the folder does not say

	// CleanUp says that Decode joins punctuation to the word before it, as clean_up_tokenization_spaces asks.
	CleanUp bool

	// ChatTemplates are the templates of conversations (Jinja) by their name; that of most models is "default".
	ChatTemplates map[string]string
}

// Roles are the ids of the tokens with a role, each [None] where the folder names no such token.
type Roles struct{ Begin, End, Unknown, Separator, Pad, Class, Mask int32 }

// OpenFolder opens the tokenizer of a model folder, as AutoTokenizer of transformers 4.57.6 does. Besides tokenizer.json it reads
// tokenizer_config.json, special_tokens_map.json, added_tokens.json, config.json (the class of the tokenizer, where no other file names
// it) and chat_template.jinja, each where it is there. The class changes components: add_prefix_space, do_lower_case, add_bos_token and
// others of the configuration hold, not the components of tokenizer.json. What is not followed is in [Tokenizer.Ignored].
//
// A folder without tokenizer.json opens where it has vocab.txt (BERT, ESM, Nucleotide Transformer, Transformer-XL), or vocab.json and
// merges.txt (GPT-2, RoBERTa, Qwen).
func OpenFolder(dir string) (*Folder, error) {
	files, err := readFolder(dir)
	if err != nil {
		return nil, err
	}
	folder, err := files.open()
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", dir, err)
	}
	return folder, nil
}

// config is a JSON object of settings.
type config object

func (c config) take(key string, v any) bool {
	raw, ok := c[key]
	return ok && string(raw) != "null" && json.Unmarshal(raw, v) == nil
}

func (c config) boolOr(key string, absent bool) bool {
	b := absent
	if !c.take(key, &b) {
		return absent
	}
	return b
}

func (c config) intOr(key string, absent int) int {
	n := absent
	if !c.take(key, &n) || n < 0 || n > MaxVocab {
		return absent
	}
	return n
}

func (c config) stringOr(key, absent string) string {
	s := absent
	if !c.take(key, &s) {
		return absent
	}
	return s
}

func (c config) list(key string) (all []json.RawMessage) {
	c.take(key, &all)
	return all
}

// folderFiles are the files of a folder.
type folderFiles struct {
	dir      string
	main     []byte // tokenizer.json, nil where there is none
	config   config // tokenizer_config.json, empty where there is none
	specials config // special_tokens_map.json
	added    config // added_tokens.json
	model    config // config.json
	chat     string // chat_template.jinja
}

// limited reads a file of the folder, nil where there is none.
func limited(dir, name string, most int64) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		info, err = os.Stat(path) // a link whose target is missing is an error
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is of type %s; expected a regular file", path, info.Mode().Type())
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if bytes.HasPrefix(b, []byte("version https://git-lfs.github.com/")) {
		return nil, fmt.Errorf("tokenizer: %s is a Git LFS pointer; fetch the file with 'git lfs pull'", path)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("tokenizer: %s has more than %d bytes, the largest size of such a file", f.Name(), most)
	}
	return b, nil
}

// maxConfig is the largest number of bytes of a file beside tokenizer.json.
const maxConfig = 16 << 20

func readFolder(dir string) (*folderFiles, error) {
	f := &folderFiles{dir: dir}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("tokenizer: %s is a file; expected a model folder", dir)
	}
	var err error
	if f.main, err = limited(dir, "tokenizer.json", MaxFile); err != nil {
		return nil, err
	}
	for name, to := range map[string]*config{"tokenizer_config.json": &f.config, "special_tokens_map.json": &f.specials,
		"added_tokens.json": &f.added, "config.json": &f.model} {
		b, err := limited(dir, name, maxConfig)
		if err != nil {
			return nil, err
		}
		if b == nil {
			*to = config{}
			continue
		}
		if err := json.Unmarshal(pythonjson.Quote(b), to); err != nil || *to == nil {
			return nil, fmt.Errorf("tokenizer: %s is not a JSON object: %w", filepath.Join(dir, name), err)
		}
	}
	chat, err := limited(dir, "chat_template.jinja", maxConfig)
	f.chat = string(chat)
	return f, err
}

// class returns the name of the tokenizer's class.
func (f *folderFiles) class() string {
	name := f.config.stringOr("tokenizer_class", f.model.stringOr("tokenizer_class", ""))
	if name == "" {
		name = families[f.model.stringOr("model_type", "")]
	}
	name = strings.TrimSuffix(name, "Fast")
	if name == "PreTrainedTokenizer" {
		return name
	}
	return strings.TrimSuffix(name, "Tokenizer")
}

// open builds the tokenizer.
func (f *folderFiles) open() (*Folder, error) {
	name := f.class()
	kind := classes[name]
	if f.main == nil {
		if err := f.convert(name, &kind); err != nil {
			return nil, err
		}
	}
	components, m, err := split(f.main)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	if t := native(components, m); t != nil && len(f.config) == 0 {
		return f.folder(name, t, nil), nil
	}
	special, err := f.specialTokens(kind, components, m)
	if err != nil {
		return nil, err
	}
	if err := f.rewrite(kind, components, special); err != nil {
		return nil, err
	}
	p, err := newPipeline(components, m, normalize.Library)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	if note := f.config.note(name); note != "" {
		p.ignored = append(p.ignored, note)
	}
	if _, ok := classes[name]; !ok && name != "" {
		p.ignored = append(p.ignored, fmt.Sprintf("tokenizer_class: %q is not known; the components of tokenizer.json hold as they are", name))
	}
	t := &Tokenizer{pipeline: p}
	if f.config.boolOr("split_special_tokens", false) {
		if t, err = t.WithSpecialsAsText(); err != nil {
			return nil, err
		}
	}
	return f.folder(name, t, special), nil
}

// rewrite changes components as the class does.
func (f *folderFiles) rewrite(kind class, components object, special *specialTokens) error {
	raw, err := json.Marshal(special.list)
	if err != nil {
		return err
	}
	components["added_tokens"] = raw
	if err := rewritePrefix(components, f.config); err != nil {
		return err
	}
	for _, r := range kind.rewrites {
		if err := r(components, f.config, special); err != nil {
			return err
		}
	}
	return nil
}

// folder puts the tokenizer and what the files say together.
func (f *folderFiles) folder(name string, t *Tokenizer, special *specialTokens) *Folder {
	with := *t
	out := &Folder{Tokenizer: &with, Class: name, CleanUp: f.config.boolOr("clean_up_tokenization_spaces", false),
		ChatTemplates: f.chatTemplates(), Roles: Roles{None, None, None, None, None, None, None}}
	if length := math.NaN(); f.config.take("model_max_length", &length) && length >= 1 && length < math.MaxInt32 {
		out.MaxLength = int(length)
	}
	if special == nil {
		s := t.Specials()
		out.Roles.Begin, out.Roles.End, out.Roles.Unknown = s.Begin, s.End, s.Unknown
		return out
	}
	for role, to := range map[string]*int32{"bos_token": &out.Roles.Begin, "eos_token": &out.Roles.End, "unk_token": &out.Roles.Unknown,
		"sep_token": &out.Roles.Separator, "pad_token": &out.Roles.Pad, "cls_token": &out.Roles.Class, "mask_token": &out.Roles.Mask} {
		if token, ok := special.role(role); ok {
			if id, ok := t.ID(token.Content); ok {
				*to = id
			}
		}
	}
	with.roles = &Specials{Begin: out.Roles.Begin, End: out.Roles.End, Unknown: out.Roles.Unknown}
	if out.CleanUp {
		p := *with.pipeline
		p.decoder = p.decoder.CleanUp()
		with.pipeline = &p
	}
	return out
}

// chatTemplates reads the templates: a file of its own, or one or more in the configuration.
func (f *folderFiles) chatTemplates() map[string]string {
	if f.chat != "" {
		return map[string]string{"default": f.chat}
	}
	var one string
	if f.config.take("chat_template", &one) {
		return map[string]string{"default": one}
	}
	all := map[string]string{}
	var list []struct{ Name, Template string }
	if f.config.take("chat_template", &list) {
		for _, t := range list {
			all[t.Name] = t.Template
		}
	}
	if len(all) == 0 {
		f.config.take("chat_template", &all)
	}
	return all
}
