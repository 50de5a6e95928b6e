package model

import (
	"os"
	"testing"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer"
)

// Passages have each token of a text once, in order, and bytes within the text; so has a text in lower case, and one with masks.
func FuzzPassages(f *testing.F) {
	for _, text := range []string{"", "One. Two!\n\nThree", " \n\n\n x", "a.b. c", "İI Σ. \u2028?!", "。！?…\")» ", "\n \n",
		"__ _ ___", "\xff."} {
		f.Add(text)
	}
	file, err := os.Open("testdata/wordpiece/tokenizer.json")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	t, err := tokenizer.Read(file)
	if err != nil {
		f.Fatal(err)
	}
	m := &Model{tokenizer: t, spec: Spec{Vocab: t.Vocab()}}
	m.answers.LowerCase = true
	mask := int32(4)
	m.spec.Head.MaskToken = &mask
	f.Fuzz(func(t *testing.T, text string) {
		e, first, err := m.prompted("the: ", text)
		if err != nil {
			if utf8.ValidString(text) {
				t.Fatal(err)
			}
			return
		}
		for _, span := range e.Offsets {
			if span.From > span.To || int(span.To) > len(text) {
				t.Fatalf("a token is at %+v of %d bytes", span, len(text))
			}
		}
		d := &document{e: e, from: first, to: int(e.Texts[0].To)}
		for _, by := range []Passages{Sentences, Paragraphs, TokenPassages(3, 0)} {
			next := d.from
			for _, p := range by.of(text, d) {
				if p.from > p.to || p.from < 0 || p.to > len(text) || p.tokenFrom != next || p.tokenTo <= p.tokenFrom {
					t.Fatalf("%q: found the passage %+v after token %d", text, p, next)
				}
				next = p.tokenTo
			}
			if next != d.to {
				t.Fatalf("%q: passages end at token %d of %d", text, next, d.to)
			}
		}
		masked, err := m.encodeMasked(text, "_", mask)
		if err != nil {
			t.Fatal(err)
		}
		for i, span := range masked.Offsets {
			if span.From > span.To || span.From < 0 || int(span.To) > len(text) {
				t.Fatalf("%q: token %d of masks is at %+v of %d bytes", text, i, span, len(text))
			}
		}
	})
}
