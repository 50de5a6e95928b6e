package summarize

import (
	"context"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Hierarchical scores sentences by a Transformer in two levels beside their features. An encoder reads the tokens of the whole text with
// window attention; the mean of the hidden states of a sentence is its vector. A layer of attention over the sentences of the text reads
// the vectors with the features, and a perceptron makes a score of each. Any number of goroutines may share it.
//
// Sentences by encoders in two levels: Zhang, Wei and Zhou 2019, HIBERT, arXiv:1905.06566.
type Hierarchical struct {
	encoder  *model.Model
	marks    marks
	head     *sentenceHead
	features *Features // standardises, and has the frequencies
	Card     Card
}

// params are all weights: those of the encoder, then those of the layers over the sentences.
func (m *Hierarchical) params() []*tensor.Param {
	return append(slices.Clone(m.encoder.Params()), m.head.params.All()...)
}

// chunks are the numbers of tokens and of sentences that are computed together, which bound the memory.
type chunks struct{ tokens, sentences int }

var usualChunks = chunks{16384, 8192}

// Score implements Scorer. The text is read in chunks. Each has as many tokens more at both ends as its hidden states depend on, so that
// the scores do not depend on the chunks but for rounding. Cost: linear in the text.
func (m *Hierarchical) Score(ctx context.Context, t *Text) ([]float32, error) {
	return m.score(ctx, t, 0, usualChunks)
}

func (m *Hierarchical) score(ctx context.Context, t *Text, threads int, c chunks) ([]float32, error) {
	x := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
	r, err := t.read(ctx, m.encoder.Tokenizer(), m.marks)
	if err != nil {
		return nil, err
	}
	vectors, err := m.vectors(ctx, x, r, c.tokens)
	if err != nil {
		return nil, err
	}
	measured, n := t.measure(), len(t.Sentences)
	scores := make([]float32, 0, n)
	halo := sentenceWindow * len(m.head.layers)
	for from := 0; from < n; from += c.sentences {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(n, from+c.sentences)
		low, high := max(0, from-halo), min(n, to+halo)
		f := measured.rows(low, high)
		m.features.standardise(f)
		some, err := m.head.scores(x, vectors[low*m.encoder.Spec().Width:high*m.encoder.Spec().Width], f)
		if err != nil {
			return nil, err
		}
		scores = append(scores, some[from-low:to-low]...)
	}
	return scores, nil
}

// tokens are the numbers of tokens of the sentences, marks included.
func (m *Hierarchical) tokens(ctx context.Context, t *Text) ([]int, error) {
	r, err := t.read(ctx, m.encoder.Tokenizer(), m.marks)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(r.units))
	for i, u := range r.units {
		counts[i] = r.lengths[u]
	}
	return counts, nil
}

// vectors computes the mean hidden state of each sentence: [S, width].
func (m *Hierarchical) vectors(ctx context.Context, x tensor.Exec, r *reading, step int) ([]float32, error) {
	halo, whole := m.halo()
	if whole {
		step = len(r.tokens)
	}
	sums := make([]float32, len(r.units)*m.encoder.Spec().Width)
	s := m.encoder.NewSession(x)
	for from := 0; from < len(r.tokens); from += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(len(r.tokens), from+step)
		low, high := max(0, from-halo), min(len(r.tokens), to+halo)
		hidden, err := s.Hidden(&data.Batch{Tokens: r.tokens[low:high], Lengths: []int{high - low}}, model.StepOptions{})
		if err != nil {
			return nil, err
		}
		m.addRows(sums, r, hidden, from-low, from, to)
		x.Pool.Put(hidden)
	}
	for i, u := range r.units {
		row, scale := sums[i*m.encoder.Spec().Width:(i+1)*m.encoder.Spec().Width], 1/float32(r.lengths[u])
		for k := range row {
			row[k] *= scale
		}
	}
	return sums, nil
}

// addRows adds the hidden states of the tokens from … to−1, which begin at row first, to those of their sentences.
func (m *Hierarchical) addRows(sums []float32, r *reading, hidden tensor.Mat, first, from, to int) {
	wide := hidden
	if hidden.Type != tensor.F32 {
		wide = tensor.New(tensor.F32, hidden.Rows, hidden.Cols)
		_ = tensor.Convert(tensor.Exec{}, wide, hidden)
	}
	for t := from; t < to; t++ {
		s := r.sentences[t]
		if s < 0 {
			continue
		}
		row := sums[int(s)*m.encoder.Spec().Width:]
		for k, v := range wide.Row(first + t - from) {
			row[k] += v
		}
	}
}

// halo is the number of tokens at each side that a hidden state depends on. whole reports a mechanism by which it depends on all.
func (m *Hierarchical) halo() (tokens int, whole bool) {
	for _, l := range m.encoder.Spec().Layers {
		w := windowOf(l.Attention.Mechanism)
		if w == 0 {
			return 0, true
		}
		tokens += w
	}
	return tokens, false
}

func windowOf(mechanism string) (w int) {
	var n int
	if _, err := fmt.Sscanf(mechanism, "window(%d)", &n); err == nil && fmt.Sprintf("window(%d)", n) == mechanism {
		return n
	}
	return 0
}
