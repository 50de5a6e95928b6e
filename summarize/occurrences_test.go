package summarize

import (
	"context"
	"strings"
	"testing"
)

// The tokens of every word spell it, in any script.
func TestLocate(t *testing.T) {
	m := openTiny(t)
	const boats = "# Boats\n\nThe red boat's 3rd café near İzmir saw 中文字 again.\nÜber den Fluß, naïve!\n"
	text, err := newText(context.Background(), parsed(boats), "", m.features.frequencies)
	if err != nil {
		t.Fatal(err)
	}
	r, err := text.read(context.Background(), m.encoder.Tokenizer(), m.marks)
	if err != nil {
		t.Fatal(err)
	}
	o := text.locate(r)
	for i, s := range text.Sentences {
		words, sequence := o.sentence(i), text.sequence(i)
		if len(words) != len(sequence) {
			t.Fatalf("%q: found %d words, expected %d", s.Text, len(words), len(sequence))
		}
		var buffer []byte
		k := 0
		eachTermAt(s.Text, &buffer, func(word []byte, from, to int) {
			w := words[k]
			first, last := r.places[w.first], r.places[w.last-1]
			if int(first.From) > from || int(last.To) < to || r.sentences[w.first] != int32(i) {
				t.Errorf("%q: found the tokens of bytes %d to %d for %q, expected %d to %d", s.Text, first.From, last.To, word, from, to)
			}
			if got := strings.ToLower(s.Text[from:to]); got != string(word) && !strings.Contains(got, "i̇") {
				t.Errorf("found %q at the place of %q", got, word)
			}
			k++
		})
	}
	boat := text.sequence(0)[2]
	g := text.groups(o, wanted{[]int32{boat, 1 << 20}, []gram{{text.sequence(0)[1], boat}}}, len(text.Sentences))
	if g.lengths[0] == 0 || g.lengths[1] != 0 || g.lengths[2] <= g.lengths[0] {
		t.Errorf("found groups of %v tokens, expected some, none, and more", g.lengths)
	}
}
