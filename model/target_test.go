package model

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// The tokens of targets are those of generation_config.json, and in folders without it those of config.json.
func TestReadTarget(t *testing.T) {
	id := func(n int32) *int32 { return &n }
	for _, c := range []struct {
		generation, config string
		want               *data.Target
		fails              string
	}{
		{"", "", nil, ""},
		{"", `{"decoder_start_token_id": 2, "forced_bos_token_id": 0}`, &data.Target{Start: id(2), First: id(0)}, ""},
		{`{"forced_eos_token_id": [2, 3]}`, `{"decoder_start_token_id": 4, "forced_bos_token_id": 0}`,
			&data.Target{Start: id(4), Last: []int32{2, 3}}, ""},
		{`{"decoder_start_token_id": null, "bos_token_id": 5}`, `{}`, &data.Target{Start: id(5)}, ""},
		{`{"decoder_start_token_id": 11}`, "", nil, "found the token 11 for the beginning or the end of a target, expected 0 to 10"},
		{`{"forced_bos_token_id": -1}`, "", nil, "found the token -1"},
		{`{"forced_bos_token_id": [1, 2]}`, "", nil, "forced_bos_token_id: found 2 ids, expected one"},
		{`{"forced_eos_token_id": "end"}`, "", nil, `forced_eos_token_id: found "end", expected an id or a list of ids`},
		{`[]`, "", nil, "generation_config.json"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"generation_config.json": c.generation, "config.json": c.config} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readTarget(dir, 11)
		switch {
		case c.fails == "" && (err != nil || !reflect.DeepEqual(got, c.want)):
			t.Errorf("%s, %s: %+v, want %+v: %v", c.generation, c.config, got, c.want, err)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: error %v, want one with %q", c.generation, err, c.fails)
		}
	}
}

// Forced tokens that the model does not have are refused, and the last one counts where a text has one token.
func TestForcedTokens(t *testing.T) {
	first := int32(4)
	p := Prompt{ForcedFirst: &first, ForcedLast: []int32{7, 8}}
	for i, want := range [][]int32{{4}, nil, {7, 8}} {
		if got := p.forced(i, 3); !reflect.DeepEqual(got, want) {
			t.Errorf("token %d is one of %v, want %v", i, got, want)
		}
	}
	if got := p.forced(0, 1); !reflect.DeepEqual(got, p.ForcedLast) {
		t.Errorf("the only token is one of %v, want %v", got, p.ForcedLast)
	}
	m := newOf(t, specs(t)["qk norms"], Options{Tokenizer: tokenizer.Bytes()})
	p.Tokens, p.ForcedLast = []int32{1}, []int32{11}
	_, err := m.NewSession(tensor.Exec{}).Continue(t.Context(), p, GenerateOptions{Sampling: sampling.Config{Greedy: true}, Tokens: 2})
	if err == nil || !strings.Contains(err.Error(), "found the token 11 for the beginning or the end of a target") {
		t.Errorf("a forced token that the model does not have: %v", err)
	}
}
