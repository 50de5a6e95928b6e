package vocab_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/longspan/longspan/tokenizer"
)

// Package tokenizer gives the files the ids and the texts of the library.
func TestTheFilesOpen(t *testing.T) {
	for name := range files() {
		var g struct {
			Vocab int
			Texts []struct {
				IDs, DocumentIDs []int32
				Decoded          string
			}
		}
		read(t, name+".json", &g)
		tok, err := tokenizer.Open(filepath.Join(goldenDir, name+".tokenizer.json"))
		if err != nil {
			t.Fatal(err)
		}
		if tok.Vocab() != g.Vocab {
			t.Errorf("%s: %d tokens, the library has %d", name, tok.Vocab(), g.Vocab)
		}
		for i, text := range nasty(t) {
			plain, err := tok.Encode(text)
			if err != nil {
				t.Fatal(err)
			}
			document, err := tok.EncodeDocument(text)
			if err != nil {
				t.Fatal(err)
			}
			if want := g.Texts[i]; !slices.Equal(plain.IDs, want.IDs) || !slices.Equal(document.IDs, want.DocumentIDs) {
				t.Errorf("%s: %q has the ids %v and %v, the library has %v and %v", name, text, plain.IDs, document.IDs, want.IDs, want.DocumentIDs)
			} else if got := tok.Decode(plain.IDs); got != want.Decoded {
				t.Errorf("%s: %q is decoded to %q, by the library to %q", name, text, got, want.Decoded)
			}
		}
	}
}
