package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/longspan/longspan/tokenizer"
)

// What is read of a text never has more tokens than were asked for, and never ends within a character.
func TestLeadingHasAtMostSoManyTokens(t *testing.T) {
	content := tinyTokenizer()
	vocab := content["model"].(map[string]any)["vocab"].(map[string]int)
	for r := '¡'; r <= 'Ń'; r++ { // the names of all bytes that are no ASCII are among these
		if _, ok := vocab[string(r)]; !ok {
			vocab[string(r)] = len(vocab)
		}
	}
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	levels, err := tokenizer.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, tok := range map[string]*tokenizer.Tokenizer{"bytes": tokenizer.Bytes(), "byte-level": levels} {
		for _, prompt := range []string{"", "passage: ", "文: "} {
			read := func(text string) (tokenizer.Encoding, error) {
				e, err := tok.EncodeDocument(prompt + text)
				for i, o := range e.Offsets {
					e.Offsets[i] = tokenizer.Span{From: max(0, o.From-int32(len(prompt))), To: max(0, o.To-int32(len(prompt)))}
				}
				return e, err
			}
			for _, text := range []string{"日本語", "a日b本c語 d", "plain text"} {
				whole, err := read(text)
				if err != nil {
					t.Fatal(err)
				}
				for most := 1; most <= len(whole.IDs)+1; most++ {
					begins, left, err := leading(read, text, most)
					if err != nil {
						if !strings.Contains(err.Error(), "expected at least ") {
							t.Fatal(err)
						}
						continue
					}
					e, err := read(begins)
					if err != nil || len(e.IDs) > most || len(whole.IDs)-len(e.IDs) != left || !strings.HasPrefix(text, begins) ||
						strings.ToValidUTF8(begins, "") != begins || begins == "" {
						t.Errorf("%s: %q after %q, at most %d: found %q, %d left out, of %d tokens, %v", name, text, prompt, most, begins, left,
							len(e.IDs), err)
					}
					if next := len(begins); most-len(e.IDs) > 3 && next < len(text) { // another character fits
						t.Errorf("%s: %q after %q, at most %d: found %q alone", name, text, prompt, most, begins)
					}
				}
			}
		}
	}
}
