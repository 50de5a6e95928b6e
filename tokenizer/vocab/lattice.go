package vocab

import "math"

// scored is a piece with its log-probability.
type scored struct {
	text   string
	score  float64
	single bool // it is one character
}

// model is a unigram model: a probability for each piece. It is immutable.
type model struct {
	pieces []scored  // sorted by text
	chance []float64 // exp of their scores
	trie   *trie
}

func newModel(pieces []scored, t *trie) *model {
	m := &model{pieces: pieces, chance: make([]float64, len(pieces)), trie: t}
	for i, p := range pieces {
		m.chance[i] = math.Exp(p.score)
	}
	return m
}

// edge is a piece in a text, from one byte to another.
type edge struct{ from, to, piece int32 }

// lattice is all ways to cut a text into pieces. It is for one goroutine, and used for one text after the other.
type lattice struct {
	edges         []edge // by from, then by to
	ahead, behind []scaled
	best          []float64
	by            []int32 // the edge of the best way to a place, or none
}

// find finds the pieces in a text, but for one piece that is left out; none leaves out no piece.
func (l *lattice) find(m *model, text []byte, without int32) {
	l.edges = l.edges[:0]
	for from := range text {
		at := m.trie.root[text[from]]
		for to := from + 1; at != none; to++ {
			if piece := m.trie.nodes[at].piece; piece != none && piece != without {
				l.edges = append(l.edges, edge{int32(from), int32(to), piece})
			}
			if to == len(text) {
				break
			}
			at = m.trie.child(at, text[to])
		}
	}
}

// scaled is a probability m·2^(512·e), since that of a long text is no float64.
type scaled struct {
	m float64
	e int32
}

var (
	small = math.Ldexp(1, -512)
	large = math.Ldexp(1, 512)
)

// add adds a probability.
func (s *scaled) add(other scaled) {
	switch {
	case s.m == 0 || other.e > s.e+1:
		*s = other
	case other.e == s.e:
		s.m += other.m
	case other.e == s.e+1:
		*s = scaled{s.m*small + other.m, other.e}
	case other.e == s.e-1:
		s.m += other.m * small
	}
}

// times is the product with a probability of at least 2^-500.
func (s scaled) times(p float64) scaled {
	s.m *= p
	if s.m < small && s.m > 0 {
		s.m, s.e = s.m*large, s.e-1
	}
	return s
}

// expect adds the expected counts of the pieces in a text that occurs count times, by the forward-backward algorithm. find was called for
// the text. It returns the log-probability of the text.
func (l *lattice) expect(m *model, size int, count float64, expected []float64) float64 {
	l.ahead, l.behind = zeroed(l.ahead, size+1), zeroed(l.behind, size+1)
	l.ahead[0].m, l.behind[size].m = 1, 1
	for _, e := range l.edges {
		l.ahead[e.to].add(l.ahead[e.from].times(m.chance[e.piece]))
	}
	for i := len(l.edges) - 1; i >= 0; i-- {
		e := l.edges[i]
		l.behind[e.from].add(l.behind[e.to].times(m.chance[e.piece]))
	}
	all := l.ahead[size]
	for _, e := range l.edges {
		a, b := l.ahead[e.from], l.behind[e.to]
		p := a.times(b.m).times(m.chance[e.piece])
		switch p.e + b.e - all.e {
		case 0:
			expected[e.piece] += count * (p.m / all.m)
		case -1:
			expected[e.piece] += count * (p.m * small / all.m)
		case 1:
			expected[e.piece] += count * (p.m / all.m * large)
		}
	}
	return math.Log(all.m) + 512*math.Ln2*float64(all.e)
}

// zeroed returns n zeros, in s if they fit.
func zeroed(s []scaled, n int) []scaled {
	if cap(s) < n {
		return make([]scaled, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// viterbi finds the most likely way through a text. It returns its log-probability, −∞ if there is no way. find was called for the text.
func (l *lattice) viterbi(m *model, size int) float64 {
	l.best, l.by = l.best[:0], l.by[:0]
	for range size + 1 {
		l.best, l.by = append(l.best, math.Inf(-1)), append(l.by, none)
	}
	l.best[0] = 0
	for i, e := range l.edges {
		if score := l.best[e.from] + m.pieces[e.piece].score; score > l.best[e.to] {
			l.best[e.to], l.by[e.to] = score, int32(i)
		}
	}
	return l.best[size]
}

// way calls visit for each piece of the way that viterbi has found, the last first.
func (l *lattice) way(size int, visit func(piece int32)) {
	for at := int32(size); at > 0; {
		e := l.edges[l.by[at]]
		visit(e.piece)
		at = e.from
	}
}
