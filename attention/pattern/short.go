package pattern

import "fmt"

type short struct{ n int }

// Short lets every query see every key of a sequence of n keys or fewer, and none of a longer one. "short(704) | p" is p for long
// sequences alone: what is too short to gain from p is seen whole. n is 0 to MaxTokens. Its text form is "short(n)".
//
// As all keys vanish where a sequence grows past n, it is for encoders.
func Short(n int) Pattern {
	p := short{n}
	if !inRange(0, n) {
		return refuse(p.String(), fmt.Sprintf("sequences of up to %d keys", n), fmt.Sprintf("0 to %d", MaxTokens),
			"give the length up to which all keys are seen")
	}
	return p
}

func (p short) Spans(dst []Span, _ int, s Shape) []Span {
	if s.Tk > p.n {
		return dst
	}
	return appendSpan(dst, 0, s.Tk, s.Tk)
}

func (p short) Check(s Shape) error { return s.Check() }
func (p short) String() string      { return fmt.Sprintf("short(%d)", p.n) }

var shortForm = form{name: "short", params: []string{"n"}, required: 1, about: "all keys, in sequences of n tokens or fewer",
	build: func(a arguments) Pattern { return Short(a.int(0, 0)) }}

func (p short) sees(_ int, s Shape) func(int) bool { return func(int) bool { return s.Tk <= p.n } }

// Retained is the first n keys of the pattern: a sequence that shows more shows none.
func (p short) Retained(dst []Span, n int) []Span { return appendSpan(dst, 0, p.n, n) }

// ReceptiveField returns an error: what is seen follows from the length of the sequence.
func (p short) ReceptiveField() (ReceptiveField, error) {
	return placed(p, "a limit on the length of the sequence")
}
