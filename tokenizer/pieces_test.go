package tokenizer

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// bertLike reads a small tokenizer of BERT's kind.
func bertLike(t *testing.T) *Tokenizer {
	t.Helper()
	tok, err := Read(strings.NewReader(`{"version": "1.0",
		"added_tokens": [{"id": 1, "content": "[MASK]", "special": true, "lstrip": true, "normalized": false}],
		"normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
		"pre_tokenizer": {"type": "BertPreTokenizer"},
		"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
			"vocab": {"[UNK]": 0, "[MASK]": 1, "a": 2, "##a": 3, "e": 4, "##e": 5, ".": 6, "文": 7, "##b": 8, "b": 9}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// An encoding does not change when others are made: writers use their memory again.
func TestEncodingsStay(t *testing.T) {
	tok := bertLike(t)
	texts := []string{"ab é.", "", strings.Repeat("ba 文[MASK] ", 300), "x", "a. b"}
	want := make([]Encoding, len(texts))
	for i, text := range texts {
		var err error
		if want[i], err = bertLike(t).Encode(text); err != nil { // alone with its writers
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			got := make([]Encoding, len(texts))
			for k := range 200 {
				i := (k + g) % len(texts)
				e, err := tok.Encode(texts[i])
				if err != nil {
					t.Error(err)
				}
				if k < len(texts) {
					got[i] = e
				}
			}
			for i := range texts {
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Errorf("%.10q: the %d tokens are others after further texts, expected those of a tokenizer alone", texts[i], len(got[i].IDs))
				}
			}
		})
	}
	all.Wait()
}

// A long text that is normalized in pieces has the tokens and the offsets that it has as a whole.
func TestPiecesAreTheWhole(t *testing.T) {
	tok := bertLike(t)
	if !tok.pipeline.local {
		t.Fatal("a BERT's tokenizer is not local")
	}
	whole := *tok.pipeline
	whole.finish() // the writers are its own
	whole.local = false
	parts := []string{"a", "bé", "É", " ", " ", "\n", "\u0301", " \u0301\u0323", ".", "文", "\x00", "\u200b", " [MASK]", "[MASK] ", "\u00a0",
		"ba\t"}
	draw := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		var text strings.Builder
		for text.Len() < 3*pieceBytes {
			text.WriteString(parts[draw.IntN(len(parts))])
		}
		got, err := tok.pipeline.writers.Get().(*writer).run(text.String())
		want, errWhole := whole.writers.Get().(*writer).run(text.String())
		if err != nil || errWhole != nil {
			t.Fatal(err, errWhole)
		}
		if len(want.IDs) < 10000 || !slices.Equal(got.IDs, want.IDs) || !slices.Equal(got.Offsets, want.Offsets) {
			t.Errorf("found %d tokens in pieces, expected the %d of the whole text, at the same places", len(got.IDs), len(want.IDs))
		}
	}
}
