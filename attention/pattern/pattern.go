// Package pattern defines which keys each query of an attention may see: windows, global tokens, BigBird and others, and their
// combinations.
//
// A [Pattern] is the definition of a sparse attention and nothing more: for each query row it lists the visible
// keys as spans. Patterns are made by the constructors of this package, combined with [And] and [Or], and have a
// text form that [Parse] reads:
//
//	window(512) | global(0)          Longformer: a sliding window, and a first token that sees all and is seen by all
//	causal & window(4096, 0)         a decoder that looks back over 4,096 tokens
//	segments(64) | summary(64)       hierarchical: segments, and their first tokens among themselves
//
// What is the same in all of them:
//
//   - All positions are key coordinates, counted from 0 at the first key of the sequence. Query row q stands at
//     key position Offset+q, so a Transformer-XL memory or a cache of decoded keys is an Offset, not a pattern.
//   - A pattern is about one sequence. Sequences of a packed batch never see each other, whatever the pattern.
//   - A query may see no key at all; attention gives it zeros.
//   - A constructor given arguments out of range returns a pattern that sees nothing and whose Check says what is
//     wrong, so that patterns compose without an error at each step. Check once, where the shape is known.
//
// Patterns are immutable and safe for concurrent use.
package pattern

import "fmt"

// MaxTokens is the largest length, position or argument accepted. It keeps every sum of two of them inside a
// 32-bit int, and Tq·Tk inside an int64.
const MaxTokens = 1 << 29

// Span is a run of keys Lo … Hi−1.
type Span struct{ Lo, Hi int }

// Len is the number of keys in the span.
func (p Span) Len() int { return p.Hi - p.Lo }

// Shape is one sequence as an attention sees it: Tq queries over Tk keys. Query q stands at key position
// Offset+q; Offset is the number of keys that came before the first query (memory, or a cache in decoding).
// Nothing requires Offset+Tq ≤ Tk: cross-attention may have more queries than keys.
type Shape struct{ Tq, Tk, Offset int }

// Square is the shape of self-attention over t tokens.
func Square(t int) Shape { return Shape{Tq: t, Tk: t} }

// Check refuses negative lengths and those past [MaxTokens].
func (s Shape) Check() error {
	for _, v := range []struct {
		name  string
		value int
	}{{"Tq", s.Tq}, {"Tk", s.Tk}, {"Offset", s.Offset}} {
		if v.value < 0 || v.value > MaxTokens {
			return fmt.Errorf("pattern: found %s = %d, expected 0 to %d; give the lengths of one sequence, in tokens",
				v.name, v.value, MaxTokens)
		}
	}
	if s.Offset+s.Tq > MaxTokens {
		return fmt.Errorf("pattern: the last query stands at position %d, expected at most %d; cut the sequence into chunks",
			s.Offset+s.Tq-1, MaxTokens-1)
	}
	return nil
}

// Pattern tells the visible keys of each query. Any type may implement it; Spans, Check and String must be pure
// functions of the pattern and their arguments, safe for concurrent use.
type Pattern interface {
	// Spans appends to dst the keys that query row q (0 … Tq−1) sees: spans in ascending order, none empty, none
	// touching the next, all inside 0 … Tk−1. It does not allocate when dst has room. It expects a shape that Check
	// accepts.
	Spans(dst []Span, q int, s Shape) []Span

	// Check reports whether the pattern can be used with the shape: arguments in range, positions inside the keys.
	// The error says what was found, what was expected and what to do.
	Check(s Shape) error

	// String is the text form: Parse(p.String()) is equal to p, if Check ever accepts p and the text is no longer than
	// MaxText.
	String() string
}

// appendSpan appends lo … hi−1 cut to 0 … tk−1, if anything of it is left.
func appendSpan(dst []Span, lo, hi, tk int) []Span {
	lo, hi = max(lo, 0), min(hi, tk)
	if lo >= hi {
		return dst
	}
	return append(dst, Span{lo, hi})
}
