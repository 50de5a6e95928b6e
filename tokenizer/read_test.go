package tokenizer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/tokenizer"
)

// saved is the tokenizer.json of a golden tokenizer.
func saved(t testing.TB, name string) string {
	t.Helper()
	var b strings.Builder
	if err := goldens(t)[name].Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is read writes the same file and has the same template and special tokens.
func TestReadReadsWhatSaveWrites(t *testing.T) {
	for name, tok := range goldens(t) {
		back, err := tokenizer.Read(strings.NewReader(saved(t, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b bytes.Buffer
		if err := back.Save(&b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(saved(t, name), b.String()); diff != "" {
			t.Errorf("%s: saved, read and saved again (-first +second):\n%s", name, diff)
		}
		if diff := cmp.Diff(tok.Template(), back.Template()); diff != "" {
			t.Errorf("%s: the template (-saved +read):\n%s", name, diff)
		}
		if tok.Specials() != back.Specials() {
			t.Errorf("%s: specials %+v are read as %+v", name, tok.Specials(), back.Specials())
		}
	}
}

// A file with its keys in another order, or without those that are null, means the same.
func TestReadTakesKeysInAnyOrder(t *testing.T) {
	for name := range goldens(t) {
		var file map[string]any
		if err := json.Unmarshal([]byte(saved(t, name)), &file); err != nil {
			t.Fatal(err)
		}
		delete(file, "truncation")
		sorted, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		back, err := tokenizer.Read(bytes.NewReader(sorted))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b strings.Builder
		if err := back.Save(&b); err != nil || b.String() != saved(t, name) {
			t.Errorf("%s: another tokenizer was read (%v):\n%s", name, err, cmp.Diff(saved(t, name), b.String()))
		}
	}
}

// What a file has that the package does not know is an error that names it.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"bytes", `"version": "1.0"`, `"version": "2.0"`, `component version is "2.0", which is not supported; expected "1.0"`},
		{"bytes", `"padding": null`, `"extra": 1`, `the key "extra", which is not known; it is 1`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "NFX"}`, `component normalizer has the type "NFX", which is not known`},
		{"bytes", `"normalizer": null`, `"normalizer": 3`, `component normalizer is 3; expected an object`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "NFC", "x": 1}`, `normalizer of type NFC has the key "x", which is not known`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "Sequence", "normalizers": [{"type": 1}]}`,
			`normalizer.normalizers[0]: type is 1; expected a string`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "Precompiled", "precompiled_charsmap": "?"}`, `is not base64`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////w=="}`, `less than the trie`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "Replace", "pattern": {"Regex": "(?<x>a)"}, "content": ""}`,
			`a group of a kind that is not supported`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": ""}`, `the empty string`},
		{"bytes", `"use_regex": false`, `"use_regex": 1`, `pre_tokenizer: use_regex is 1; expected true or false`},
		{"bytes", `"type": "ByteLevel"`, `"type": "Byte"`, `pre_tokenizer has the type "Byte", which is not known; expected BertPreTokenizer`},
		{"bytes", `"lstrip": false`, `"lstrip": 1`, `component added_tokens: json`},
		{"bytes", `"type": "TemplateProcessing"`, `"type": "BertProcessing"`, `post_processor: cls is missing; expected ["name", id]`},
		{"bytes", `"id": "A"`, `"id": "B"`, `post_processor.single[1] has the text "B"; expected A`},
		{"bytes", `"id": "<|end|>"`, `"id": "[CLS]"`, `post_processor.single[0] has the token "[CLS]", which its special_tokens lack`},
		{"bytes", `"single": [`, `"single": [3, `, `component post_processor: single is [3`},
		{"bytes", `        256`, `        300`, `post_processor has the id 300; expected 0 … 256`},
		{"bytes", `"type": "BPE"`, `"type": "Unigram"`, `model.vocab is missing; expected an array of tokens with their scores`},
		{"bytes", `"type": "BPE"`, `"type": "RWKV"`, `model has the type "RWKV", which is not known`},
		{"bytes", `"type": "BPE"`, `"type": 1`, `model has the type 1; expected BPE`},
		{"bytes", `"dropout": null`, `"dropout": 0.1`, `dropout is 0.1, which makes the tokens of a text a matter of chance`},
		{"bytes", `"merges": []`, `"merges": ["a b"]`, `the merge 0 makes "ab", which is not in the vocabulary`},
		{"bytes", `"merges": []`, `"merges": ["a  b"]`, `expected two tokens with a blank between them`},
		{"bytes", `"merges": []`, `"merges": [["a"]]`, `the merge 0 of the model BPE: 1 tokens; expected 2`},
		{"bytes", `"merges": []`, `"merges": [["a", "bb"]]`, `"bb" is not in the vocabulary`},
		{"bytes", `"a": 97`, `"a": 98`, `the id 98; expected each id once`},
		{"dna", `"type": "Fuse"`, `"type": "Metaspace"`, `component decoder: replacement is missing`},
		{"dna", `"N": 4`, `"N": -1`, `the id -1; expected 0 … 1048575`},
		{"dna", `"N": 4`, `"N": 4.5`, `expected a whole number`},
		{"dna", `"N": 4`, `"N": 4, "N": 5`, `1 tokens twice`},
		{"listops", `"unk_token": "<unk>"`, `"unk_token": 1`, `model: unk_token is 1; expected a string`},
		{"listops", `"vocab"`, `"words"`, `component model.vocab is missing`},
		{"listops", `"model"`, `"models"`, `component model is missing; expected an object`},
		{"listops", `"model": {`, `"model": null, "x": {`, `component model is null`},
		{"listops", `"version"`, "\"\xff\"", `not UTF-8`},
		{"listops", `"version"`, `"\ud800"`, `half a surrogate pair`},
		{"listops", "}\n", "} {}", `expected the end`},
	} {
		text := saved(t, c.file)
		at := strings.LastIndex(text, c.old)
		if at < 0 {
			t.Fatalf("%s has no %s", c.file, c.old)
		}
		if c.new != "} {}" { // all but this change the first
			at = strings.Index(text, c.old)
		}
		_, err := tokenizer.Read(strings.NewReader(text[:at] + c.new + text[at+len(c.old):]))
		refused(t, fmt.Sprintf("%s with %.60s", c.file, c.new), err, "tokenizer: ", c.want)
	}
	for _, text := range []string{"", "[]", "3", "null"} {
		_, err := tokenizer.Read(strings.NewReader(text))
		refused(t, text, err, "not a JSON object")
	}
	_, err := tokenizer.Read(strings.NewReader(`{"model"`))
	refused(t, "a part", err, "the JSON ends at byte 8")
	_, err = tokenizer.Read(strings.NewReader(`{"x":` + strings.Repeat("[", 1000)))
	refused(t, "depth", err, "more than 128 values inside one another")
}

// Truncation and padding of a file are reported and not followed.
func TestIgnored(t *testing.T) {
	text := strings.Replace(saved(t, "bytes"), `"truncation": null`, `"truncation": {"max_length": 2}`, 1)
	tok, err := tokenizer.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Ignored(); len(got) != 1 || got[0] != `truncation: {"max_length":2}` {
		t.Errorf("ignored: %q", got)
	}
	if e, err := tok.Encode("four"); err != nil || len(e.IDs) != 4 {
		t.Errorf("%v (%v), want four tokens", e.IDs, err)
	}
}

// blanks is a file without an end.
type blanks struct{}

func (blanks) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestReadIsBounded(t *testing.T) {
	_, err := tokenizer.Read(blanks{})
	refused(t, "a file without an end", err, "more than 67108864 bytes")
	text := `{"model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 1048576}}}`
	_, err = tokenizer.Read(strings.NewReader(text))
	refused(t, "a large vocabulary", err, `gives "a" the id 1048576; expected 0 … 1048575`)
}

// faulty fails when it is read or written.
type faulty struct{}

var errFaulty = errors.New("the disk is gone")

func (faulty) Read([]byte) (int, error)  { return 0, errFaulty }
func (faulty) Write([]byte) (int, error) { return 0, errFaulty }

func TestFaultsOfFiles(t *testing.T) {
	if _, err := tokenizer.Read(faulty{}); !errors.Is(err, errFaulty) {
		t.Errorf("Read gives %v", err)
	}
	if err := tokenizer.DNA().Save(faulty{}); !errors.Is(err, errFaulty) {
		t.Errorf("Save gives %v", err)
	}
	missing := filepath.Join(t.TempDir(), "tokenizer.json")
	if _, err := tokenizer.Open(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open gives %v", err)
	}
	if err := os.WriteFile(missing, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := tokenizer.Open(missing)
	refused(t, "Open", err, missing, "component model is missing")
}

// No file causes a panic. A file that is read is written as one that means the same.
func FuzzRead(f *testing.F) {
	for name := range goldens(f) {
		f.Add([]byte(saved(f, name)))
	}
	a := openArchive(f, "layouts.json.gz")
	for _, file := range a.Files {
		if len(file.File) < 20_000 {
			f.Add([]byte(file.File))
		}
	}
	f.Add([]byte(`{"version":"1.0","added_tokens":[],"pre_tokenizer":{"type":"WhitespaceSplit"},` +
		`"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"<unk>"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := tokenizer.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var first, second strings.Builder
		if err := tok.Save(&first); err != nil {
			t.Fatalf("what was read cannot be saved: %v", err)
		}
		again, err := tokenizer.Read(strings.NewReader(first.String()))
		if err != nil {
			t.Fatalf("what was saved cannot be read: %v\n%s", err, first.String())
		}
		if err := again.Save(&second); err != nil || first.String() != second.String() {
			t.Fatalf("saved again (%v):\n%s\nfirst:\n%s", err, second.String(), first.String())
		}
		e, err := tok.EncodePair(tok.Token(0)+" Ωé\u0301 ▁x\r\n", "2")
		if err != nil {
			return
		}
		for i, id := range e.IDs {
			if id < 0 || int(id) >= tok.Vocab() || e.Offsets[i].From > e.Offsets[i].To {
				t.Fatalf("token %d is %d at %v of %d ids", i, id, e.Offsets[i], tok.Vocab())
			}
		}
		tok.Decode(e.IDs)
	})
}
