package hf

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEdit(t *testing.T) {
	const text = "{\n  \"a\": [1, {\"x\": \"}\\\",\"}],\n  \"b\": NaN,\n  \"c\": 1e-05\n}\n"
	for _, c := range []struct {
		name, text string
		settings   []setting
		want       string
	}{
		{"nothing", text, nil, text},
		{"in place", text, []setting{{"c", 2}}, strings.Replace(text, "1e-05", "2", 1)},
		{"at the end", text, []setting{{"d", true}}, strings.Replace(text, "1e-05", "1e-05,\n  \"d\": true", 1)},
		{"taken away", text, []setting{{"a", nil}}, "{\n  \"b\": NaN,\n  \"c\": 1e-05\n}\n"},
		{"the last", text, []setting{{"c", nil}, {"missing", nil}}, strings.Replace(text, ",\n  \"c\": 1e-05", "", 1)},
		{"an inner object", text, []setting{{"b", map[string]string{"0": "<é>"}}}, strings.Replace(text, "NaN", "{\n    \"0\": \"<é>\"\n  }", 1)},
		{"one line", `{"a": 1}`, []setting{{"b", "x"}}, `{"a": 1,"b": "x"}`},
		{"empty", `{}`, []setting{{"b", 1}}, "{\n  \"b\": 1\n}"},
		{"an escaped key", `{"\u0061": 1}`, []setting{{"a", 2}}, `{"\u0061": 2}`},
	} {
		got, err := edit([]byte(c.text), c.settings)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, want %q: %v", c.name, got, c.want, err)
		}
	}
	for _, text := range []string{"", "[1]", "1 {}", "{", `{"a`, `{"a": `, `{"a"}`, `{1: 2}`, `{"a": {`, `{"a": }`} {
		if got, err := edit([]byte(text), []setting{{"b", 1}}); err == nil {
			t.Errorf("%q: %q, want an error", text, got)
		}
	}
}

// What is edited stays an object that says the same of every other key.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{`{"a": 1}`, `{}`, `{"a": {"b": ["}", "\"", 2]}, "c": null}`, "{\n\"a\" :\t2 }\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := edit(text, []setting{{"key", 1}, {"a", nil}})
		var before, after map[string]json.RawMessage
		if json.Unmarshal(text, &before) != nil || before == nil {
			return
		}
		if _, twice := repeated(text); twice {
			return
		}
		if err != nil || json.Unmarshal(got, &after) != nil {
			t.Fatalf("%q: %q, %v", text, got, err)
		}
		delete(before, "a")
		before["key"] = json.RawMessage("1")
		if len(before) != len(after) {
			t.Fatalf("%q: %q", text, got)
		}
		for k, v := range before {
			if string(after[k]) != string(v) {
				t.Errorf("%q: the key %q is %s, want %s", text, k, after[k], v)
			}
		}
	})
}

func TestTheClassOfABody(t *testing.T) {
	for _, c := range [][3]string{{"bert", "BertForMaskedLM", "BertModel"}, {"bert", "JinaBertForMaskedLM", "JinaBertModel"},
		{"llama", "LLaMAForCausalLM", "LlamaModel"}, {"gpt2", "GPT2LMHeadModel", "GPT2Model"},
		{"gemma3_text", "Gemma3ForCausalLM", "Gemma3TextModel"},
		{"gemma3_text", "Gemma3TextForSequenceClassification", "Gemma3TextModel"}, {"t5", "T5ForConditionalGeneration", "T5EncoderModel"},
		{"modernbert", "ModernBertForTokenClassification", "ModernBertModel"}} {
		if got := bodyOf(c[0], c[1]); got != c[2] {
			t.Errorf("the body of %s is %s, want %s", c[1], got, c[2])
		}
	}
}
