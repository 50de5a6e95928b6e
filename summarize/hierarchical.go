package summarize

import (
	"context"
	"fmt"
	"slices"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Hierarchical weighs terms and pairs by a Transformer in two levels beside their features. An encoder reads the tokens of the whole text,
// such as with window attention; the mean of the hidden states of a sentence is its vector. A layer of attention over the sentences of the
// text reads the vectors with the features. What both find corrects the log-odds that the features give. Any number of goroutines may share
// it.
//
// Sentences by encoders in two levels: Zhang, Wei and Zhou 2019, HIBERT, arXiv:1905.06566.
type Hierarchical struct {
	encoder  *model.Model
	marks    marks
	head     *sentenceHead
	features *Features // score, and give the log-odds that are corrected
	alone    *meanOdds // what an encoder that gets no features corrects; nil: it gets them
	Card     Card
}

// params are all weights: those of the encoder, then those of the layers over the sentences.
func (m *Hierarchical) params() []*tensor.Param {
	return append(slices.Clone(m.encoder.Params()), m.head.params.All()...)
}

// chunks are the numbers of tokens and of sentences that are computed together, which bound the memory.
type chunks struct{ tokens, sentences int }

var usualChunks = chunks{16384, 8192}

// Score implements Scorer. The scores are those of the features, by which sentences are listed; what is chosen of these is decided by
// Weigh.
func (m *Hierarchical) Score(ctx context.Context, t *Text) ([]float32, error) {
	return m.features.Score(ctx, t)
}

// Weigh implements Weigher: the importance by the features, whose log-odds the encoder corrects. Cost: linear in the text.
func (m *Hierarchical) Weigh(ctx context.Context, t *Text, scores []float32, listed []int) (*Importance, error) {
	return m.weigh(ctx, t, scores, listed, usualChunks)
}

func (m *Hierarchical) weigh(ctx context.Context, t *Text, scores []float32, listed []int, c chunks) (*Importance, error) {
	i, err := m.features.Weigh(ctx, t, scores, listed)
	if err != nil {
		return nil, err
	}
	if m.alone != nil {
		i = m.alone.instead(i)
	}
	w := i.wanted()
	e, err := m.examine(ctx, t, w, c)
	if err != nil {
		return nil, err
	}
	return i.corrected(w, e), nil
}

// examined is what the encoder finds in a text: what is added to the log-odds of the terms and pairs that are wanted.
type examined struct{ terms, pairs []float32 }

// examine reads a text, and finds the corrections of some of its terms and pairs. The text is read in chunks. Each has as many tokens more
// at both ends as its hidden states depend on, so that nothing depends on the chunks but rounding. Cost: linear in the text.
func (m *Hierarchical) examine(ctx context.Context, t *Text, w wanted, c chunks) (e examined, err error) {
	x := tensor.Exec{Threads: t.threads, Pool: tensor.NewPool()}
	r, err := t.read(ctx, m.encoder.Tokenizer(), m.marks)
	if err != nil {
		return e, err
	}
	t.tokens = len(r.tokens)
	n, width := len(t.Sentences), m.head.width
	groups, words := r.ofSentences(), t.groups(t.locate(r), w, n)
	groups.tokens, groups.lengths = append(groups.tokens, words.tokens...), append(groups.lengths, words.lengths...)
	means, err := m.means(ctx, x, r.tokens, groups, c.tokens, t.advance)
	if err != nil {
		return e, err
	}
	contexts, err := m.contexts(ctx, x, t, means[:n*width], c.sentences)
	if err != nil {
		return e, err
	}
	vectors := means[n*width:]
	words.addMeans(vectors, width, func(token int32) []float32 {
		i := int(r.sentences[token])
		return contexts[i*width : (i+1)*width]
	})
	at := len(w.terms) * width
	if e.terms, err = m.head.corrections(ctx, x, m.head.terms, vectors[:at]); err != nil {
		return e, err
	}
	e.pairs, err = m.head.corrections(ctx, x, m.head.pairs, vectors[at:])
	return e, err
}

// seen makes of features what the layers over the sentences see: standardised, or nothing.
func (m *Hierarchical) seen(x []float32) {
	if m.alone != nil {
		clear(x)
		return
	}
	standardise(x, m.features.mean, m.features.scale)
}

// contexts computes the contexts of the sentences of a text, of their vectors: [S, width].
func (m *Hierarchical) contexts(ctx context.Context, x tensor.Exec, t *Text, vectors []float32, step int) (all []float32, err error) {
	measured, n, width := t.measure(), len(t.Sentences), m.head.width
	halo := sentenceWindow * len(m.head.layers)
	for from := 0; from < n; from += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(n, from+step)
		low, high := max(0, from-halo), min(n, to+halo)
		f := measured.rows(low, high)
		m.seen(f)
		some, err := m.head.contexts(x, vectors[low*width:high*width], f)
		if err != nil {
			return nil, err
		}
		all = append(all, some[(from-low)*width:(to-low)*width]...)
	}
	return all, nil
}

// tokens are the numbers of tokens of the sentences, marks included.
func (m *Hierarchical) tokens(ctx context.Context, t *Text) ([]int, error) {
	r, err := t.read(ctx, m.encoder.Tokenizer(), m.marks)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(r.parts))
	for i, u := range r.parts {
		counts[i] = r.lengths[u]
	}
	return counts, nil
}

// means computes the mean hidden state of groups of tokens: [groups, width]. Those of empty groups are 0.
func (m *Hierarchical) means(ctx context.Context, x tensor.Exec, tokens []int32, groups tokenGroups, step int,
	advance func(done, all int)) ([]float32, error) {
	halo, whole := m.halo()
	if whole {
		step = len(tokens)
	}
	width := m.head.width
	sums := make([]float32, len(groups.lengths)*width)
	starts, of := groups.byToken(len(tokens))
	s := m.encoder.NewSession(x)
	for from := 0; from < len(tokens); from += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(len(tokens), from+step)
		low, high := max(0, from-halo), min(len(tokens), to+halo)
		hidden, err := s.Hidden(&data.Batch{Tokens: tokens[low:high], Lengths: []int{high - low}}, model.StepOptions{})
		if err != nil {
			return nil, err
		}
		if hidden, err = inF32(x, hidden); err != nil {
			return nil, err
		}
		for t := from; t < to; t++ {
			for _, g := range of[starts[t]:starts[t+1]] {
				addRow(sums[int(g)*width:int(g+1)*width], hidden.Row(t-low), 1)
			}
		}
		x.Pool.Put(hidden)
		advance(to, len(tokens))
	}
	for g, n := range groups.lengths {
		if n > 1 {
			row := sums[g*width : (g+1)*width]
			for k := range row {
				row[k] /= float32(n)
			}
		}
	}
	return sums, nil
}

// inF32 returns a matrix of the pool in float32, in its place.
func inF32(x tensor.Exec, m tensor.Mat) (tensor.Mat, error) {
	if m.Type == tensor.F32 {
		return m, nil
	}
	wide := x.Pool.Get(tensor.F32, m.Rows, m.Cols)
	err := tensor.Convert(x, wide, m)
	x.Pool.Put(m)
	return wide, err
}

func addRow(to, row []float32, scale float32) {
	for k, v := range row {
		to[k] += scale * v
	}
}

// halo is the number of tokens at each side that a hidden state depends on. whole reports a mechanism by which it depends on all.
func (m *Hierarchical) halo() (tokens int, whole bool) {
	s := m.encoder.Spec()
	for _, n := range s.Embed.HashedNgrams {
		tokens = max(tokens, n) // the vector of an n-gram has n−1 tokens before its last
	}
	for _, l := range s.Layers {
		reach, ok := reachOf(l.Attention.Mechanism)
		if !ok || len(l.Attention.CopyNgrams) > 0 || len(l.Attention.Global) > 0 {
			return 0, true
		}
		tokens = min(tokens+reach, mostHalo)
	}
	return tokens, false
}

// mostHalo is more than any text has, and small enough that sums with it stay within 31 bits.
const mostHalo = 1 << 30

// checkEncoder refuses encoders that cannot read texts of any length in chunks.
func checkEncoder(s *model.Spec) error {
	if s.Embed.Positions > 0 {
		return fmt.Errorf("found learned positions of %d tokens, expected rotary, alibi, t5 or none: texts may be longer", s.Embed.Positions)
	}
	return nil
}

// reachOf is the number of tokens at each side that a mechanism reads, at any place of a text. It is false for a mechanism that is no
// pattern, or one that is bound to places.
func reachOf(mechanism string) (int, bool) {
	p, err := pattern.Parse(mechanism)
	if err != nil {
		return 0, false
	}
	f, err := pattern.ReceptiveFieldOf(p)
	reach := max(f.Before, f.After)
	return reach, err == nil && f.Period == 1 && reach < pattern.Unbounded
}
