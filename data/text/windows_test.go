package text_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/tokenizer"
)

// letters is a tokenizer of bytes between special tokens.
func letters(t *testing.T, template tokenizer.Template) *tokenizer.Tokenizer {
	t.Helper()
	k, err := tokenizer.Bytes().WithTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func documentsOf(t *testing.T, bodies ...string) text.Files {
	t.Helper()
	dir := t.TempDir()
	for i, body := range bodies {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".txt"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, _, err := text.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// shown are the windows of a data set: tokens, and with a decoder their targets. ^ is the special token.
func shown(t *testing.T, w *text.Windows) (all []string) {
	t.Helper()
	show := func(ids []int32) string {
		var b strings.Builder
		for _, id := range ids {
			b.WriteRune(map[bool]rune{true: '^', false: rune(id)}[id == text.End])
		}
		return b.String()
	}
	for i := range w.Len() {
		var b data.Batch
		if err := w.Append(&b, 0, i); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(text.Vocab); err != nil {
			t.Fatal(err)
		}
		line := show(b.Tokens)
		if len(b.Targets) > 0 {
			line += ">" + show(b.Targets)
		}
		all = append(all, line)
	}
	return all
}

// An encoder's windows are documents of their own. A decoder's follow each other, and each token but the first is a target once.
func TestWindows(t *testing.T) {
	end := []int32{text.End}
	plain, both := letters(t, tokenizer.Template{}), letters(t, tokenizer.Template{Before: end, After: end})
	for _, c := range []struct {
		name string
		e    data.Encoder
		c    text.WindowsConfig
		want []string
	}{
		{"encoder", data.Encoder{Tokenizer: both, End: tokenizer.None}, text.WindowsConfig{Tokens: 5}, []string{"^abc^", "^de^", "^X^"}},
		{"lower case", data.Encoder{Tokenizer: both, LowerCase: true}, text.WindowsConfig{Tokens: 7}, []string{"^abcde^", "^x^"}},
		{"decoder", data.Encoder{Tokenizer: plain, Causal: true, End: text.End}, text.WindowsConfig{Tokens: 3},
			[]string{"abc>bcd", "de>e^", "X>^"}},
		{"decoder with a template", data.Encoder{Tokenizer: both, Causal: true, End: text.End}, text.WindowsConfig{Tokens: 4},
			[]string{"^abc>abcd", "de>e^", "^X>X^"}},
		{"no end", data.Encoder{Tokenizer: plain, Causal: true, End: tokenizer.None}, text.WindowsConfig{Tokens: 9}, []string{"abcd>bcde"}},
		{"cross", data.Encoder{Tokenizer: plain, Causal: true, End: text.End}, text.WindowsConfig{Tokens: 5, Cross: true},
			[]string{"abcde>bcde^", "^X>X^"}},
	} {
		c.c.Files, c.c.Encoder = documentsOf(t, "abcde", "X"), &c.e
		train, held, err := text.NewWindows(c.c)
		if err != nil {
			t.Fatal(c.name, err)
		}
		if got := shown(t, train); !slices.Equal(got, c.want) || held.Len() != 0 {
			t.Errorf("%s: %q and %d held out, want %q", c.name, got, held.Len(), c.want)
		}
	}
}

// Held out documents are in no window to train on, and the digest tells texts and tokens apart.
func TestWindowsHoldOut(t *testing.T) {
	e := &data.Encoder{Tokenizer: letters(t, tokenizer.Template{})}
	c := text.WindowsConfig{Files: documentsOf(t, "a", "b", "c", "d", "e", "f", "g", "h"), Encoder: e, Tokens: 4, HoldOut: 3}
	train, held, err := text.NewWindows(c)
	if err != nil {
		t.Fatal(err)
	}
	all := append(shown(t, train), shown(t, held)...)
	slices.Sort(all)
	if strings.Join(all, "") != "abcdefgh" || held.Len() == 0 {
		t.Errorf("%q in all, %d held out", all, held.Len())
	}
	digests := map[string]bool{}
	for _, bodies := range [][]string{{"ab", "c"}, {"a", "bc"}, {"ab", "d"}} {
		w, _, err := text.NewWindows(text.WindowsConfig{Files: documentsOf(t, bodies...), Encoder: e, Tokens: 4})
		if err != nil {
			t.Fatal(err)
		}
		digests[w.Digest()] = true
	}
	if len(digests) != 3 {
		t.Errorf("%d digests of 3 texts", len(digests))
	}
}

func TestWhatHasNoWindows(t *testing.T) {
	e := &data.Encoder{Tokenizer: letters(t, tokenizer.Template{Before: []int32{text.End}, After: []int32{text.End}})}
	c := text.WindowsConfig{Files: documentsOf(t, strings.Repeat("a", 1000)), Encoder: e, Tokens: 2}
	if _, _, err := text.NewWindows(c); err == nil || !strings.Contains(err.Error(), "found sequences of 2 tokens, of which 2 are special") {
		t.Errorf("error %v", err)
	}
	c.Tokens, c.Memory = 8, 500
	var tooLarge *memory.Error
	if _, _, err := text.NewWindows(c); !errors.As(err, &tooLarge) {
		t.Errorf("error %v, want a *memory.Error", err)
	}
	c.Memory = 4000 // enough for the text, not for its tokens
	if _, _, err := text.NewWindows(c); !errors.As(err, &tooLarge) {
		t.Errorf("error %v, want a *memory.Error", err)
	}
	c.Memory = 0
	w, _, err := text.NewWindows(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(&data.Batch{}, 0, w.Len()); err == nil {
		t.Error("a window that is not there")
	}
}
