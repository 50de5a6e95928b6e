package vocab_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/tokenizer/vocab"
)

var kinds = []vocab.Kind{vocab.BPE, vocab.Unigram}

// The result depends neither on the number of threads nor on the sizes of reads.
func TestSameBits(t *testing.T) {
	texts := append(nasty(t), samples(t)[:4]...)
	for _, kind := range kinds {
		var want []byte
		for i, threads := range []int{1, 2, 5} {
			c := vocab.Config{Kind: kind, Size: 700, Threads: threads, HoldOut: 3, Seed: 5}
			var documents iter.Seq2[io.Reader, error] = func(yield func(io.Reader, error) bool) {
				for _, text := range texts {
					r := io.Reader(strings.NewReader(text))
					if threads == 2 {
						r = iotest.OneByteReader(r)
					}
					if !yield(r, nil) {
						return
					}
				}
			}
			counts, err := vocab.Count(context.Background(), documents, c)
			if err != nil {
				t.Fatal(err)
			}
			v, err := vocab.Train(context.Background(), counts, c)
			if err != nil {
				t.Fatal(err)
			}
			got := written(t, v)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: run %d, with %d threads, differs from the first", kind, i, threads)
			}
		}
	}
}

// A vocabulary has the size asked for, its special tokens first, each token once, and Unigram all characters.
func TestVocabulary(t *testing.T) {
	texts := samples(t)[:3]
	for _, kind := range kinds {
		specials := []vocab.Special{{Token: "<pad>", Role: vocab.Pad}, {Token: "<unk>", Role: vocab.Unknown}, {Token: "<x>"}}
		v, counts := learn(t, vocab.Config{Kind: kind, Size: 900, Specials: specials}, texts...)
		tokens := v.Tokens()
		seen := map[string]bool{}
		sum := 0.0
		for i, token := range tokens {
			if seen[token.Name] {
				t.Errorf("%s: the token %q is there twice", kind, token.Name)
			}
			seen[token.Name] = true
			if i < len(specials) && token.Name != specials[i].Token {
				t.Errorf("%s: token %d is %q, want %q", kind, i, token.Name, specials[i].Token)
			}
			if i >= len(specials) {
				sum += math.Exp(token.Score)
			}
		}
		if len(tokens) != 900 || len(v.Notes()) > 0 {
			t.Errorf("%s: %d tokens, notes %q", kind, len(tokens), v.Notes())
		}
		if kind == vocab.Unigram {
			for _, r := range strings.Join(texts, "") {
				if r != ' ' && !seen[string(r)] {
					t.Errorf("the character %q is no token", r)
				}
			}
			if sum < 0.9 || sum > 1 { // the prior takes a little
				t.Errorf("the probabilities add up to %g", sum)
			}
		}
		m := v.Measure(counts)
		if m.HeldOut || m.Bytes != int64(len(strings.Join(texts, ""))) || m.Unknown > 0 || m.BytesPerToken() < 2 {
			t.Errorf("%s: %+v", kind, m)
		}
		longest := v.Longest(3)
		if len(longest) != 3 || len(longest[0]) < len(longest[2]) || len(longest[0]) < 6 || strings.ContainsAny(longest[0], "▁Ġ") {
			t.Errorf("%s: the longest tokens are %q", kind, longest)
		}
	}
}

// Text that is held out is measured, and not learned from.
func TestHoldOut(t *testing.T) {
	text := strings.Repeat("plain words ", 20_000) // four blocks
	for _, kind := range kinds {
		c := vocab.Config{Kind: kind, Size: 300, HoldOut: 4, MinCount: 1}
		all, err := vocab.Count(context.Background(), readers(text), c)
		if err != nil {
			t.Fatal(err)
		}
		v, err := vocab.Train(context.Background(), all, c)
		if err != nil {
			t.Fatal(err)
		}
		m := v.Measure(all)
		if !m.HeldOut || m.Bytes != all.HeldOut() || m.Bytes < 40_000 || m.Bytes > 70_000 || all.Bytes != int64(len(text)) {
			t.Errorf("%s: %+v of %+v", kind, m, all.Bytes)
		}
		if want := "has 26"; kind == vocab.BPE && (len(v.Notes()) != 1 || !strings.Contains(v.Notes()[0], want)) {
			t.Errorf("%s: notes %q, want %q", kind, v.Notes(), want)
		}
	}
}

// A vocabulary cuts text into as many tokens as the library.
func TestMeasureCountsTheTokensOfTheLibrary(t *testing.T) {
	for name, c := range files() {
		var g struct{ Texts []struct{ IDs []int32 } }
		read(t, name+".json", &g)
		v, _ := learn(t, c, slices.Concat(nasty(t), samples(t)[:1])...)
		for i, text := range nasty(t) {
			if text == "" || strings.Contains(text, "<s>") || c.ByteFallback && strings.Contains(text, "<0x") {
				continue // the library takes these names for tokens
			}
			counts, err := vocab.Count(context.Background(), readers(text), c)
			if err != nil {
				t.Fatal(err)
			}
			if m := v.Measure(counts); m.Tokens != int64(len(g.Texts[i].IDs)) || m.Unknown > 0 {
				t.Errorf("%s: %q has %d tokens, %d unknown; the library has %d", name, text, m.Tokens, m.Unknown, len(g.Texts[i].IDs))
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	special := func(texts ...string) (all []vocab.Special) {
		for _, text := range texts {
			all = append(all, vocab.ParseSpecial(text))
		}
		return all
	}
	for _, c := range []struct {
		config vocab.Config
		want   string
	}{
		{vocab.Config{Kind: "wordpiece", Size: 300}, `the kind is "wordpiece"; expected bpe or unigram`},
		{vocab.Config{Kind: vocab.BPE, Size: 256}, "a vocabulary of 256 tokens; expected 257 … 1048576"},
		{vocab.Config{Kind: vocab.Unigram, Size: 1 << 21}, "a vocabulary of 2097152 tokens; expected 2 …"},
		{vocab.Config{Kind: vocab.Unigram, Size: 257, ByteFallback: true}, "the special tokens and the bytes take 257"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, MinCount: -1}, "the smallest count is -1"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, HoldOut: 1}, "one block in 1 is held out"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Dropout: math.NaN()}, "the dropout is NaN; expected 0 … 1"},
		{vocab.Config{Kind: vocab.Unigram, Size: 300, Dropout: 0.1}, "a dropout of 0.1 belongs to bpe"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Alphabet: 5}, "whose alphabet is the 256 bytes"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, ByteFallback: true}, "belong to unigram"},
		{vocab.Config{Kind: vocab.Unigram, Size: 300, Alphabet: -1}, "an alphabet of -1 characters"},
		{vocab.Config{Kind: vocab.Unigram, Size: 300, MaxPiece: 65}, "the longest piece has 65 characters"},
		{vocab.Config{Kind: vocab.Unigram, Size: 300, Normalizer: "nfd"}, `the normalizer is "nfd"`},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Template: "chat"}, `the template is "chat"; expected none, encoder or decoder`},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Template: vocab.Decoder}, "the template decoder needs a special token with the role bos; add"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Template: vocab.Encoder, Specials: special("cls=a")}, "the role sep"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Specials: special("eos=")}, "a special token has no name"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Specials: special(strings.Repeat("x", 300))}, "a name of 300 bytes"},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Specials: special("\xff")}, `the special token "\xff" is not UTF-8`},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Specials: special("a", "a")}, `"a" is given twice`},
		{vocab.Config{Kind: vocab.Unigram, Size: 300, Specials: special("<unk>")}, `"<unk>" is given twice`},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Specials: special("bos=a", "bos=b")}, `the role bos has the special tokens "a"`},
		{vocab.Config{Kind: vocab.BPE, Size: 300, Specials: []vocab.Special{{Token: "a", Role: "begin"}}}, "expected one of bos, eos"},
	} {
		if _, err := vocab.Count(context.Background(), readers("text"), c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
}

func TestErrorsOfText(t *testing.T) {
	broken := func(yield func(io.Reader, error) bool) { yield(nil, errors.New("no such file")) }
	for name, c := range map[string]struct {
		documents iter.Seq2[io.Reader, error]
		config    vocab.Config
		want      string
	}{
		"nothing":        {readers(), vocab.Config{Kind: vocab.BPE, Size: 300}, "found no text to learn from in 0 documents"},
		"empty":          {readers("", ""), vocab.Config{Kind: vocab.Unigram, Size: 300}, "found no text to learn from in 2 documents"},
		"documents fail": {broken, vocab.Config{Kind: vocab.BPE, Size: 300}, "no such file"},
		"not UTF-8":      {readers("a", "\xfe"), vocab.Config{Kind: vocab.BPE, Size: 300}, "document 2: the document is not UTF-8"},
		"characters": {readers("abcdefg"), vocab.Config{Kind: vocab.Unigram, Size: 5},
			"8 different characters, and the vocabulary has room for 4"},
	} {
		counts, err := vocab.Count(context.Background(), c.documents, c.config)
		if err == nil {
			_, err = vocab.Train(context.Background(), counts, c.config)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	c := vocab.Config{Kind: vocab.BPE, Size: 300, Memory: 1000}
	var tooLarge *memory.Error
	if _, err := vocab.Count(context.Background(), readers("some words"), c); !errors.As(err, &tooLarge) {
		t.Errorf("more memory than allowed: %v", err)
	}
	c.Memory = 0
	counts, err := vocab.Count(context.Background(), readers("some words"), c)
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := vocab.Train(stopped, counts, c); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped training: %v", err)
	}
	for name, c := range map[string]vocab.Config{
		"kind": {Kind: vocab.Unigram, Size: 300}, "case": {Kind: vocab.BPE, Size: 300, LowerCase: true},
	} {
		if _, err := vocab.Train(context.Background(), counts, c); err == nil || !strings.Contains(err.Error(), "belong to another kind") {
			t.Errorf("counts of another %s: %v", name, err)
		}
	}
}

func TestParseSpecial(t *testing.T) {
	for text, want := range map[string]vocab.Special{
		"<s>": {Token: "<s>"}, "bos=<s>": {Token: "<s>", Role: vocab.Begin}, "<a=b>": {Token: "<a=b>"}, "x=y": {Token: "x=y"},
		"sep==": {Token: "=", Role: vocab.Between},
	} {
		if diff := cmp.Diff(want, vocab.ParseSpecial(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// Any text can be learned from, and its own words can be cut.
func FuzzLearn(f *testing.F) {
	for _, text := range nasty(f) {
		f.Add(text, true, uint8(20))
		f.Add(text, false, uint8(60))
	}
	f.Fuzz(func(t *testing.T, text string, bpe bool, extra uint8) {
		c := vocab.Config{Kind: vocab.Unigram, Size: 258 + int(extra), MinCount: 1, Alphabet: 9, ByteFallback: true, MaxPiece: 5}
		if bpe {
			c = vocab.Config{Kind: vocab.BPE, Size: 257 + int(extra)}
		}
		counts, err := vocab.Count(context.Background(), readers(text), c)
		if err != nil {
			return
		}
		v, err := vocab.Train(context.Background(), counts, c)
		if err != nil {
			return
		}
		m := v.Measure(counts)
		if m.Tokens < 1 || m.Unknown > 0 || bpe && m.Tokens > m.Bytes {
			t.Errorf("%q: %+v", text, m)
		}
		if err := v.WriteTokenizer(io.Discard); err != nil {
			t.Error(err)
		}
	})
}
