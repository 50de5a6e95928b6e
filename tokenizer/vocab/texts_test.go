package vocab_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/tokenizer"
	"github.com/longspan/longspan/tokenizer/vocab"
)

// A vocabulary that was learned from texts in memory is a tokenizer, with the roles of its special tokens.
func TestTokenizer(t *testing.T) {
	texts := samples(t)[:2]
	c := vocab.Config{Kind: vocab.BPE, Size: 500, LowerCase: true,
		Specials: []vocab.Special{{Token: "<x>"}, {Token: "<s>", Role: vocab.Begin}, {Token: "</s>", Role: vocab.End}}}
	counts, err := vocab.Count(context.Background(), vocab.Texts(slices.Values(texts)), c)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vocab.Train(context.Background(), counts, c)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := v.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tokenizer.Specials{Begin: 1, End: 2, Unknown: tokenizer.None}, tok.Specials()); diff != "" || tok.Vocab() != 500 {
		t.Errorf("%d tokens; special tokens (-want +got):\n%s", tok.Vocab(), diff)
	}
	n := int64(0)
	for _, text := range texts {
		e, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		n += int64(len(e.IDs))
	}
	if m := v.Measure(counts); n != m.Tokens {
		t.Errorf("the texts have %d tokens; Measure has %d", n, m.Tokens)
	}
	var saved bytes.Buffer
	if err := tok.Save(&saved); err != nil {
		t.Fatal(err)
	}
	again, err := tokenizer.Read(&saved)
	if err != nil {
		t.Fatal(err)
	}
	for id := range int32(500) {
		if again.Token(id) != tok.Token(id) {
			t.Errorf("token %d is %q; after Save it is %q", id, tok.Token(id), again.Token(id))
		}
	}
	if e, err := again.Encode("ÄRGER <x>"); err != nil || again.Decode(e.IDs) != "ärger " {
		t.Errorf("the text is %q, %v", again.Decode(e.IDs), err)
	}
}
