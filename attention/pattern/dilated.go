package pattern

import "fmt"

type dilated struct{ w, step int }

// Dilated lets the query at position p see itself and w keys on each side of it at distances step, 2·step … w·step:
// 2w+1 keys away from the ends, spread over 2·w·step+1. It is Longformer's dilated sliding window (Beltagy et al.
// 2020, arXiv:2004.05150, section 3.1). w is 0 to MaxTokens, step 1 to MaxTokens; step 1 is Window(w). And it with
// Causal for the keys before only. A row costs a span for each key. Its text form is "dilated(w, step)".
func Dilated(w, step int) Pattern {
	d := dilated{w, step}
	if !inRange(0, w) || !inRange(1, step) {
		return refuse(d.String(), fmt.Sprintf("w = %d and step = %d", w, step),
			fmt.Sprintf("w of 0 to %d keys and a step of 1 to %[1]d", MaxTokens), "use step 1 for a plain window")
	}
	return d
}

func (d dilated) Spans(dst []Span, q int, s Shape) []Span {
	p := s.Offset + q
	if d.step == 1 {
		return appendSpan(dst, p-d.w, p+d.w+1, s.Tk)
	}
	before := min(d.w, p/d.step) // keys before p
	for j, k := -before, p-before*d.step; j <= d.w && k < s.Tk; j, k = j+1, k+d.step {
		dst = append(dst, Span{k, k + 1})
	}
	return dst
}

func (d dilated) Check(s Shape) error { return s.Check() }
func (d dilated) String() string      { return fmt.Sprintf("dilated(%d, %d)", d.w, d.step) }

var dilatedForm = form{name: "dilated", params: []string{"w", "step"}, required: 2,
	about: "w keys on each side, step apart, and the query's own",
	build: func(a arguments) Pattern { return Dilated(a.int(0, 0), a.int(1, 0)) }}

func (d dilated) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return abs(i-k)%d.step == 0 && abs(i-k)/d.step <= d.w }
}

// far is the largest distance of a visible key, at most limit.
func (d dilated) far(limit int) int { return int(min(int64(d.w)*int64(d.step), int64(limit))) }

// Retained is the w·step keys before n.
func (d dilated) Retained(dst []Span, n int) []Span { return appendSpan(dst, n-d.far(n), n, n) }

// ReceptiveField is w·step on each side.
func (d dilated) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{d.far(Unbounded), d.far(Unbounded), 1}, nil
}
