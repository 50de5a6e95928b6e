package attention

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// BackwardPass is Backward in parts, for shares with long queries or keys: a rank computes Own, forms the sums of long rows of all ranks,
// exchanges them with the other ranks, and joins those of its own rows. Its methods are called one at a time.
type BackwardPass struct {
	b  *backward
	in In
	o  tensor.Mat
}

// StartBackward packs keys and values. Free must be called at the end, whatever happens between. Scratch from x.Pool is that of Backward.
func (a *Attention) StartBackward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) (*BackwardPass, error) {
	dry, err := a.checkBackward(x.Pool, g, do, out, in)
	if err != nil {
		return nil, err
	}
	p := &BackwardPass{a.newBackward(x, g, out, in, dry), in, out.O}
	b := p.b
	b.do = do
	if b.bias, err = a.startBias(x.Pool, in, dry); err != nil {
		p.Free()
		return nil, err
	}
	if g.Bias != nil || b.wantQ && b.bias != nil && b.bias.readsQueries() {
		if a.long {
			p.Free()
			return nil, errors.New("attention: found gradients through a bias beside long rows, expected none; fetch the rows of others instead")
		}
		b.biasOut = b.bias.gradient(b)
	}
	if !dry && !given(in.Delta) && !b.whole {
		a.deltas(x, b.delta, do, out.O)
	}
	return p, nil
}

// checkBackward refuses what a backward pass cannot read or write. It returns whether the call is dry.
func (a *Attention) checkBackward(mem *tensor.Pool, g Grads, do tensor.Mat, out Out, in In) (dry bool, err error) {
	mats := append(a.gradMats(g, in), check.Of("DO", do, a.tq, a.qWidth()))
	switch whole := !given(out.O) && !given(out.LSE) && !given(in.Delta); {
	case whole && a.WholeRows():
	case given(in.Delta):
		mats = append(mats, check.Of("LSE", out.LSE, a.c.Heads, a.tq), check.Of("Delta", in.Delta, a.c.Heads, a.tq))
	default:
		mats = append(mats, check.Of("LSE", out.LSE, a.c.Heads, a.tq), check.Of("O", out.O, a.tq, a.qWidth()))
	}
	dry, err = a.c.checkMats(mem, a.tq, a.tk, in, mats...)
	if err == nil {
		err = in.checkFarTypes()
	}
	if err != nil {
		return false, err
	}
	if given(g.DK) != given(g.DV) {
		return false, errors.New("attention: found room for one of DK and DV, expected it for both or neither: they come from the same products")
	}
	if g.Sinks != nil && len(g.Sinks) != len(a.c.Sinks) {
		return false, fmt.Errorf("attention: found room for %d gradients of sinks, expected %d", len(g.Sinks), len(a.c.Sinks))
	}
	if g.Bias == nil {
		return dry, nil
	}
	if a.c.Bias == nil {
		return false, errors.New("attention: found room for gradients of a bias, expected none: the configuration has no bias")
	}
	if err = a.c.Bias.checkGrads(a, g.Bias); err == nil && !dry {
		err = g.Bias.checkData()
	}
	return dry, err
}

// Free gives the memory of the pass back.
func (p *BackwardPass) Free() {
	b := p.b
	if b.biasOut != nil {
		b.biasOut.free(b.x.Pool)
	}
	if b.bias != nil {
		b.bias.free(b.x.Pool)
	}
	b.free()
}

// Own computes the gradients of own rows that are not long, of sinks, and of the bias.
func (p *BackwardPass) Own() error {
	b := p.b
	if b.dry {
		return nil
	}
	b.clearUnseen()
	b.sinks()
	if b.wantQ || b.wantKV {
		b.run()
	}
	if b.g.Bias != nil {
		b.biasOut.finish()
	}
	return nil
}

// Sums forms sums of DQ of long queries over own keys, before they are times scale, in the rows of sums [n, H·D] F32.
func (p *BackwardPass) Sums(sums tensor.Mat, of []QuerySum) error {
	b := p.b
	_, width, _ := b.a.SumWidths()
	tiles, err := b.a.checkQuerySums(b.x.Pool, sums, width, of, false)
	if err != nil || b.dry || sums.Dry() || !b.wantQ {
		return err
	}
	pool.Run(len(b.workers), len(of)*b.a.c.Heads, func(worker, piece int) {
		head, i := piece/len(of), piece%len(of)
		b.workers[worker].querySum(sums, of[i], head, tiles[i])
	})
	return nil
}

// querySum forms one sum of one head. Every chunk of keys adds its share, as in share.
func (w *backwardWorker) querySum(sums tensor.Mat, s QuerySum, head, tile int) {
	seq, d := &w.b.a.seqs[s.Share], w.b.a.c.HeadDim
	w.wantQ, w.wantKV = true, false
	w.load(s.Share, head, tile)
	total := w.sum
	clear(total)
	if s.Continues {
		for x := range lanes(s.Lanes) {
			for p, v := range sums.Row(s.row(x))[head*d : (head+1)*d] {
				total[p*kernel.Lanes+x] = v
			}
		}
	}
	some := s.Continues
	lo, hi := seq.ownSpan(s.Span)
	for ; lo < hi; lo += chunkKeys {
		c := chunkWork{seq: s.Share, lo: lo, hi: min(lo+chunkKeys, hi)}
		if runs := seq.runsFrom(tile, lo); len(runs) == 0 || int(runs[0].lo) >= c.hi {
			continue
		}
		clear(w.dq)
		if w.tile(&c, head, tile); some {
			kernel.Add(total, total, w.dq)
		} else {
			copy(total, w.dq)
		}
		some = true
	}
	for x := range lanes(s.Lanes) {
		row := sums.Row(s.row(x))[head*d : (head+1)*d]
		for p := range row {
			row[p] = total[p*kernel.Lanes+x]
		}
	}
}

// Join writes DQ of own long queries. Their sums, of every span that they see, lie one after another in of, spans ascending.
func (p *BackwardPass) Join(sums tensor.Mat, of []QuerySum) error {
	b := p.b
	_, width, _ := b.a.SumWidths()
	tiles, err := b.a.checkQuerySums(b.x.Pool, sums, width, of, true)
	if err != nil || b.dry || sums.Dry() || !given(b.g.DQ) {
		return err
	}
	rows, d := groups(of), b.a.c.HeadDim
	pool.Run(len(b.workers), len(rows)*b.a.c.Heads, func(worker, piece int) {
		head, group := piece/len(rows), rows[piece%len(rows)]
		w := b.workers[worker]
		clear(w.sum)
		for i, s := range of[group[0]:group[1]] {
			for x := range lanes(s.Lanes) {
				for p, v := range sums.Row(s.row(x))[head*d : (head+1)*d] {
					if at := p*kernel.Lanes + x; i == 0 {
						w.sum[at] = v
					} else {
						w.sum[at] += v
					}
				}
			}
		}
		w.storeDQ(w.sum, of[group[0]].Share, head, tiles[group[0]])
	})
	return nil
}
