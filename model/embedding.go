package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/tensor"
)

// EmbedOptions set how vectors are made of texts. The zero value does what the model says.
type EmbedOptions struct {
	ReadOptions
	Pooling   string   // mean, first or last token; empty: the model's
	Normalise *bool    // vectors have length 1; nil: the model's
	Prompt    string   // stands before each text; see Model.PromptText
	Passages  Passages // one vector for each passage of a text; the zero value: one for the text

	From  EmbedState                      // where to go on; the zero value begins
	Saved func(s func() EmbedState) error // called after each batch; s gives the state from which to go on. Nil: not called
}

// Embedded is the vectors of a text.
type Embedded struct {
	Reading
	Vectors []Vector
}

// Vector is the vector of the bytes [From, To) of a text.
type Vector struct {
	From, To int
	Tokens   int       // tokens that it was made of
	Vector   []float32 // Spec.Outputs features of a model whose head is embed; else Spec.Width
}

// PromptText is the text of a prompt by its name. The empty name is the model's own choice, which may be none.
func (m *Model) PromptText(name string) (string, error) {
	if name == "" {
		name = m.answers.Prompt
	}
	if name == "" {
		return "", nil
	}
	text, ok := m.answers.Prompts[name]
	if !ok {
		if len(m.answers.Prompts) == 0 {
			return "", fmt.Errorf("model: found the name %q of a prompt, and the model has no prompts; give the text of a prompt", name)
		}
		var known []string
		for k := range m.answers.Prompts {
			known = append(known, k)
		}
		slices.Sort(known)
		return "", fmt.Errorf("model: found the name %q of a prompt, expected one of %q; or give the text of a prompt", name, known)
	}
	return text, nil
}

// Embed returns the vectors of texts: [Session.EmbedEach] with the results in a slice.
func (s *Session) Embed(ctx context.Context, texts []string, o EmbedOptions) ([]Embedded, error) {
	all := make([]Embedded, 0, len(texts))
	err := s.EmbedEach(ctx, texts, o, func(_ int, e Embedded) error {
		all = append(all, e)
		return nil
	})
	return all, err
}

// EmbedEach makes vectors of texts, and calls use with those of each, in order. Short texts are computed together, without padding. A
// vector of a text is its pooled hidden states, put through the projections of the head. Mean pooling takes all tokens of the text, the
// special ones too. A vector of a passage is the mean of the passage's own tokens, all of which have seen the whole text (late chunking,
// Günther et al. 2024).
//
// A text that is longer than the model reads at once is read in chunks; its mean then has each token once, from the chunk in which it
// stands farthest from a border. With first or last pooling its vector is the mean of those of the chunks, by the tokens they keep.
//
// It returns an error for a model whose head gives no vectors unless o says how to pool, for a text that is empty or that the tokenizer
// cannot read, and what use and ctx return.
func (s *Session) EmbedEach(ctx context.Context, texts []string, o EmbedOptions, use func(i int, e Embedded) error) error {
	k, err := s.embedder(ctx, texts, o, use)
	if err != nil {
		return err
	}
	if n := o.From.Texts; n < 0 || n > len(texts) {
		return fmt.Errorf("model: found a state after %d texts of %d, expected one of these texts", n, len(texts))
	}
	k.texts = o.From.Texts
	return k.read(texts, k.texts, k.document)
}

// embedder makes vectors of the documents that it packs.
type embedder struct {
	packer
	o      EmbedOptions
	cutter cutter
	use    func(i int, e Embedded) error
	sums   map[*document][]sum
	row    []float32

	texts int       // whose vectors are done
	under *document // the first of the others
	taken int       // pieces of it
}

// sum is a vector on its way: a passage of a text, and what was added of its tokens.
type sum struct {
	passage
	total  []float64
	weight float64
}

func (s *Session) embedder(ctx context.Context, texts []string, o EmbedOptions, use func(int, Embedded) error) (*embedder, error) {
	head := s.m.spec.Head
	if err := s.checkTexts(texts); err != nil {
		return nil, err
	}
	if o.Pooling == "" {
		if head.Kind != Embed {
			return nil, fmt.Errorf("model: found the head %s, expected embed; name a pooling, such as mean, for vectors of the states "+
				"below the head", head.Kind)
		}
		o.Pooling = head.Pooling
	}
	if err := spec.OneOf("pooling", o.Pooling, spec.Poolings()...); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if o.Normalise == nil {
		o.Normalise = &head.Normalise
	}
	if err := o.Passages.check(); err != nil {
		return nil, err
	}
	c, err := s.m.cutter(o.ReadOptions)
	if err != nil {
		return nil, err
	}
	k := &embedder{o: o, cutter: c, use: use, sums: map[*document][]sum{}, row: make([]float32, s.m.spec.Width)}
	k.packer = packer{s: s, ctx: ctx, options: o.ReadOptions, all: bytesOf(texts), take: k.pool, finish: k.deliver,
		compute: func(b *data.Batch, _ []part) (tensor.Mat, error) { return s.Hidden(b, StepOptions{}) }}
	if o.Saved != nil {
		k.packer.saved = func() error { return o.Saved(k.state) }
	}
	return k, nil
}

// document reads a text.
func (k *embedder) document(i int, text string) (*document, error) {
	e, first, err := k.s.m.prompted(k.o.Prompt, text)
	if err != nil {
		return nil, err
	}
	d := &document{index: i, bytes: len(text), e: e, from: first, to: int(e.Texts[0].To)}
	if d.pieces, err = k.cutter.pieces(len(e.IDs)-(d.to-d.from), d.to-d.from); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	passages := []passage{{0, len(text), 0, len(e.IDs)}}
	joined := "each token from the chunk in which it stands farthest from a border"
	switch {
	case k.o.Passages.by != nil:
		if err := k.o.Passages.checkEnds(text); err != nil {
			return nil, err
		}
		if passages = k.o.Passages.of(text, d); len(passages) == 0 {
			return nil, errors.New("model: found a text without tokens, expected at least one to make a passage of")
		}
	case k.o.Pooling != "mean":
		joined = fmt.Sprintf("the mean of the vectors of their %s tokens, by the tokens they keep", k.o.Pooling)
	}
	d.reading = k.cutter.describe(len(e.IDs), d.pieces, joined)
	for _, p := range passages {
		k.sums[d] = append(k.sums[d], sum{passage: p, total: make([]float64, len(k.row))})
	}
	if i == k.o.From.Texts {
		return d, k.restore(d)
	}
	return d, nil
}

// pool adds the hidden states of a piece to the passages of its document.
func (k *embedder) pool(p part, states tensor.Mat) error {
	k.under, k.taken = p.d, p.piece+1
	sums := k.sums[p.d]
	if k.o.Passages.by == nil && k.o.Pooling != "mean" {
		row, kept := 0, 0
		if k.o.Pooling == "last" {
			row = states.Rows - 1
		}
		for _, r := range p.d.kept(p.piece) {
			kept += r.n
		}
		sums[0].add(states, row, float64(kept), k.row)
		return nil
	}
	for _, r := range p.d.kept(p.piece) {
		first := sort.Search(len(sums), func(i int) bool { return sums[i].tokenTo > r.token })
		for i := first; i < len(sums) && sums[i].tokenFrom < r.token+r.n; i++ {
			for t := max(r.token, sums[i].tokenFrom); t < min(r.token+r.n, sums[i].tokenTo); t++ {
				sums[i].add(states, r.row+t-r.token, 1, k.row)
			}
		}
	}
	return nil
}

// add adds a row to a sum.
func (s *sum) add(states tensor.Mat, row int, weight float64, buffer []float32) {
	states.ReadRow(buffer, row)
	for j, v := range buffer {
		s.total[j] += weight * float64(v)
	}
	s.weight += weight
}

// deliver finishes the vectors of documents.
func (k *embedder) deliver(documents []*document) error {
	n := 0
	if len(documents) > 0 && documents[len(documents)-1] == k.under {
		k.under, k.taken = nil, 0
	}
	k.texts += len(documents)
	for _, d := range documents {
		n += len(k.sums[d])
	}
	if n == 0 {
		return nil
	}
	pooled := tensor.New(tensor.F32, n, len(k.row))
	row := 0
	for _, d := range documents {
		for _, s := range k.sums[d] {
			for j, v := range s.total {
				pooled.F32[row*len(k.row)+j] = float32(v / s.weight)
			}
			row++
		}
	}
	vectors, err := k.s.project(pooled)
	if err != nil {
		return err
	}
	if err := checkFinite(vectors.F32); err != nil {
		return err
	}
	if *k.o.Normalise {
		normalise(vectors)
	}
	row = 0
	for _, d := range documents {
		e := Embedded{Reading: d.reading}
		for _, s := range k.sums[d] {
			e.Vectors = append(e.Vectors, Vector{s.from, s.to, s.tokenTo - s.tokenFrom, vectors.Row(row)})
			row++
		}
		delete(k.sums, d)
		if err := k.use(d.index, e); err != nil {
			return err
		}
	}
	return nil
}
