package gguf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/gguf"
)

var update = flag.Bool("update", false, "write the golden files that testdata/golden/tokens.py --check reads")

// goldenTokenizers are the vocabularies that tokens.py makes.
var goldenTokenizers = []string{"llama", "llama-bare", "t5", "gpt2", "bert"}

// The tokenizers made of the golden vocabularies are those with which Hugging Face's library has given the original ids.
func TestGoldenTokenizers(t *testing.T) {
	for _, name := range goldenTokenizers {
		f, err := gguf.Open(filepath.Join("testdata/golden", name+".gguf"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.TokenizerJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata/golden", name+".tokenizer.json")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the tokenizer differs from %s; if that is meant, write it with -update and run tokens.py --check", name, path)
		}
	}
}

// tokenizerJSON is what tests look at.
type tokenizerJSON struct {
	AddedTokens []struct {
		ID                              int
		Content                         string
		LStrip, RStrip, Special, Normal bool
	} `json:"added_tokens"`
	Normalizer    json.RawMessage
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage
	Model         struct {
		Type         string
		IgnoreMerges bool `json:"ignore_merges"`
		Vocab        json.RawMessage
		Merges       [][2]string
	}
}

func parse(t *testing.T, f *gguf.File) tokenizerJSON {
	t.Helper()
	b, err := f.TokenizerJSON()
	if err != nil {
		t.Fatal(err)
	}
	var j tokenizerJSON
	if err := json.Unmarshal(b, &j); err != nil {
		t.Fatal(err)
	}
	return j
}

// byteLevel is a small vocabulary of model gpt2.
func byteLevel(pre string) *builder {
	return newBuilder().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", pre).
		strings("tokenizer.ggml.tokens", "a", "b", "ab", "<s>", "</s>", "<mask>").
		array("tokenizer.ggml.token_type", gguf.KindI32, int32(1), int32(1), int32(1), int32(3), int32(3), int32(4)).
		strings("tokenizer.ggml.merges", "a b").
		pair("tokenizer.ggml.bos_token_id", gguf.KindU32, uint32(3)).pair("tokenizer.ggml.eos_token_id", gguf.KindU32, uint32(4)).
		pair("tokenizer.ggml.mask_token_id", gguf.KindU32, uint32(5))
}

// What the name of the pre-tokenizer implies beyond the cutting: normaliser, whole tokens first, tokens around a text.
func TestPreTokenizers(t *testing.T) {
	const bos = `{"SpecialToken":{"id":"<s>","type_id":0}}`
	for _, c := range []struct {
		pre, preTokenizer, normalizer, post string
		ignoreMerges                        bool
	}{
		{"gpt-2", `{"add_prefix_space":false,"trim_offsets":true,"type":"ByteLevel","use_regex":true}`, "null", "null", false},
		{"smollm", `[{"individual_digits":true,"type":"Digits"},{"add_prefix`, "null", "null", false},
		{"llama-bpe", `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^`, "null", bos, true},
		{"qwen2", `\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*`, `{"type":"NFC"}`, "null", false},
		{"gpt-4o", `[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*`, "null", "null", true},
		{"falcon", `{"behavior":"Contiguous","type":"Punctuation"}`, "null", "null", false},
		{"roberta-bpe", `"ByteLevel"`, "null", `"pair":[` + bos +
			`,{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}},` +
			`{"SpecialToken":{"id":"</s>","type_id":0}},{"Sequence":{"id":"B","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}]`, false},
		{"modern-bert", `"ByteLevel"`, `{"type":"NFC"}`, `{"SpecialToken":{"id":"</s>","type_id":0}},{"Sequence":{"id":"B","type_id":1}}`, false},
	} {
		j := parse(t, byteLevel(c.pre).file(t))
		if !strings.Contains(string(j.PreTokenizer), c.preTokenizer) || string(j.Normalizer) != c.normalizer ||
			!strings.Contains(string(j.PostProcessor), c.post) || j.Model.IgnoreMerges != c.ignoreMerges {
			t.Errorf("%s: %s, %s, %s, %v", c.pre, j.PreTokenizer, j.Normalizer, j.PostProcessor, j.Model.IgnoreMerges)
		}
		if len(j.AddedTokens) != 3 || !j.AddedTokens[2].LStrip || j.AddedTokens[2].Special || !j.AddedTokens[0].Special {
			t.Errorf("%s: the added tokens are %v", c.pre, j.AddedTokens)
		}
	}
}

// A second text of a decoder begins and ends as the first.
func TestPairOfDecoder(t *testing.T) {
	j := parse(t, byteLevel("gpt-2").pair("tokenizer.ggml.add_bos_token", gguf.KindBool, true).
		pair("tokenizer.ggml.add_eos_token", gguf.KindBool, true).file(t))
	const want = `"pair":[{"SpecialToken":{"id":"<s>","type_id":0}},` +
		`{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}},` +
		`{"SpecialToken":{"id":"<s>","type_id":1}},{"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"</s>","type_id":1}}]`
	if !strings.Contains(string(j.PostProcessor), want) {
		t.Errorf("the post-processor is %s", j.PostProcessor)
	}
}

// pieces is a small vocabulary of model llama.
func pieces(tokens ...string) *builder {
	b := newBuilder().text("tokenizer.ggml.model", "llama")
	scores, types := make([]any, 0, len(tokens)), make([]any, 0, len(tokens))
	for i, token := range tokens {
		score, kind := float32(-i), int32(1)
		if strings.Trim(token, " ") == "" {
			score, kind = -1000, 4
		}
		scores, types = append(scores, score), append(types, kind)
	}
	return b.strings("tokenizer.ggml.tokens", tokens...).array("tokenizer.ggml.scores", gguf.KindF32, scores...).
		array("tokenizer.ggml.token_type", gguf.KindI32, types...)
}

// Merges are in the order of the scores; a run of blanks has the best, and its blanks again; equal ones are by the length of their parts.
func TestScoredMerges(t *testing.T) {
	j := parse(t, pieces("a", "b", "ab", "abab", "aba", "▁", "  ", "   ").file(t))
	want := [][2]string{{"▁▁", "▁"}, {"▁", "▁▁"}, {"▁", "▁"}, {"a", "b"}, {"ab", "ab"}, {"aba", "b"}, {"ab", "a"}}
	want[4], want[5] = want[5], want[4] // of "abab": the longer left part first
	if !slices.Equal(j.Model.Merges, want) {
		t.Errorf("the merges are %v, want %v", j.Model.Merges, want)
	}
	if len(j.AddedTokens) != 2 || j.AddedTokens[0].Content != "▁▁" {
		t.Errorf("the added tokens are %v", j.AddedTokens)
	}
}

// Phi-3's added tokens take in the blanks after them, but for three.
func TestPhi3Strips(t *testing.T) {
	b := newBuilder().text("general.architecture", "phi3").text("tokenizer.ggml.model", "llama").
		strings("tokenizer.ggml.tokens", "<unk>", "<s>", "</s>", "<|user|>").
		array("tokenizer.ggml.scores", gguf.KindF32, float32(0), float32(0), float32(0), float32(0)).
		array("tokenizer.ggml.token_type", gguf.KindI32, int32(2), int32(3), int32(3), int32(4))
	for i, a := range parse(t, b.file(t)).AddedTokens {
		if a.RStrip != (i >= 2) {
			t.Errorf("%s: rstrip is %v", a.Content, a.RStrip)
		}
	}
}

// What the file says of special tokens, and llama.cpp's ids where it says nothing.
func TestSpecialTokens(t *testing.T) {
	const none = gguf.None
	s, err := byteLevel("gpt-2").pair("tokenizer.ggml.add_eos_token", gguf.KindBool, true).file(t).SpecialTokens()
	want := gguf.SpecialTokens{BOS: 3, EOS: 4, EOT: none, EOM: none, Unknown: none, Separator: none, Padding: none, Mask: 5, AddEOS: true}
	if err != nil || s != want {
		t.Errorf("gpt2: %+v (%v), want %+v", s, err, want)
	}
	s, err = pieces("a", "b", "c").pair("tokenizer.ggml.eot_token_id", gguf.KindU32, uint32(0)).file(t).SpecialTokens()
	want = gguf.SpecialTokens{BOS: 1, EOS: 2, EOT: 0, EOM: none, Unknown: 0, Separator: none, Padding: none, Mask: none, AddBOS: true}
	if err != nil || s != want {
		t.Errorf("llama: %+v (%v), want %+v", s, err, want)
	}
}

// Templates are found by name.
func TestChatTemplates(t *testing.T) {
	f := newBuilder().text("tokenizer.chat_template", "usual").text("tokenizer.chat_template.rag", "of documents").
		strings("tokenizer.chat_templates", "rag").file(t)
	names, err := f.ChatTemplateNames()
	if err != nil || !slices.Equal(names, []string{"rag"}) {
		t.Errorf("the names are %v (%v)", names, err)
	}
	for name, want := range map[string]string{"": "usual", "rag": "of documents"} {
		if got, err := f.ChatTemplate(name); err != nil || got != want {
			t.Errorf("%q: %q (%v)", name, got, err)
		}
	}
	if _, err := f.ChatTemplate("none"); !errors.Is(err, gguf.ErrNoKey) {
		t.Errorf("a template that is not there gives %v", err)
	}
	if names, err := newBuilder().file(t).ChatTemplateNames(); names != nil || err != nil {
		t.Errorf("a file without templates gives %v, %v", names, err)
	}
}

// A tokenizer that is not known or damaged is refused in words.
func TestTokenizerRefusals(t *testing.T) {
	long := strings.Repeat("a", 1025)
	var runs []string
	for n := 1; n <= 300; n++ {
		runs = append(runs, strings.Repeat("a", n))
	}
	without := func(key string) *builder {
		b := byteLevel("gpt-2")
		b.kv = *bytes.NewBuffer(bytes.ReplaceAll(b.kv.Bytes(), []byte(key), []byte(strings.Repeat("x", len(key)))))
		return b
	}
	for _, c := range []struct {
		name string
		file *builder
		want string
	}{
		{"none", newBuilder(), `key "tokenizer.ggml.model", string: the file does not have it`},
		{"model", newBuilder().text("tokenizer.ggml.model", "rwkv"),
			`key "tokenizer.ggml.model" is "rwkv"; gpt2, llama, gemma4, bert or t5 was expected`},
		{"pre", byteLevel("novel"), `key "tokenizer.ggml.pre" is "novel", which is not known; known are a.x-4.0, chatglm-bpe,`},
		{"no pre", without("tokenizer.ggml.pre"), "the file does not have it; files from before May 2024 lack it"},
		{"no merges", without("tokenizer.ggml.merges"), `key "tokenizer.ggml.merges", an array of string: the file does not have it`},
		{"no tokens", without("tokenizer.ggml.tokens"), `key "tokenizer.ggml.tokens", an array of string: the file does not have it`},
		{"types", newBuilder().text("tokenizer.ggml.model", "bert").
			strings("tokenizer.ggml.tokens", "a").array("tokenizer.ggml.token_type", gguf.KindI32),
			`key "tokenizer.ggml.token_type" has 0 elements; 1 were expected, one a token`},
		{"scores", newBuilder().text("tokenizer.ggml.model", "t5").
			strings("tokenizer.ggml.tokens", "a", "b", "c").array("tokenizer.ggml.scores", gguf.KindF32, float32(0)),
			`key "tokenizer.ggml.scores" has 1 elements; 3 were expected`},
		{"not UTF-8", pieces("a", "\xff"), `token 1 of key "tokenizer.ggml.tokens" is "\xff", which is not UTF-8`},
		{"twice", pieces("a", "b", "a"), `tokens 0 and 2 of key "tokenizer.ggml.tokens" are both "a"`},
		{"long", pieces("a", "b", long), "token 2 has 1025 bytes; at most 1024 were expected"},
		{"many", pieces(runs...), "its merges would be many times its size"},
		{"NaN", newBuilder().text("tokenizer.ggml.model", "t5").strings("tokenizer.ggml.tokens", "a", "b", "c").
			array("tokenizer.ggml.scores", gguf.KindF32, float32(0), float32(math.NaN()), float32(0)),
			"score 1 of key \"tokenizer.ggml.scores\" is NaN"},
		{"id", byteLevel("gpt-2").pair("tokenizer.ggml.padding_token_id", gguf.KindU32, uint32(6)),
			`key "tokenizer.ggml.padding_token_id" is 6; the vocabulary has 6 tokens`},
		{"no BOS", newBuilder().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "llama-bpe").
			strings("tokenizer.ggml.tokens", "a").
			array("tokenizer.ggml.merges", gguf.KindString),
			"a text is said to begin with a token, and tokenizer.ggml.bos_token_id does not say which"},
		{"no EOS", newBuilder().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2").strings("tokenizer.ggml.tokens", "a").
			array("tokenizer.ggml.merges", gguf.KindString).pair("tokenizer.ggml.add_eos_token", gguf.KindBool, true),
			"tokenizer.ggml.eos_token_id does not say which"},
		{"merge", newBuilder().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2").strings("tokenizer.ggml.tokens", "a").
			strings("tokenizer.ggml.merges", "ab"), `merge 0 of key "tokenizer.ggml.merges" is "ab"; two tokens with a space between were expected`},
		{"merged", newBuilder().text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2").strings("tokenizer.ggml.tokens", "a").
			strings("tokenizer.ggml.merges", "a a"), `merge 0 of key "tokenizer.ggml.merges" is "a a", and the vocabulary does not have "aa"`},
		{"charsmap", newBuilder().text("tokenizer.ggml.model", "t5").strings("tokenizer.ggml.tokens", "a", "b", "c").
			array("tokenizer.ggml.scores", gguf.KindF32, float32(0), float32(0), float32(0)).text("tokenizer.ggml.precompiled_charsmap", "x"),
			`key "tokenizer.ggml.precompiled_charsmap" is string; an array of u8 or i8 was expected`},
	} {
		if _, err := c.file.file(t).TokenizerJSON(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found the error %v, expected one with %q", c.name, err, c.want)
		}
	}
}

// No metadata make the writer of tokenizers panic, and what it writes is JSON.
func FuzzTokenizerJSON(f *testing.F) {
	for _, name := range goldenTokenizers {
		raw, err := os.ReadFile(filepath.Join("testdata/golden", name+".gguf"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(byteLevel("roberta-bpe").bytes())
	f.Add(pieces("a", "b", "ab", "  ").bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b)
		if err != nil {
			return
		}
		j, err := file.TokenizerJSON()
		if err == nil && !json.Valid(j) {
			t.Fatalf("%q is no JSON", j)
		}
		if err == nil && len(j) > 600*len(b)+4096 {
			t.Fatalf("%d bytes of JSON from %d", len(j), len(b))
		}
	})
}
