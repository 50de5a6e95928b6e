package tokenizer_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/tokenizer"
)

// esmGolden is esm.json: folders without tokenizer.json, and the answers of transformers' EsmTokenizer.
type esmGolden struct {
	Texts   []string
	Folders []struct {
		Name     string
		Tokens   []string
		K        int // bases of the words that follow the tokens
		Settings map[string]any
		Roles    []int32
		Answers  []esmAnswer
	}
}

type esmAnswer struct {
	ids, pair      []int32
	plain, special string
}

func (a *esmAnswer) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&a.ids, &a.pair, &a.plain, &a.special})
}

// words are all words of k bases, in the order of the Nucleotide Transformer, and the single letters.
func words(k int) []string {
	if k == 0 {
		return nil
	}
	all := []string{""}
	for range k {
		var longer []string
		for _, word := range all {
			for _, base := range []string{"A", "T", "C", "G"} {
				longer = append(longer, word+base)
			}
		}
		all = longer
	}
	return append(all, "A", "T", "C", "G", "N")
}

func openESM(t *testing.T, tokens []string, settings map[string]any) *tokenizer.Folder {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"vocab.txt": strings.Join(tokens, "\n"), "tokenizer_config.json": string(text),
		"config.json": `{"model_type": "esm"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := tokenizer.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A folder with vocab.txt alone reads proteins and DNA as transformers' EsmTokenizer does. It has no token types: all are 0.
func TestESM(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(goldenDir, "esm.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g esmGolden
	if err := json.Unmarshal(text, &g); err != nil || len(g.Folders) < 4 || len(g.Texts) < 30 {
		t.Fatal(err, len(g.Folders), len(g.Texts))
	}
	for _, f := range g.Folders {
		folder := openESM(t, append(f.Tokens, words(f.K)...), f.Settings)
		r := folder.Roles
		if got := []int32{r.Begin, r.End, r.Unknown, r.Separator, r.Pad, r.Class, r.Mask}; !slices.Equal(got, f.Roles) {
			t.Errorf("%s: the roles are %v, want %v", f.Name, got, f.Roles)
		}
		if len(folder.Ignored()) > 0 {
			t.Errorf("%s: not followed: %q", f.Name, folder.Ignored())
		}
		var saved strings.Builder
		if err := folder.Save(&saved); err != nil {
			t.Fatal(err)
		}
		again, err := tokenizer.Read(strings.NewReader(saved.String()))
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range g.Texts {
			agreesWithESM(t, f.Name, folder.Tokenizer, text, f.Answers[i])
			agreesWithESM(t, f.Name+", saved", again, text, f.Answers[i])
		}
	}
}

func agreesWithESM(t *testing.T, name string, tok *tokenizer.Tokenizer, text string, want esmAnswer) {
	t.Helper()
	e, err := tok.EncodeDocument(text)
	if err != nil {
		t.Errorf("%s: %q: %v", name, text, err)
		return
	}
	if !slices.Equal(e.IDs, want.ids) {
		t.Errorf("%s: %q has the tokens %v, want %v", name, text, e.IDs, want.ids)
	}
	for i := e.Texts[0].From; i < e.Texts[0].To; i++ {
		s := e.Offsets[i]
		if word := text[s.From:s.To]; word != tok.Token(e.IDs[i]) && tok.Token(e.IDs[i]) != "<unk>" {
			t.Errorf("%s: %q: the token %q stands at %q", name, text, tok.Token(e.IDs[i]), word)
		}
	}
	if got := tok.Decode(e.IDs); got != want.plain {
		t.Errorf("%s: %q is decoded to %q, want %q", name, text, got, want.plain)
	}
	if got := tok.DecodeWithSpecials(e.IDs); got != want.special {
		t.Errorf("%s: %q is decoded to %q, want %q", name, text, got, want.special)
	}
	pair, err := tok.EncodePair(text, "ATTCCGA")
	switch {
	case want.pair == nil && (err == nil || !strings.Contains(err.Error(), "no template for two texts")):
		t.Errorf("%s: a pair without an end between its texts: %v", name, err)
	case want.pair != nil && (err != nil || !slices.Equal(pair.IDs, want.pair) || len(pair.TypeIDs) > 0):
		t.Errorf("%s: %q in a pair has the tokens %v of types %v, want %v of 0; %v", name, text, pair.IDs, pair.TypeIDs, want.pair, err)
	}
}

// A megabase is read in one pass, and each token stands for its six bases.
func TestESMOfALongText(t *testing.T) {
	f := openESM(t, append([]string{"<unk>", "<pad>", "<mask>", "<cls>", "<eos>"}, words(6)...), map[string]any{})
	e, err := f.Encode(strings.Repeat("ACGTTGCAAT", 100_000))
	if err != nil || len(e.IDs) != 1_000_000/6+1_000_000%6 {
		t.Errorf("%d tokens, want %d; %v", len(e.IDs), 1_000_000/6+1_000_000%6, err)
	}
}
