package mechanism

import (
	"fmt"

	"github.com/longspan/longspan/parallel"
)

// The ways in which ranks share a layer.
const (
	// Halo computes at the owner of each row, and fetches the rows of others that it meets: the keys that its queries see, and in the
	// backward pass the queries that see its keys.
	Halo = "halo"
	// Heads gives every rank all rows of some heads, and their results back to the owners of the rows.
	Heads = "heads"
	// Sums hands on the sums of linear attention from rank to rank.
	Sums = "sums"
)

// Over compiles l for the rows of a batch that this rank has: Queries and Keys of the Core are the rows of s.Own(). Its Forward and
// Backward exchange rows with the other ranks through s.Engine, so all ranks call them together, in one order. Their results have the bits
// of one rank, for any number of ranks; gradients of learned matrices are this rank's share of a sum over all. A rank whose call fails
// must end the others by [parallel.Engine].Abort. One goroutine at a time uses the Core, as it does the engine.
//
// It returns an error for what the layer refuses, and for layers of cross-attention: keys must be the queries' own tokens.
func Over(l Layer, s *parallel.Share) (Core, error) {
	mode, n, _, err := choose(l, s)
	if err != nil {
		return nil, err
	}
	return overMode(l, s, mode, n)
}

// OverMode is Over in a given mode: [Halo] for a softmax, [Sums] for linear attention, or [Heads].
func OverMode(l Layer, s *parallel.Share, mode string) (Core, error) {
	return overMode(l, s, mode, nil)
}

// Mode is the mode that Over takes, and a sentence that says why. The mode is "" for a layer or lengths that Over refuses.
func Mode(l Layer, s *parallel.Share) (mode, why string) {
	mode, _, why, err := choose(l, s)
	if err != nil {
		return "", err.Error()
	}
	return mode, why
}

// overMode compiles l in a mode. n is what choose found out, or nil.
func overMode(l Layer, s *parallel.Share, mode string, n *needs) (Core, error) {
	softmax, ok := l.(softmaxLayer)
	switch {
	case mode == Heads:
		return overHeads(l, s)
	case mode == Halo && ok:
		return overHalo(softmax, s, n)
	case mode == Sums && !ok:
		return overLinear(l, s)
	}
	return nil, fmt.Errorf("mechanism: found mode %q for %s, expected %s, %s for a softmax, or %s for linear attention", mode, l.Key(), Heads,
		Halo, Sums)
}

// choose picks the mode of a layer: for a softmax a halo where it is small, or heads are too few. n is what a halo needs, nil in another
// mode.
func choose(l Layer, s *parallel.Share) (mode string, n *needs, why string, err error) {
	softmax, ok := l.(softmaxLayer)
	if _, linear := l.(linearLayer); linear {
		return Sums, nil, "the sums of linear attention do not grow with the tokens", nil
	}
	if t, summaries := l.(transientLayer); summaries {
		return "", nil, "", fmt.Errorf("mechanism: found %s over %d ranks, expected a mechanism without summaries, or one rank a sequence",
			t.plain.c.Pattern, s.Engine.Size())
	}
	if !ok {
		if err := together(l); err != nil {
			return "", nil, "", err
		}
		return Heads, nil, "landmarks are means over all rows", nil
	}
	if n, err = softmax.needs(s, someLong); err != nil {
		return "", nil, "", err
	}
	total := s.Cuts[len(s.Cuts)-1]
	fetched, rank := n.fullest()
	share := fmt.Sprintf("the fullest rank, %d, sees %d keys of others, of %d", rank, fetched, total)
	switch {
	case 2*fetched < total || s.Engine.Size() == 1:
		return Halo, n, share, nil
	case softmax.KVHeads < s.Engine.Size():
		return Halo, n, fmt.Sprintf("%s, and %d key/value heads are too few for %d ranks", share, softmax.KVHeads, s.Engine.Size()), nil
	}
	return Heads, nil, share, nil
}
