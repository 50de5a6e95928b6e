package nn

import (
	"errors"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/autograd"
)

// summaries are the additional keys of transient global attention: the sum of the tokens of each block, normalised by "name.summary_norm"
// and projected as a token. Tokens after the last whole block belong to it; a sequence shorter than a block has no summary. They are made
// anew in each layer. Guo et al. 2021, arXiv:2112.07916, section 3.2.
type summaries struct {
	block int // tokens
	norm  *Norm
}

func newSummaries(p *Params, name string, c AttentionConfig, block int) *summaries {
	return &summaries{block, NewNorm(p, name+".summary_norm", NormConfig{Kind: RMSNorm, Width: c.Width, Eps: c.Summaries})}
}

// blockRows are the rows of a pass by block.
type blockRows struct {
	rows   []int32 // those of sequences that have blocks
	blocks []int   // rows of each block
	counts []int   // blocks of each sequence
	joined []int   // rows of each sequence with its summaries
	tokens []int32 // rows of the tokens, where each sequence is followed by its summaries
}

func (s *summaries) find(lengths []int) (r blockRows) {
	start, joined := 0, 0
	for _, n := range lengths {
		count := n / s.block
		for i := range n {
			r.tokens = append(r.tokens, int32(joined+i))
			if count > 0 {
				r.rows = append(r.rows, int32(start+i))
			}
		}
		for i := range count {
			size := s.block
			if i == count-1 {
				size = n - i*s.block
			}
			r.blocks = append(r.blocks, size)
		}
		r.counts, r.joined = append(r.counts, count), append(r.joined, n+count)
		start, joined = start+n, joined+n+count
	}
	return r
}

// attend is the attention of each sequence of x [T, width] to itself and its summaries, before the output projection: [T, H·D]. The
// summaries are rows of the same product as the tokens, so that their queries, a few hundredths of the rows, are made and not used.
func (s *summaries) attend(p *Pass, a *Attention, x *autograd.Var) *autograd.Var {
	if p.Share != nil {
		return p.G.Fail(errors.New("nn: found a sequence over several ranks in a layer with summaries, expected whole sequences"))
	}
	r := s.find(p.Lengths)
	seqs := attention.Self(r.joined...)
	core, err := p.Compiled.compile(a.layer, seqs)
	if err != nil {
		return p.G.Fail(err)
	}
	if len(r.blocks) == 0 {
		return p.G.Attention(core, a.project(p, x), a.terms(p, seqs)...)
	}
	whole := x
	if len(r.rows) < len(r.tokens) {
		whole = p.G.Take(x, r.rows)
	}
	sums := s.norm.Apply(p, p.G.SumPool(whole, r.blocks))
	all := a.project(p, p.G.Join(x, p.Lengths, sums, r.counts))
	return p.G.Take(p.G.Attention(core, all, a.terms(p, seqs)...), r.tokens)
}
