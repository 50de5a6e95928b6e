package pattern

import "fmt"

type prefix struct{ n int }

// Prefix lets every query see the first n keys. "causal | prefix(n)" is a prefix language model: tokens of the prefix
// see all of it, the others what came before them (Raffel et al. 2019, arXiv:1910.10683, section 3.2.1). n is 0 to
// MaxTokens and at most Tk. Its text form is "prefix(n)".
func Prefix(n int) Pattern {
	p := prefix{n}
	if !inRange(0, n) {
		return refuse(p.String(), fmt.Sprintf("a prefix of %d keys", n), fmt.Sprintf("0 to %d", MaxTokens),
			"give the number of keys that all queries see")
	}
	return p
}

func (p prefix) Spans(dst []Span, _ int, s Shape) []Span { return appendSpan(dst, 0, p.n, s.Tk) }

func (p prefix) Check(s Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	if p.n > s.Tk {
		return fmt.Errorf("pattern: %v: found a sequence of %d keys, expected at least %d; shorten the prefix, or use full",
			p, s.Tk, p.n)
	}
	return nil
}

func (p prefix) String() string { return fmt.Sprintf("prefix(%d)", p.n) }

var prefixForm = form{name: "prefix", params: []string{"n"}, required: 1, about: "the first n keys are seen by all",
	build: func(a arguments) Pattern { return Prefix(a.int(0, 0)) }}

func (p prefix) sees(int, Shape) func(int) bool { return func(k int) bool { return k < p.n } }

// Retained is the prefix.
func (p prefix) Retained(dst []Span, n int) []Span { return appendSpan(dst, 0, p.n, n) }

// ReceptiveField returns an error: the prefix is at the start of the sequence.
func (p prefix) ReceptiveField() (ReceptiveField, error) {
	return placed(p, "a prefix at the start of the sequence")
}
