package splice

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// tiny is a model with drawn weights, whose probabilities differ from base to base.
func tiny(t testing.TB, c model.Config) *model.Session {
	t.Helper()
	c.Kind, c.Head, c.Classes, c.Vocab, c.Width, c.Heads, c.Seed = model.Encoder, model.Tag, 3, dna.Vocab, 16, 2, 1
	if c.Attention == nil {
		c.Layers, c.Attention = 2, []string{"window(3)", "window(9)"}
	}
	m, err := model.New(c, model.Options{Tokenizer: tokenizer.DNA(), Answers: data.Answers{Classes: ClassNames()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
}

func predict(t testing.TB, s *model.Session, o PredictOptions, g *Gene) []Probabilities {
	t.Helper()
	p, err := NewPredictor(s, o)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Gene(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Windows give what the whole contig gives at once.
func TestWindowsChangeNoProbability(t *testing.T) {
	s, transcripts := made(t, 2)
	session := tiny(t, model.Config{})
	for _, g := range genesOf(t, s, transcripts...) {
		low, high := g.bounds()
		tokens := make([]int32, high-low)
		g.Tokens(tokens, low)
		rows, err := session.Predict(&data.Batch{Tokens: tokens, Lengths: []int{len(tokens)}}, model.StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := predict(t, session, PredictOptions{Window: 100}, g)
		for at, p := range got {
			want, _ := softmax(rows.Row(at - low))
			if sum := p[0] + p[1] + p[2]; math.Abs(float64(sum)-1) > 1e-5 || math.Abs(float64(p[1]-want[1])) > 1e-5 {
				t.Fatalf("base %d of %s: found %v, want %v", at, g.Name, p, want)
			}
		}
		if !slices.Equal(got, predict(t, session, PredictOptions{Window: 100, Batch: 1}, g)) {
			t.Error("the batch changes bits")
		}
	}
}

// Bases that the layers do not reach change no bit.
func TestNeighboursChangeNothing(t *testing.T) {
	session := tiny(t, model.Config{HashedNgrams: []int{4}, HashedNgramRows: 50, Layers: 2, Attention: []string{"window(3)", "window(9)"}})
	reach, ok := session.Model().Reach()
	if reach != 15 || !ok {
		t.Fatalf("found a reach of %d, %v", reach, ok)
	}
	s, transcripts := made(t, 2)
	g := genesOf(t, s, transcripts...)[0]
	other := &dna.Sequence{Name: "1"}
	bases := make([]dna.Base, s.Len())
	s.Bases(bases, 0)
	for i := range bases {
		if i < g.Span.Start-reach || i >= g.Span.End+reach {
			bases[i] = dna.A
		}
	}
	other.Append(bases)
	h := genesOf(t, other, transcripts...)[0]
	if !slices.Equal(predict(t, session, PredictOptions{}, g), predict(t, session, PredictOptions{}, h)) {
		t.Error("bases beyond the reach change probabilities")
	}
	if slices.Equal(predict(t, session, PredictOptions{}, g), predict(t, session, PredictOptions{Context: 2}, g)) {
		t.Error("a shorter context changes nothing")
	}
}

func TestEvaluateCountsWholeGenes(t *testing.T) {
	s, transcripts := made(t, 3)
	p, err := NewPredictor(tiny(t, model.Config{}), PredictOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Evaluate(context.Background(), p, genesOf(t, s, transcripts...))
	if err != nil || r.Genes != 3 || r.Bases != 1800 || r.Donor.Sites != 6 || r.Acceptor.Sites != 6 ||
		r.Donor.PRAUC <= 0 || r.Donor.PRAUC >= 1 {
		t.Errorf("found %+v, %v", r, err)
	}
}

func TestModelsWithoutAnEnd(t *testing.T) {
	session := tiny(t, model.Config{Layers: 2, Attention: []string{"window(3)", "window(9) | global(0)"}})
	if _, ok := session.Model().Reach(); ok {
		t.Error("a layer with a global token has a reach")
	}
	s, transcripts := made(t, 1)
	if n := len(predict(t, session, PredictOptions{Window: 400}, genesOf(t, s, transcripts...)[0])); n != 600 {
		t.Errorf("found %d bases, want 600", n)
	}
}

func TestOtherModelsAreRefused(t *testing.T) {
	lm, err := model.New(model.Config{Vocab: 5, Width: 8, Layers: 1, Heads: 1}, model.Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPredictor(lm.NewSession(tensor.Exec{}), PredictOptions{}); err == nil ||
		!strings.Contains(err.Error(), "found a model of the kind decoder with the head lm") {
		t.Errorf("found %v", err)
	}
	if _, err := NewPredictor(tiny(t, model.Config{}), PredictOptions{Window: 20, Context: 10}); err == nil ||
		!strings.Contains(err.Error(), "expected longer windows") {
		t.Errorf("found %v", err)
	}
	if _, err := NewPredictor(tiny(t, model.Config{}), PredictOptions{Context: -1}); err == nil ||
		!strings.Contains(err.Error(), "found a context of -1 bases") {
		t.Errorf("found %v", err)
	}
}
