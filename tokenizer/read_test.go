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

// What a file has beyond what the package supports is an error that names it.
func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"bytes", `"version": "1.0"`, `"version": "2.0"`, `component version is "2.0", which is not supported yet; expected "1.0"`},
		{"bytes", `"truncation": null`, `"truncation": {"max_length": 8}`, `component truncation is {"max_length":8}, which is not supported`},
		{"bytes", `"padding": null`, `"padding": {}`, `component padding is {}`},
		{"bytes", `"padding": null`, `"extra": 1`, `component extra is 1`},
		{"bytes", `"normalizer": null`, `"normalizer": {"type": "NFC"}`, `component normalizer is {"type":"NFC"}, which is not supported`},
		{"bytes", `"use_regex": false`, `"use_regex": true`, `component pre_tokenizer is`},
		{"bytes", `"lstrip": false`, `"lstrip": true`, `component added_tokens is`},
		{"bytes", `"id": 256,`, `"id": 257,`, `component added_tokens is`},
		{"bytes", `"type": "TemplateProcessing"`, `"type": "BertProcessing"`, `component post_processor is`},
		{"bytes", `"id": "A"`, `"id": "B"`, `component post_processor is`},
		{"bytes", `"id": "<|end|>"`, `"id": "[CLS]"`, `post_processor has the token "[CLS]", which is not in the vocabulary`},
		{"bytes", `"id": "<|end|>"`, `"id": "a"`, `the id 97, which is no special token`},
		{"bytes", `"single": [`, `"single": [3, `, `component post_processor: json`},
		{"bytes", `"type": "BPE"`, `"type": "Unigram"`, `model "Unigram" is not supported yet`},
		{"bytes", `"type": "BPE"`, `"type": 1`, `model 1 is not supported yet`},
		{"bytes", `"merges": []`, `"merges": ["a b"]`, `component model.merges is ["a b"], which is not supported yet; expected []`},
		{"bytes", `"byte_fallback": false`, `"byte_fallback": true`, `component model.byte_fallback is true`},
		{"bytes", `"a": 97`, `"aa": 97`, `vocabulary of the model BPE has 256 tokens that are neither`},
		{"bytes", `"a": 97`, `"a": 98`, `the id 98; expected each of 0 … 255 once`},
		{"dna", `"type": "Fuse"`, `"type": "Metaspace"`, `component decoder is {"type":"Metaspace"}`},
		{"dna", `"content": "T"`, `"content": "U"`, `component normalizer is`},
		{"dna", `"unk_token": "N"`, `"unk_token": null`, `component model.unk_token is null, which is not supported yet; expected "N"`},
		{"dna", `"N": 4`, `"N": -1`, `the id -1; expected each of 0 … 4 once`},
		{"dna", `"N": 4`, `"N": 4.5`, `component model.vocab is {`},
		{"listops", `"type": "WhitespaceSplit"`, `"type": "Whitespace"`, `component pre_tokenizer is {"type":"Whitespace"}`},
		{"listops", `"]": 14`, `"] ]": 14`, `word 14 is "] ]"`},
		{"listops", `"vocab"`, `"words"`, `component model.vocab is missing`},
		{"listops", `"model"`, `"models"`, `component model is missing; expected an object`},
		{"listops", `"model": {`, `"model": null, "x": {`, `component model is null`},
		{"listops", `"version"`, "\"\xff\"", `not UTF-8`},
		{"listops", "}\n", "} {}", `not a JSON object`},
		{"listops", `"version"`, `"x": "` + strings.Repeat("x", 1<<20) + `", "version"`, `beside the vocabulary; expected at most 1048576`},
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
	for _, text := range []string{"", "[]", "3", `{"model"`} {
		_, err := tokenizer.Read(strings.NewReader(text))
		refused(t, text, err, "not a JSON object")
	}
	_, err := tokenizer.Read(strings.NewReader("null"))
	refused(t, "null", err, "component model is missing")
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
	var b bytes.Buffer
	b.WriteString(`{"model": {"type": "WordLevel", "vocab": {"0": 0`)
	for i := range tokenizer.MaxVocab {
		fmt.Fprintf(&b, `,"%d":%d`, i+1, i+1)
	}
	b.WriteString(`}}}`)
	_, err = tokenizer.Read(&b)
	refused(t, "a large vocabulary", err, "the vocabulary has 1048577 tokens; expected at most 1048576")
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
		e, err := tok.Encode(tok.Token(0))
		if err == nil && tok.Decode(e.IDs) != tok.Token(0) {
			t.Fatalf("the token %q is encoded as %v", tok.Token(0), e)
		}
	})
}
