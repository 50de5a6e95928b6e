package vocab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// file is a tokenizer.json. The order of the fields is that of the library.
type file struct {
	Version       string         `json:"version"`
	Truncation    any            `json:"truncation"`
	Padding       any            `json:"padding"`
	AddedTokens   []addedToken   `json:"added_tokens"`
	Normalizer    any            `json:"normalizer"`
	PreTokenizer  any            `json:"pre_tokenizer"`
	PostProcessor *postProcessor `json:"post_processor"`
	Decoder       any            `json:"decoder"`
	Model         any            `json:"model"`
}

// addedToken is a special token.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// component is a part of the file with a type.
type component map[string]any

// bpeModel is the model of byte-level BPE.
type bpeModel struct {
	Type                    string      `json:"type"`
	Dropout                 *float64    `json:"dropout"`
	UnkToken                *string     `json:"unk_token"`
	ContinuingSubwordPrefix *string     `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string     `json:"end_of_word_suffix"`
	FuseUnk                 bool        `json:"fuse_unk"`
	ByteFallback            bool        `json:"byte_fallback"`
	IgnoreMerges            bool        `json:"ignore_merges"`
	Vocab                   names       `json:"vocab"`
	Merges                  [][2]string `json:"merges"`
}

// unigramModel is the model of Unigram.
type unigramModel struct {
	Type         string `json:"type"`
	UnkID        int    `json:"unk_id"`
	Vocab        scores `json:"vocab"`
	ByteFallback bool   `json:"byte_fallback"`
}

// names is the tokens by id. Its JSON is an object with the id of each token, in the order of ids.
type names []Token

// MarshalJSON writes the object.
func (n names) MarshalJSON() ([]byte, error) {
	return list("{}", n, func(b *bytes.Buffer, id int, name []byte) { fmt.Fprintf(b, "%s:%d", name, id) })
}

// scores is the tokens by id. Its JSON is an array of pairs of a name and a score.
type scores []Token

// MarshalJSON writes the array.
func (s scores) MarshalJSON() ([]byte, error) {
	return list("[]", s, func(b *bytes.Buffer, id int, name []byte) {
		score, _ := json.Marshal(s[id].Score) // a score is finite
		fmt.Fprintf(b, "[%s,%s]", name, score)
	})
}

// list writes tokens between brackets. json.Marshal would write <s> as \u003cs\u003e.
func list(brackets string, tokens []Token, write func(b *bytes.Buffer, id int, name []byte)) ([]byte, error) {
	var b, name bytes.Buffer
	e := json.NewEncoder(&name)
	e.SetEscapeHTML(false)
	b.WriteByte(brackets[0])
	for id, t := range tokens {
		name.Reset()
		if err := e.Encode(t.Name); err != nil {
			return nil, err
		}
		if id > 0 {
			b.WriteByte(',')
		}
		write(&b, id, bytes.TrimSpace(name.Bytes()))
	}
	b.WriteByte(brackets[1])
	return b.Bytes(), nil
}

// WriteTokenizer writes tokenizer.json.
func (v *Vocabulary) WriteTokenizer(w io.Writer) error { return write(w, v.file()) }

// write writes a JSON document with an indent of two blanks, as the library does.
func write(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	return nil
}

// file returns the components of the tokenizer.
func (v *Vocabulary) file() file {
	f := file{Version: "1.0", AddedTokens: []addedToken{}, Normalizer: v.config.normalizer(), PostProcessor: v.postProcessor()}
	for id, s := range v.config.specials() {
		f.AddedTokens = append(f.AddedTokens, addedToken{ID: id, Content: s.Token, Special: true})
	}
	if v.config.Kind == BPE {
		v.bpeComponents(&f)
	} else {
		v.unigramComponents(&f)
	}
	return f
}

// normalizer is the component that makes a text what words are cut from.
func (c Config) normalizer() any {
	var all []component
	if form := c.cutting().normalizer; c.Kind == Unigram && form != Unnormalized {
		all = append(all, component{"type": strings.ToUpper(string(form))})
	}
	if c.LowerCase {
		all = append(all, component{"type": "Lowercase"})
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return component{"type": "Sequence", "normalizers": all}
}

func (v *Vocabulary) unigramComponents(f *file) {
	metaspace := component{"type": "Metaspace", "replacement": blank, "prepend_scheme": "first", "split": true}
	lines := component{"type": "Split", "pattern": component{"Regex": `\n+`}, "behavior": "Isolated", "invert": false}
	f.PreTokenizer = component{"type": "Sequence", "pretokenizers": []component{lines, metaspace}}
	f.Decoder = metaspace
	if v.config.ByteFallback {
		f.Decoder = component{"type": "Sequence", "decoders": []component{{"type": "ByteFallback"}, metaspace}}
	}
	unknown := 0
	for id, s := range v.config.specials() {
		if s.Role == Unknown {
			unknown = id
		}
	}
	f.Model = unigramModel{Type: "Unigram", UnkID: unknown, Vocab: v.tokens, ByteFallback: v.config.ByteFallback}
}

func (v *Vocabulary) bpeComponents(f *file) {
	byteLevel := component{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true}
	f.PreTokenizer, f.Decoder = byteLevel, byteLevel
	m := bpeModel{Type: "BPE", Vocab: v.tokens, Merges: make([][2]string, len(v.merges))}
	for i, j := range v.merges {
		m.Merges[i] = [2]string{v.tokens[j.left].Name, v.tokens[j.right].Name}
	}
	if v.config.Dropout > 0 {
		m.Dropout = &v.config.Dropout
	}
	f.Model = m
}

// WriteConfig writes tokenizer_config.json: the roles of the special tokens, for transformers.
func (v *Vocabulary) WriteConfig(w io.Writer) error {
	config := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false}
	var plain []string
	for _, s := range v.config.specials() {
		if s.Role == "" {
			plain = append(plain, s.Token)
			continue
		}
		config[string(s.Role)+"_token"] = s.Token
	}
	if len(plain) > 0 {
		config["additional_special_tokens"] = plain
	}
	return write(w, config)
}
