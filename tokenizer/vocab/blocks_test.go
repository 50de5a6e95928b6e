package vocab

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// cutInto is the blocks of documents.
func cutInto(t *testing.T, largest int, documents ...string) (blocks []block, err error) {
	t.Helper()
	c := cutter{largest: largest, emit: func(b block) error { blocks = append(blocks, b); return nil }}
	for _, d := range documents {
		if err := c.document(iotest.HalfReader(strings.NewReader(d))); err != nil {
			return nil, err
		}
	}
	return blocks, c.end(0)
}

// words counts the words of blocks.
func words(c Config, blocks ...block) map[string]int {
	counts := map[string]int{}
	s := newSplitter(c)
	for _, b := range blocks {
		s.block(b, func(piece []byte) { counts[string(piece)]++ })
	}
	return counts
}

// Blocks have the words of the whole documents, wherever they are cut.
func TestBlocksCutNoWord(t *testing.T) {
	const mixed = "İ IT's  a\t word\n\nthat's 12 345½ long...   \r\n \u00a0 日本 語\u3000\n e\u0301 'll \u0308 x \u200b\n"
	for _, documents := range [][]string{
		{strings.Repeat(mixed, 5000)},
		{"", strings.Repeat(" ", blockBytes) + "a", "", strings.Repeat("b", 3*blockBytes) + " c", "d"},
		{strings.Repeat(mixed, 700), "one", " two", strings.Repeat("\n x", blockBytes), "three "},
		{strings.Repeat("語", blockBytes) + "\n" + strings.Repeat("\u3000\n", blockBytes) + "語 語"},
	} {
		whole := block{}
		for _, d := range documents {
			whole.starts = append(whole.starts, len(whole.text))
			whole.text = append(whole.text, d...)
		}
		blocks, err := cutInto(t, maxBlock, documents...)
		if err != nil {
			t.Fatal(err)
		}
		if len(blocks) < 2 {
			t.Errorf("%d blocks of %d bytes", len(blocks), len(whole.text))
		}
		for _, c := range []Config{{Kind: BPE}, {Kind: Unigram}, {Kind: Unigram, Normalizer: Unnormalized}, {Kind: BPE, LowerCase: true}} {
			if diff := cmp.Diff(words(c, whole), words(c, blocks...)); diff != "" {
				t.Errorf("%s %s: words differ (-whole +blocks):\n%.2000s", c.Kind, c.Normalizer, diff)
			}
		}
	}
}

func TestDocumentsThatCannotBeCut(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no blank":    {strings.Repeat("a", 4*blockBytes), "no blank or line end behind a word in 131072 bytes up to byte 131067"},
		"not UTF-8":   {"ab\xff", "found the byte 0xff at byte 2; convert it"},
		"behind cuts": {strings.Repeat("é b ", blockBytes) + "\xe9 b", "found the byte 0xe9 at byte 327680; convert it"},
		"half a rune": {strings.Repeat("b ", blockBytes) + "\xe6\x97", "found the byte 0xe6 at byte 131072"},
	} {
		if _, err := cutInto(t, 2*blockBytes, "first", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// The words of a text are those of the pre-tokenizers of the library.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
		want []string
	}{
		{BPE, "It's we'll  they'Re '", []string{"It", "'s", " we", "'ll", " ", " they", "'", "Re", " '"}},
		{BPE, " a1½_é\n\n b\t\tc \n", []string{" a", "1½", "_", "é", "\n\n", " b", "\t", "\t", "c", " \n"}},
		{BPE, "x\u00a0\u00a0y \u3000", []string{"x", "\u00a0", "\u00a0", "y", " \u3000"}},
		{Unigram, "a  b\n\nc ▁d\n", []string{"▁a", "▁", "▁b", "\n\n", "c", "▁", "▁d", "\n"}},
		{Unigram, "\nﬁ①\u00a0x ", []string{"▁\n", "fi1", "▁x", "▁"}},
		{Unigram, " a▁▁b", []string{"▁a", "▁", "▁b"}},
	} {
		var got []string
		b := block{text: []byte(c.text), starts: []int{0}}
		newSplitter(Config{Kind: c.kind}).block(b, func(piece []byte) { got = append(got, string(piece)) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", c.kind, c.text, diff)
		}
	}
}
