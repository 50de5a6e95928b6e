package model

import (
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// tables are the weights of an [Embedding]: what the first layer of a stack reads.
type tables struct {
	of        Embedding
	tokens    *nn.Embedding // nil: adaptive has them
	adaptive  *adaptive
	positions *nn.Embedding // learned ones; nil: none
	types     *nn.Embedding // of tokens; nil: none
	norm      *nn.Norm
	ngrams    []ngrams
}

// makeTables makes the tables of e, whose names begin with prefix. tokens are the token vectors; nil: new ones of so many rows.
func (m *Model) makeTables(prefix string, e Embedding, tokens *nn.Embedding, rows int) tables {
	width := m.spec.Width
	clusters := m.makeAdaptive(prefix+embeddingLayer, e.Adaptive)
	if tokens == nil && clusters == nil {
		tokens = nn.NewEmbedding(m.params, prefix+embeddingLayer, rows, width)
	}
	t := tables{of: e, tokens: tokens, adaptive: clusters}
	if n := e.Positions; n > 0 {
		t.positions = nn.NewEmbedding(m.params, prefix+"positions", n, width)
	}
	if n := e.TokenTypes; n > 0 {
		t.types = nn.NewEmbedding(m.params, prefix+"token_types", n, width)
	}
	t.norm = m.norm(prefix+embeddingLayer+".norm", e.Norm)
	t.ngrams = m.makeNgrams(e)
	return t
}

// makeSourceTables makes the tables of an encoder-decoder's source: those of the target, unless the source has an embedding of its own.
func (m *Model) makeSourceTables() tables {
	e := m.spec.SourceEmbed
	switch {
	case e == nil:
		return m.target
	case e.OwnTable:
		return m.makeTables("source.", e.Embedding, nil, m.spec.Vocab)
	}
	return m.makeTables("source.", e.Embedding, m.target.tokens, 0)
}

// apply returns the embeddings of tokens [T, width], with the vectors of their n-grams, positions and types. Tokens and types are of the
// whole batch, the result of the rows of p. While a sequence is decoded, before are its earlier tokens. No types are all 0.
func (t *tables) apply(p *nn.Pass, before, tokens, types []int32) *autograd.Var {
	p.Read(before, tokens)
	x := t.vectors(p, nn.Own(p, tokens))
	if scale := t.of.Scale; scale != 0 && scale != 1 {
		x = p.G.Scale(x, float32(scale))
	}
	if d := t.of.TokenDropout; d != nil {
		x = p.G.ScaleRows(x, nn.Own(p, tokenFactors(d, p.Whole(), tokens)))
	}
	for _, g := range t.ngrams {
		x = g.add(p, x, before, tokens)
	}
	if t.positions != nil {
		x = p.G.Add(x, t.positions.Apply(p, positionRows(t.of, p, tokens)))
	}
	if t.types != nil {
		if len(types) == 0 {
			types = make([]int32, len(tokens))
		}
		x = p.G.Add(x, t.types.Apply(p, nn.Own(p, types)))
	}
	x = p.Dropout(finish(p, t.norm, x))
	if p.Tensor != nil { // the tables count on the first rank alone
		return p.G.Anchor(x)
	}
	return x
}

// vectors looks tokens up: [len(tokens), width].
func (t *tables) vectors(p *nn.Pass, tokens []int32) *autograd.Var {
	if t.adaptive != nil {
		return t.adaptive.apply(p, tokens)
	}
	return t.tokens.Apply(p, tokens)
}

// positionRows is the row of each token of p in the table of learned positions. tokens are of the whole batch.
func positionRows(e Embedding, p *nn.Pass, tokens []int32) []int32 {
	first, padding := int32(e.FirstPosition), e.Padding
	if first == 0 {
		return p.Positions()
	}
	if padding == nil {
		rows := make([]int32, 0, len(p.Positions()))
		for _, position := range p.Positions() {
			rows = append(rows, first+position)
		}
		return rows
	}
	rows := make([]int32, len(tokens))
	at, next := 0, int32(0)
	for _, n := range p.Whole() {
		next = first
		for i := at; i < at+n; i++ {
			if tokens[i] == *padding {
				rows[i] = first - 1
				continue
			}
			rows[i] = next
			next++
		}
		at += n
	}
	return nn.Own(p, rows)
}
