package score

import (
	"context"
	"strings"

	"github.com/longspan/longspan/data"
)

// predictor computes log-probabilities of bases from those before them. Several sequences are computed together.
type predictor struct {
	scorer *Scorer
	ctx    context.Context
	batch  data.Batch
	wanted []wanted
}

// wanted is rows of the batch, and where their log-probabilities go.
type wanted struct {
	row int
	to  []logs
}

// add asks for the log-probabilities of the last len(to) letters, of which to gets one each: NaN where nothing predicts a letter, and of
// letters that are no base. Letters are as a strand reads them, upper case. A letter that is no base ends a sequence.
func (p *predictor) add(letters []byte, to []logs) error {
	first := len(letters) - len(to)
	for i := range to {
		to[i] = unknown
	}
	for x := 0; x < len(letters); x++ {
		n := known(letters[x:])
		if x+n > first {
			if err := p.sequence(letters[x:x+n], to, x-first); err != nil {
				return err
			}
		}
		x += n
	}
	return nil
}

// known is the number of letters before the first that is no base.
func known(letters []byte) int {
	for i, c := range letters {
		if strings.IndexByte(bases, c) < 0 {
			return i
		}
	}
	return len(letters)
}

// sequence adds bases of which the first is the base at of to; a base before to is below 0.
func (p *predictor) sequence(letters []byte, to []logs, at int) error {
	before := p.scorer.alphabet.before
	n := len(before) + len(letters) - 1 // nothing is predicted from the last base
	if n < 1 {
		return nil
	}
	if len(p.batch.Tokens) > 0 && len(p.batch.Tokens)+n > p.scorer.options.Batch {
		if err := p.flush(); err != nil {
			return err
		}
	}
	row := len(p.batch.Tokens) + len(before) - 1 // which predicts the first base
	p.batch.Tokens = append(p.batch.Tokens, before...)
	p.batch.Tokens = p.scorer.alphabet.tokens(p.batch.Tokens, letters[:len(letters)-1])
	p.batch.Lengths = append(p.batch.Lengths, n)
	skip := max(0, -at) // bases before to, and a first one that nothing predicts
	if skip == 0 && len(before) == 0 {
		skip = 1
	}
	p.wanted = append(p.wanted, wanted{row + skip, to[at+skip : at+len(letters)]})
	return nil
}

// flush computes the batch.
func (p *predictor) flush() error {
	if len(p.batch.Tokens) == 0 {
		return nil
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	out, err := p.scorer.session.LogProbs(&p.batch)
	if err != nil {
		return err
	}
	for _, w := range p.wanted {
		for i := range w.to {
			row := out.Row(w.row + i)
			for j, c := range []byte(bases) {
				w.to[i][j] = row[p.scorer.alphabet.ids[c]]
			}
		}
	}
	p.scorer.session.Exec().Pool.Put(out)
	p.batch, p.wanted = data.Batch{Tokens: p.batch.Tokens[:0], Lengths: p.batch.Lengths[:0]}, p.wanted[:0]
	return nil
}
