package pattern

import "fmt"

type window2D struct{ width, r int }

// Window2D is a window over a picture whose tokens lie row by row, width to a row: the query at position p, in row ⌊p/width⌋ and column
// p mod width, sees the keys whose row and column differ from its own by at most r. They are (2r+1)² away from the borders, where the
// window is cut off; the last row may be incomplete. width is 1 to MaxTokens, r 0 to MaxTokens. A row costs 2r+1 spans, or one where the
// window is as wide as the picture. Such local attention over pictures is that of the Image Transformer (Parmar et al. 2018,
// arXiv:1802.05751, section 3.3), there over blocks, and of neighbourhood attention (Hassani et al. 2022, arXiv:2204.07143), whose window
// moves inwards at a border. Its text form is "window2d(width, r)".
func Window2D(width, r int) Pattern {
	w := window2D{width, r}
	if !inRange(1, width) || !inRange(0, r) {
		return refuse(w.String(), fmt.Sprintf("rows of %d tokens and r = %d", width, r),
			fmt.Sprintf("rows of 1 to %d tokens and r of 0 to %[1]d", MaxTokens), "give the number of tokens of a row of the picture first")
	}
	return w
}

func (w window2D) Spans(dst []Span, q int, s Shape) []Span {
	p := s.Offset + q
	if s.Tk == 0 {
		return dst
	}
	row, column := p/w.width, p%w.width
	first, last := max(0, row-w.r), min(row+w.r, (s.Tk-1)/w.width)
	left, right := max(0, column-w.r), min(w.width, column+w.r+1)
	if right-left == w.width && first <= last { // whole rows touch
		return appendSpan(dst, first*w.width, (last+1)*w.width, s.Tk)
	}
	for ; first <= last; first++ {
		dst = appendSpan(dst, first*w.width+left, first*w.width+right, s.Tk)
	}
	return dst
}

func (w window2D) Check(s Shape) error { return s.Check() }
func (w window2D) String() string      { return fmt.Sprintf("window2d(%d, %d)", w.width, w.r) }

var window2DForm = form{name: "window2d", params: []string{"width", "r"}, required: 2,
	about: "keys at most r rows and r columns away in a picture, width tokens a row",
	build: func(a arguments) Pattern { return Window2D(a.int(0, 0), a.int(1, 0)) }}

func (w window2D) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return abs(i/w.width-k/w.width) <= w.r && abs(i%w.width-k%w.width) <= w.r }
}

// far is the largest distance of a visible key, at most Unbounded.
func (w window2D) far() int {
	return int(min(int64(w.r)*int64(w.width)+int64(min(w.r, w.width-1)), Unbounded))
}

// Retained is what the query at n sees before n and all that follows: the queries after it see nothing before that.
func (w window2D) Retained(dst []Span, n int) []Span {
	row, column := n/w.width-w.r, n%w.width
	if row < 0 {
		return appendSpan(dst, 0, n, n)
	}
	return appendSpan(dst, row*w.width+max(0, column-w.r), n, n)
}

// ReceptiveField is r rows and r columns on each side.
func (w window2D) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{w.far(), w.far(), w.width}, nil
}
