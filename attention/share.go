package attention

import (
	"fmt"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Share is the part of a sequence over itself that one of several ranks computes: the rank owns neighbouring tokens, and is given rows of
// tokens that others own. It forms every sum about its own tokens whole, in the order of one rank: O, LSE and DQ of its queries, and DK
// and DV of its keys. So they have the bits of one rank, however the sequence is cut.
type Share struct {
	Tokens  int            // of the whole sequence
	Own     pattern.Span   // from a multiple of ShareUnit to another, or to Tokens
	Keys    []pattern.Span // other tokens, ascending, whose K and V are in In.Far: all that own queries see
	Queries []pattern.Span // other tokens, ascending, whose Q and DO are in In.Far: all that see own keys. The forward pass needs none.

	// Rows of any rank that see, or are seen by, so many others that they are not fetched together. The sums of LongQueries, whole tiles
	// of TileQueries, are formed where their keys are: their rows of Queries are needed in the forward pass too, and own ones need no keys
	// of others. The sums of LongKeys, whole units of ShareUnit, are formed where their queries are: own ones need no queries of others,
	// and those that own queries see must be in Keys. See [ForwardPass] and [BackwardPass]. A bias must not have gradients beside them.
	LongQueries, LongKeys []pattern.Span
}

// TileQueries is what the borders of LongQueries are multiples of, but for the end of the sequence.
const TileQueries = kernel.Lanes

// ShareUnit is what the borders of own tokens are multiples of: the keys of a piece of the backward pass, which so has the same pieces as
// that of the whole.
const ShareUnit = chunkKeys

// Far is rows of tokens that other ranks own, for the shares of [NewShares]: those of all sequences one after another, ascending.
type Far struct {
	K, V tensor.Mat // [keys, Hkv·D]

	// Arrive, where not nil, is called once in the forward pass, before any of the rows is read. Own queries that see own keys alone are
	// computed first, so that the rows can be on their way meanwhile.
	Arrive func() error

	// For Backward. LSE and Delta are turned, unlike those of own rows: one row a token.
	Q, DO      tensor.Mat // [queries, H·D]
	LSE, Delta tensor.Mat // [queries, H] F32
}

// NewShares compiles c for this rank's shares of the sequences of a packed batch. Rows of Q, K, V, O and the gradients are the own tokens
// of all shares, one after another. Sinks, and the gradients of a bias, are summed over own queries alone: the sum over all ranks is that
// of the whole. It returns an error for what New refuses, for a [Matrix] of bias, and for a share that lacks keys that its queries see.
func NewShares(c Config, shares []Share) (*Attention, error) {
	a, err := newAttention(c)
	if err != nil {
		return nil, err
	}
	seqs := make([]Seq, len(shares))
	for i, s := range shares {
		seqs[i] = Seq{Q: s.Tokens, K: s.Tokens}
	}
	if err := a.check(seqs); err != nil {
		return nil, err
	}
	if _, ok := a.c.Bias.(Matrix); ok {
		return nil, fmt.Errorf("attention: found a matrix of bias for a share of a sequence, expected a bias by distance")
	}
	for i, s := range shares {
		rows, err := newShareRows(s)
		if err == nil {
			err = a.addShare(rows)
		}
		if err != nil {
			return nil, fmt.Errorf("attention: sequence %d: %w", i, err)
		}
	}
	return a, nil
}

// farMats are the keys and values of others, with their shapes. Without any they may be zero Mats.
func (a *Attention) farMats(in In) (mats []check.Mat) {
	return needed(a.farKeys, check.Of("Far.K", in.Far.K, a.farKeys, a.kvWidth()), check.Of("Far.V", in.Far.V, a.farKeys, a.kvWidth()))
}

// farQueryMats are the queries of others and what belongs to them, with their shapes. Without any they may be zero Mats.
func (a *Attention) farQueryMats(in In) (mats []check.Mat) {
	n, h := a.farQueries, a.c.Heads
	return needed(n, check.Of("Far.Q", in.Far.Q, n, a.qWidth()), check.Of("Far.DO", in.Far.DO, n, a.qWidth()),
		check.Of("Far.LSE", in.Far.LSE, n, h), check.Of("Far.Delta", in.Far.Delta, n, h))
}

// checkFarTypes refuses rows of others of other types than the own.
func (in In) checkFarTypes() error {
	for _, x := range []struct {
		name      string
		far, like tensor.Mat
	}{{"Far.K", in.Far.K, in.K}, {"Far.V", in.Far.V, in.V}, {"Far.Q", in.Far.Q, in.Q}} {
		if x.far.Rows > 0 && x.far.Type != x.like.Type {
			return fmt.Errorf("attention: found %s of %s, expected %s, the type of own rows", x.name, x.far.Type, x.like.Type)
		}
	}
	for _, m := range []check.Mat{{Name: "Far.LSE", M: in.Far.LSE}, {Name: "Far.Delta", M: in.Far.Delta}} {
		if m.M.Type != tensor.F32 {
			return wrongType(m.Name, m.M)
		}
	}
	return nil
}

// needed lists the matrices of n rows that must be there.
func needed(n int, all ...check.Mat) (mats []check.Mat) {
	for _, m := range all {
		if n > 0 || m.M.Rows > 0 {
			mats = append(mats, m)
		}
	}
	return mats
}

// addShare appends a share to the batch.
func (a *Attention) addShare(rows *shareRows) error {
	if rows.Own == (pattern.Span{Lo: 0, Hi: rows.Tokens}) && len(rows.Keys)+len(rows.Queries) == 0 && !rows.long {
		return a.add(Seq{Q: rows.Tokens, K: rows.Tokens})
	}
	l, err := compileShare(a.c.Pattern, rows, 0, maxRuns)
	if err != nil {
		return err
	}
	a.addLayout(sequence{Seq: l.seq, fq0: a.farQueries, fk0: a.farKeys, layout: l}, rows.Own.Len(), rows.Own.Len())
	a.long = a.long || rows.long
	a.farQueries, a.farKeys = a.farQueries+length(rows.Queries), a.farKeys+length(rows.Keys)
	return nil
}

// length is the number of tokens in spans.
func length(spans []pattern.Span) (n int) {
	for _, s := range spans {
		n += s.Len()
	}
	return n
}
