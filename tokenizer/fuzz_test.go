package tokenizer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer"
)

// layoutTokenizers are some of the files of layouts.json.gz: all models, and most components.
func layoutTokenizers(t testing.TB) map[string]*tokenizer.Tokenizer {
	t.Helper()
	a := openArchive(t, "layouts.json.gz")
	all := map[string]*tokenizer.Tokenizer{}
	for _, f := range a.Files {
		switch f.Name {
		case "bert", "roberta", "t5", "llama", "gemma", "llama3", "o200k", "modernbert", "unigram-bytes", "openai-gpt", "dnabert2", "ctc",
			"bytes-first", "split-contiguous":
			tok, err := tokenizer.Read(strings.NewReader(a.fill(f.File)))
			if err != nil {
				t.Fatal(err)
			}
			all[f.Name] = tok
		}
	}
	return all
}

// Whatever the text, ids are in the vocabulary and offsets in the text, a second time too, and a stream gives the decoded text.
func FuzzLayouts(f *testing.F) {
	for _, seed := range []string{"", "Hello, world! it 's", "e\u0301\u0323 İ ﬁ", "a  \r\n\t b", "<s> [MASK]</s>",
		"日本語 1234", "\x00\u200b▁Ġ", "\xff", "<0xE3><0x81>", "👩‍👩‍👧"} {
		f.Add(seed)
	}
	toks := layoutTokenizers(f)
	f.Fuzz(func(t *testing.T, text string) {
		for name, tok := range toks {
			e, err := tok.EncodePair(text, text)
			if err != nil {
				if utf8.ValidString(text) {
					t.Errorf("%s refuses %q: %v", name, text, err)
				}
				continue
			}
			checkEncoding(t, name, tok, text, e)
			again, err := tok.EncodePair(text, text)
			if err != nil || !slices.Equal(again.IDs, e.IDs) || !slices.Equal(again.Offsets, e.Offsets) {
				t.Errorf("%s: %q has the tokens %v, and then %v (%v)", name, text, e, again, err)
			}
			checkStream(t, name, tok, e.IDs)
		}
	})
}

func checkEncoding(t *testing.T, name string, tok *tokenizer.Tokenizer, text string, e tokenizer.Encoding) {
	t.Helper()
	if len(e.IDs) != len(e.Offsets) || e.TypeIDs != nil && len(e.TypeIDs) != len(e.IDs) || e.Special != nil && len(e.Special) != len(e.IDs) {
		t.Fatalf("%s: %d ids, %d offsets, %d types, %d special", name, len(e.IDs), len(e.Offsets), len(e.TypeIDs), len(e.Special))
	}
	for i, s := range e.Offsets {
		if e.IDs[i] < 0 || int(e.IDs[i]) >= tok.Vocab() || s.From < 0 || s.From > s.To || int(s.To) > len(text) {
			t.Fatalf("%s: token %d of %q is %d at %v", name, i, text, e.IDs[i], s)
		}
		if s.To < int32(len(text)) && !utf8.RuneStart(text[s.To]) || s.From < int32(len(text)) && !utf8.RuneStart(text[s.From]) {
			t.Fatalf("%s: token %d of %q at %v cuts a character", name, i, text, s)
		}
	}
	for _, part := range e.Texts {
		last := int32(0)
		for i := part.From; i < part.To; i++ {
			if e.Offsets[i].From < last {
				t.Fatalf("%s: token %d of %q at %v lies before %d", name, i, text, e.Offsets[i], last)
			}
			last = e.Offsets[i].From
		}
	}
}

func checkStream(t *testing.T, name string, tok *tokenizer.Tokenizer, ids []int32) {
	t.Helper()
	var b strings.Builder
	d := tok.NewDecoder()
	for _, id := range ids {
		part := d.Next(id)
		if !utf8.ValidString(part) {
			t.Fatalf("%s: the part %q is not UTF-8", name, part)
		}
		b.WriteString(part)
	}
	b.WriteString(d.Flush())
	if want := tok.Decode(ids); b.String() != want {
		t.Fatalf("%s: streamed %q, decoded %q", name, b.String(), want)
	}
}

// No folder causes a panic, whatever its configuration.
func FuzzOpenFolder(f *testing.F) {
	a := openArchive(f, "folders.json.gz")
	file := ""
	for _, folder := range a.Folders {
		f.Add([]byte(folder.Files["tokenizer_config.json"]), []byte(folder.Files["special_tokens_map.json"]), []byte(`{"x": 3}`))
		if folder.Name == "bert" {
			file = folder.Files["tokenizer.json"]
		}
	}
	f.Add([]byte(`{"tokenizer_class": "LlamaTokenizer", "add_eos_token": true, "eos_token": null}`), []byte(`{}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, config, specials, added []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"tokenizer.json": []byte(file), "tokenizer_config.json": config,
			"special_tokens_map.json": specials, "added_tokens.json": added} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		folder, err := tokenizer.OpenFolder(dir)
		if err != nil {
			return
		}
		const text = "[CLS] Don 't stop </s> ."
		if e, err := folder.EncodePair(text, text); err == nil {
			checkEncoding(t, "folder", folder.Tokenizer, text, e)
			checkStream(t, "folder", folder.Tokenizer, e.IDs)
		}
	})
}

// Goroutines share a tokenizer and its cache.
func TestTokenizersAreShared(t *testing.T) {
	texts := openArchive(t, "layouts.json.gz").Texts[:100]
	for name, tok := range layoutTokenizers(t) {
		want := make([][]int32, len(texts))
		for i, text := range texts {
			e, err := tok.Encode(text)
			if err != nil {
				t.Fatal(err)
			}
			want[i] = e.IDs
		}
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for i, text := range texts {
					if e, err := tok.Encode(text); err != nil || !slices.Equal(e.IDs, want[i]) {
						t.Errorf("%s: %q has other ids in another goroutine (%v)", name, text, err)
					}
				}
			})
		}
		wait.Wait()
	}
}

// What a text tokenizer refuses names the byte.
func TestTextThatIsNotUTF8(t *testing.T) {
	tok := layoutTokenizers(t)["bert"]
	_, err := tok.Encode("ab\xc3é")
	refused(t, "half a character", err, "not UTF-8", "0xc3 at byte 2", "convert the text to UTF-8")
	_, err = tok.EncodePair("a", "\xed\xa0\x80")
	refused(t, "half a surrogate pair", err, "0xed at byte 0")
}

// A folder that cannot be opened says what to do.
func TestOpenFolderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":          {nil, "expected tokenizer.json"},
		"a sentence piece": {map[string]string{"spiece.model": "x"}, "the folder has spiece.model and no tokenizer.json; make one with"},
		"no merges": {map[string]string{"vocab.json": "{}", "config.json": `{"model_type": "gpt2"}`},
			"not both vocab.json and merges.txt"},
		"another class": {map[string]string{"tokenizer_config.json": `{"tokenizer_class": "T5Tokenizer"}`},
			"the class T5 has no other files"},
		"a broken file":    {map[string]string{"tokenizer.json": "{", "config.json": "{}"}, "tokenizer.json: the JSON ends at byte 1"},
		"a broken setting": {map[string]string{"tokenizer_config.json": "[]"}, "tokenizer_config.json is not a JSON object"},
		// Python writes NaN into config.json, which is read on: the missing vocabulary is what is wrong.
		"a number of Python": {map[string]string{"config.json": `{"model_type": "esm", "x": NaN}`}, "neither tokenizer.json nor vocab.txt"},
		"a line twice": {map[string]string{"vocab.txt": "a\nb\na\n", "config.json": `{"model_type": "bert"}`},
			"3 lines and 2 different tokens"},
		"no special tokens": {map[string]string{"vocab.txt": "a\nb\n", "config.json": `{"model_type": "bert"}`},
			`vocab.txt lacks the token "[CLS]"`},
		"no tokens of ESM": {map[string]string{"vocab.txt": "<unk>\nA\n", "config.json": `{"model_type": "esm"}`},
			`vocab.txt lacks the token "<cls>", the cls_token`},
		"no unknown token of ESM": {map[string]string{"vocab.txt": "<cls>\n<eos>\nA\n", "config.json": `{"model_type": "esm"}`},
			`vocab.txt lacks the token "<unk>", the unk_token`},
		"no end of ESM": {map[string]string{"vocab.txt": "<unk>\n<cls>\nA\n", "config.json": `{"model_type": "esm"}`},
			`vocab.txt lacks the token "<eos>", the eos_token`},
		"a line of ESM twice": {map[string]string{"vocab.txt": "<unk>\n A\nA", "config.json": `{"model_type": "esm"}`},
			`the token "A" in the lines 2 and 3`},
		"an empty line of ESM": {map[string]string{"vocab.txt": "<unk>\n\nA", "config.json": `{"model_type": "esm"}`},
			"an empty line, number 2"},
		"bytes of ESM": {map[string]string{"vocab.txt": "<unk>\n\xff", "config.json": `{"model_type": "esm"}`},
			"vocab.txt is not UTF-8"},
		"no unknown word of Transformer-XL": {map[string]string{"vocab.txt": "<eos>\nthe\n", "config.json": `{"model_type": "transfo-xl"}`},
			`vocab.txt lacks the token "<unk>"`},
		"no end of Transformer-XL": {map[string]string{"vocab.txt": "<unk>\nthe\n", "config.json": `{"model_type": "transfo-xl"}`},
			`vocab.txt lacks the token "<eos>"`},
		"an empty line of Transformer-XL": {map[string]string{"vocab.txt": "<unk>\n\nthe", "config.json": `{"model_type": "transfo-xl"}`},
			"an empty line, number 2"},
		"Python objects of Transformer-XL": {map[string]string{"vocab.pkl": "x", "config.json": `{"model_type": "transfo-xl"}`},
			"the words of a Transformer-XL are in vocab.pkl or vocab.bin"},
		"nothing of Transformer-XL": {map[string]string{"config.json": `{"model_type": "transfo-xl"}`}, "neither tokenizer.json nor vocab.txt"},
		"nothing of ESM":            {map[string]string{"config.json": `{"model_type": "esm"}`}, "neither tokenizer.json nor vocab.txt"},
	} {
		dir := t.TempDir()
		for file, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := tokenizer.OpenFolder(dir)
		refused(t, name, err, c.want, dir)
	}
	_, err := tokenizer.OpenFolder(filepath.Join(t.TempDir(), "none"))
	refused(t, "no folder", err, "no such file")
}
