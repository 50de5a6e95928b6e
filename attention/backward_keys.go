package attention

import (
	"fmt"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// KeySum is the sum of a unit of keys over the own queries of one span, as QuerySum is one of queries over keys: a part of what LongKeys
// are.
type KeySum struct {
	Share     int            // index of the share
	At        int            // position of the first key of the unit
	Span      int            // the queries: positions SpanTokens·Span … SpanTokens·(Span+1)−1
	Keys      []pattern.Span // the keys that any query of the span sees, from the unit's first on, ascending
	Row       int            // the first of the rows of sums, one for each of Keys
	Continues bool           // the rows hold the sums over the queries of the span before the own ones
}

// KeySums forms sums of DK, before they are times scale, and of DV of long keys over own queries, in the rows of sums [n, 2·Hkv·D] F32: for
// each key/value head both.
func (p *BackwardPass) KeySums(sums tensor.Mat, of []KeySum) error {
	b := p.b
	units, err := b.a.checkKeySums(b.x.Pool, sums, of, false)
	if err != nil || b.dry || sums.Dry() || !b.wantKV {
		return err
	}
	pool.Run(len(b.workers), len(of)*b.a.c.KVHeads, func(worker, piece int) {
		head, i := piece/len(of), piece%len(of)
		b.workers[worker].keySum(sums, of[i], head, units[i])
	})
	return nil
}

// keySum forms one sum of one key/value head, tile by tile as in chunk.
func (w *backwardWorker) keySum(sums tensor.Mat, s KeySum, kvHead, unit int) {
	seq := &w.b.a.seqs[s.Share]
	c := chunkWork{seq: s.Share, lo: unit * chunkKeys, hi: min((unit+1)*chunkKeys, seq.K)}
	w.wantQ, w.wantKV = false, true
	w.used = ceil.Multiple(c.hi-c.lo, keyGroup) * w.width
	w.emptyChunk()
	if s.Continues {
		w.moveKeys(sums, s, kvHead, func(sum, row []float32) { copy(sum, row) })
	}
	byChunk, _ := seq.visits()
	for _, at := range byChunk[unit] {
		if tile := int(at.tile); seq.ownTile(tile) && seq.querySpan(tile) == s.Span {
			for h := kvHead * w.b.p.group; h < (kvHead+1)*w.b.p.group; h++ {
				w.load(s.Share, h, tile)
				w.tile(&c, h, tile)
			}
		}
	}
	w.moveKeys(sums, s, kvHead, func(sum, row []float32) { copy(row, sum) })
}

// moveKeys calls move for the sums of DK and DV of each key, as the worker and as the rows of sums have them.
func (w *backwardWorker) moveKeys(sums tensor.Mat, s KeySum, kvHead int, move func(sum, row []float32)) {
	d, at := w.b.a.c.HeadDim, s.Row
	for _, keys := range s.Keys {
		for k := keys.Lo; k < keys.Hi; k++ {
			row := sums.Row(at)[2*kvHead*d : 2*(kvHead+1)*d]
			move(w.dk[k*w.width:k*w.width+d], row[:d])
			move(w.dv[k*w.width:k*w.width+d], row[d:])
			at++
		}
	}
}

// JoinKeys writes DK and DV of own long keys. Their sums, of every span of queries that sees any, lie one after another in of, spans
// ascending. Keys that nobody sees get zeros, also of units without any sum.
func (p *BackwardPass) JoinKeys(sums tensor.Mat, of []KeySum) error {
	b := p.b
	_, err := b.a.checkKeySums(b.x.Pool, sums, of, true)
	if err != nil || b.dry || sums.Dry() || !b.wantKV {
		return err
	}
	pieces := b.a.longUnits(of)
	pool.Run(len(b.workers), len(pieces)*b.a.c.KVHeads, func(worker, i int) {
		b.workers[worker].joinKeys(sums, pieces[i%len(pieces)], i/len(pieces))
	})
	return nil
}

// longUnit is an own unit of long keys, with its sums.
type longUnit struct {
	c  chunkWork
	of []KeySum
}

// longUnits lists the own units of long keys.
func (a *Attention) longUnits(of []KeySum) (all []longUnit) {
	for i := range a.seqs {
		seq := &a.seqs[i]
		for u := 0; seq.share != nil && u < len(seq.share.units); u++ {
			if !seq.share.ownsUnit(u) || !seq.share.units[u].long {
				continue
			}
			next := longUnit{c: chunkWork{seq: i, lo: u * chunkKeys, hi: min((u+1)*chunkKeys, seq.K)}}
			for _, s := range of {
				if s.Share == i && s.At == seq.share.units[u].at {
					next.of = append(next.of, s)
				}
			}
			all = append(all, next)
		}
	}
	return all
}

// joinKeys writes DK and DV of one unit and key/value head.
func (w *backwardWorker) joinKeys(sums tensor.Mat, u longUnit, kvHead int) {
	w.wantKV, w.used = true, ceil.Multiple(u.c.hi-u.c.lo, keyGroup)*w.width
	w.emptyChunk()
	for i, s := range u.of {
		w.moveKeys(sums, s, kvHead, func(sum, row []float32) {
			if i == 0 {
				copy(sum, row)
			} else {
				kernel.Add(sum, sum, row)
			}
		})
	}
	w.storeKeys(&u.c, kvHead, w.dk, w.dv)
}

// checkKeySums refuses sums of units that are not there, not long, or not own where they must be, and rows that are not there. It returns
// the units.
func (a *Attention) checkKeySums(mem *tensor.Pool, sums tensor.Mat, of []KeySum, own bool) ([]int, error) {
	_, _, width := a.SumWidths()
	if _, err := check.Mats("attention", mem, check.Of("sums", sums, sums.Rows, width)); err != nil {
		return nil, err
	}
	if sums.Type != tensor.F32 {
		return nil, wrongType("sums", sums)
	}
	units := make([]int, len(of))
	for i, s := range of {
		if s.Share < 0 || s.Share >= len(a.seqs) {
			return nil, fmt.Errorf("attention: found a sum of share %d, expected 0 … %d", s.Share, len(a.seqs)-1)
		}
		seq := &a.seqs[s.Share]
		if units[i] = seq.unitAt(s.At); units[i] < 0 || !seq.share.units[units[i]].long || own && !seq.ownChunk(units[i]) {
			return nil, fmt.Errorf("attention: found a sum of the keys from %d on in share %d, expected a unit of LongKeys that is there", s.At,
				s.Share)
		}
		if rows := length(s.Keys); s.Row < 0 || s.Row+rows > sums.Rows || !insideUnit(s.Keys) {
			return nil, fmt.Errorf("attention: found a sum of keys %v in rows from %d on, of %d, expected spans inside 0 … %d and a row for each",
				s.Keys, s.Row, sums.Rows, ShareUnit-1)
		}
	}
	return units, nil
}

// insideUnit reports whether spans ascend inside a unit.
func insideUnit(spans []pattern.Span) bool {
	last := 0
	for _, s := range spans {
		if s.Lo < last || s.Hi < s.Lo || s.Hi > ShareUnit {
			return false
		}
		last = s.Hi
	}
	return true
}
