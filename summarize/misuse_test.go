package summarize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// scoring is a Scorer of a function.
type scoring func(t *Text) []float32

func (s scoring) Score(_ context.Context, t *Text) ([]float32, error) { return s(t), nil }

// weighing is a Weigher of which nothing is expected.
type weighing struct{ scoring }

func (weighing) Weigh(_ context.Context, t *Text, _ []float32, _ []int) (*Importance, error) {
	return newImportance(t, DefaultWords), nil
}

// manySentences is a text of n sentences, each unlike the others.
func manySentences(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "The a%d and the b%d of the c%d are the d%d. ", i, i, i, i)
	}
	return b.String()
}

// Who stops a summary need not wait until its sentences are chosen.
func TestSummarizeStopsWhileItChooses(t *testing.T) {
	for name, of := range map[string]func(scoring) Scorer{
		"by scores":           func(s scoring) Scorer { return s },
		"by what is expected": func(s scoring) Scorer { return weighing{s} },
	} {
		ctx, stop := context.WithCancel(context.Background())
		s := summarizer(t).With(of(func(t *Text) []float32 {
			stop()
			return zeros(t)
		}))
		if _, err := s.Summarize(ctx, parsed(manySentences(20)), Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: found the error %v, expected that of the context", name, err)
		}
	}
}

func zeros(t *Text) []float32 { return make([]float32, len(t.Sentences)) }

func TestScoresRefused(t *testing.T) {
	for want, bad := range map[string]func(*Text) []float32{
		"found 1 scores for 20 sentences": func(*Text) []float32 { return make([]float32, 1) },
		"found the score NaN of sentence 0": func(t *Text) []float32 {
			scores := zeros(t)
			scores[0] = float32(nan())
			return scores
		},
		"found the score -Inf of sentence 3": func(t *Text) []float32 {
			scores := zeros(t)
			scores[3] = float32(math.Inf(-1))
			return scores
		},
	} {
		_, err := summarizer(t).With(scoring(bad)).Summarize(context.Background(), parsed(manySentences(20)), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found the error %v, expected %q", err, want)
		}
	}
}

// The largest budgets list every sentence.
func TestLargestBudgets(t *testing.T) {
	ctx := context.Background()
	text, err := newText(ctx, parsed(manySentences(200)), "", &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []Budget{{Words: math.MaxInt}, {Sentences: math.MaxInt}, {Words: math.MaxInt/4 + 1}} {
		text.weighByDocument()
		list, err := text.listed(ctx, make([]float64, len(text.Sentences)), b)
		if err != nil || len(list) < 200 {
			t.Errorf("%+v: found %d listed sentences and %v, expected 200", b, len(list), err)
		}
		if times := text.lengths(list, newImportance(text, DefaultWords), b); !(times > 1) {
			t.Errorf("%+v: found %g times the usual length, expected more than 1", b, times)
		}
	}
}

// The start of a document has no blocks of the rest, which an encoder would read.
func TestFirstHasNoMoreBlocks(t *testing.T) {
	ctx := context.Background()
	text, err := newText(ctx, parsed(paper), "", &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	start, err := text.first(ctx, 2, &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	if n, last := len(start.Document.Blocks), text.Sentences[1].Block; n != last+1 || n >= len(text.Document.Blocks) {
		t.Errorf("found %d blocks, expected %d of %d", n, last+1, len(text.Document.Blocks))
	}
}

// What a hidden state depends on is more than its windows with n-grams, and everything with mechanisms that look further.
func TestHalo(t *testing.T) {
	for _, c := range []struct {
		name   string
		config model.Config
		tokens int
		whole  bool
	}{
		{"windows", model.Config{}, 32, false},
		{"n-grams", model.Config{HashedNgrams: []int{2, 5}}, 37, false},
		{"copies", model.Config{NoPosition: []int{1}, CopyNgrams: []int{1, 2}}, 0, true},
		{"all", model.Config{Attention: []string{"window(16)", "full"}}, 0, true},
	} {
		c.config.Kind, c.config.Vocab, c.config.Width, c.config.Layers, c.config.Heads = model.Encoder, 300, 32, 2, 2
		if c.config.Attention == nil {
			c.config.Attention = []string{"window(16)"}
		}
		spec, err := c.config.Spec()
		if err != nil {
			t.Fatal(err)
		}
		encoder, err := model.NewOf(spec, model.Options{Pool: tensor.NewDryPool()})
		if err != nil {
			t.Fatal(err)
		}
		tokens, whole := (&Hierarchical{encoder: encoder}).halo()
		if tokens != c.tokens || whole != c.whole {
			t.Errorf("%s: found %d tokens, %t; expected %d, %t", c.name, tokens, whole, c.tokens, c.whole)
		}
	}
}

// A file that states more layers over the sentences than it has is refused.
func TestHierarchicalFileWithoutItsLayers(t *testing.T) {
	m := openTiny(t)
	m.head.shape.Hidden = mostWidth
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHierarchical(path); err == nil || !strings.Contains(err.Error(), "expected 65536×32") {
		t.Errorf("found the error %v, expected one of 65536×32", err)
	}
}

// Mean odds that rise, as of a level that no document reached, make probabilities that fall.
func TestMeanOddsFall(t *testing.T) {
	text, err := newText(context.Background(), parsed(paper), "", &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	i := newImportance(text, DefaultWords)
	i.Terms[0] = [levels]float32{0.5, 0.4, 0.3}
	out := (&meanOdds{Levels: [levels]float32{-1, -2, 0}}).instead(i)
	if err := out.check(text); err != nil || out.Terms[0][2] != out.Terms[0][1] {
		t.Errorf("found %v and %v, expected probabilities that fall", out.Terms[0], err)
	}
}
