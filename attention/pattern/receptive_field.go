package pattern

import "fmt"

// Unbounded is the Before or After of a receptive field that ends only with the sequence.
const Unbounded = MaxTokens

// ReceptiveField is how far a pattern looks, and after how many positions it repeats. It decides whether a piece of
// a sequence can be computed by itself: a query at p needs keys p−Before … p+After and no others, and the pattern is
// the same when queries and keys move together by a multiple of Period.
type ReceptiveField struct {
	Before, After int // in tokens, or Unbounded; an upper bound
	Period        int // 1 where the pattern depends on distances alone
}

// ReceptiveFielder is a Pattern that knows its receptive field. The patterns of this package do.
type ReceptiveFielder interface {
	ReceptiveField() (ReceptiveField, error)
}

// ReceptiveFieldOf returns the receptive field of p. It returns an error, with the reason, for a pattern that does not repeat, such as one
// with global positions: they are counted from the start of the sequence, and a piece of it starts elsewhere.
func ReceptiveFieldOf(p Pattern) (ReceptiveField, error) {
	if r, ok := orInvalid(p).(ReceptiveFielder); ok {
		return r.ReceptiveField()
	}
	return ReceptiveField{}, fmt.Errorf("pattern: %s: found a pattern that does not tell its receptive field, expected one with a method "+
		"ReceptiveField; add it", clip(p.String()))
}

// placed is the error of a pattern that is bound to places of the sequence.
func placed(p Pattern, why string) (ReceptiveField, error) {
	return ReceptiveField{}, fmt.Errorf("pattern: %s: found %s, expected a pattern that is the same wherever a piece of the sequence "+
		"begins; use window, dilated, causal, segments or their combinations",
		clip(p.String()), why)
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
