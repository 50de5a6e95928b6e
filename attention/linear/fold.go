package linear

import (
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// fold is the sums of the ranges of cut sequences: first of each range by itself, then, where the range is whole, of it and all ranges
// before it. Its direction is that of the tokens or, for the queries of a causal backward pass, from the last token to the first; "before"
// and "first" are meant in that direction here.
//
// Tokens of a sequence may lie elsewhere. Then the sums that come from there are those of the range that is under way, the partial sums,
// and those of all ranges before it, the prefix. Whoever has the next tokens goes on with both. So a range is summed token by token from
// zero and ranges are added one by one, wherever the tokens lie, and the bits are those of a sequence in one place.
type fold struct {
	r       *run
	back    bool
	add     func(w *worker, s sums, p piece, kvHead int) // adds the tokens of a piece to s
	mem     tensor.Mat                                   // [states·Hkv, sumsLen]
	partial tensor.Mat                                   // [Hkv, sumsLen] or none: what comes in
	prefix  tensor.Mat                                   // the same
	totals  tensor.Mat                                   // [open sequences·Hkv, sumsLen]: without a causal mask, the sums of all tokens
}

// newFold takes the memory of a fold. border is where its partial sums and its prefix, or its totals, are kept: the zero Mat for memory of
// the run.
func (r *run) newFold(back bool, border tensor.Mat, add func(w *worker, s sums, p piece, kvHead int)) *fold {
	l, heads := r.l, r.l.c.KVHeads
	f := &fold{r: r, back: back, add: add, mem: r.get(l.states*heads, l.sumsLen())}
	if rows := l.borderRows(back); border.Rows != rows {
		border = r.get(rows, l.sumsLen())
	}
	partial, prefix := l.incoming(back)
	take := func(wanted bool) (m tensor.Mat) {
		switch {
		case !wanted:
		case l.c.Causal:
			m, border = border.SliceRows(0, heads), border.SliceRows(heads, border.Rows)
		default:
			m = r.get(heads, l.sumsLen())
		}
		return m
	}
	f.partial, f.prefix = take(partial), take(prefix)
	if !l.c.Causal {
		f.totals = border
	}
	return f
}

// borderRows is the rows of a fold's border.
func (l *Linear) borderRows(back bool) int {
	if !l.c.Causal {
		return len(l.openSequences()) * l.c.KVHeads
	}
	rows := 0
	partial, prefix := l.incoming(back)
	if partial {
		rows += l.c.KVHeads
	}
	if prefix {
		rows += l.c.KVHeads
	}
	return rows
}

// openSequences lists the sequences of which tokens lie elsewhere: none, one or two.
func (l *Linear) openSequences() (open []int) {
	for i := range l.seqs {
		if l.seqs[i].open() {
			open = append(open, i)
		}
	}
	return open
}

// upstream and downstream are the sequences that go on in either direction, or nil.
func (l *Linear) upstream(back bool) *sequence {
	if n := len(l.seqs); n > 0 && back && l.seqs[n-1].after() {
		return &l.seqs[n-1]
	} else if n > 0 && !back && l.seqs[0].before() {
		return &l.seqs[0]
	}
	return nil
}

func (l *Linear) downstream(back bool) *sequence { return l.upstream(!back) }

// incoming reports whether partial sums and a prefix come from upstream.
func (l *Linear) incoming(back bool) (partial, prefix bool) {
	s := l.upstream(back)
	switch {
	case s == nil:
		return false, false
	case back:
		return s.crosses(s.To, back)
	}
	return s.crosses(s.From, back)
}

// outgoing reports whether partial sums and a prefix go downstream.
func (l *Linear) outgoing(back bool) (partial, prefix bool) {
	s := l.downstream(back)
	switch {
	case s == nil:
		return false, false
	case back:
		return s.crosses(s.From, back)
	}
	return s.crosses(s.To, back)
}

// crosses reports whether a range is under way before token at, and whether ranges lie before it.
func (s *sequence) crosses(at int, back bool) (partial, prefix bool) {
	if back {
		return at%s.length != 0, (at+s.length-1)/s.length*s.length < s.Of
	}
	return at%s.length != 0, at >= s.length
}

// piece is piece i of s, in the direction of f.
func (f *fold) piece(s *sequence, i int) piece {
	if f.back {
		i = s.pieces - 1 - i
	}
	return f.r.l.pieces[s.first+i]
}

// opens and closes report whether the range of p begins and ends here.
func (f *fold) opens(p piece) bool  { return p.begins && !f.back || p.ends && f.back }
func (f *fold) closes(p piece) bool { return p.ends && !f.back || p.begins && f.back }

// sumsOf views the sums of a state, and states all heads of it.
func (f *fold) sumsOf(state, kvHead int) sums {
	return f.r.l.sumsOf(f.mem.Row(state*f.r.l.c.KVHeads + kvHead))
}

func (f *fold) states(state int) tensor.Mat {
	return f.mem.SliceRows(state*f.r.l.c.KVHeads, (state+1)*f.r.l.c.KVHeads)
}

// needed is the number of pieces of s whose sums are needed: under a causal mask only what comes before the last walk, or all if more
// tokens follow elsewhere. n is as in run.
func (f *fold) needed(s *sequence, n Neighbours) int {
	l := f.r.l
	switch {
	case l.pieces[s.first].state == whole || !l.c.Causal && s.open() && n == nil:
		return 0
	case !l.c.Causal || s == l.downstream(f.back) && n != nil:
		return s.pieces
	case f.back:
		return s.pieces - s.walks[0].pieces
	}
	return s.pieces - s.walks[len(s.walks)-1].pieces
}

// run computes the sums. n is nil where the border is known from the forward pass, and nothing is exchanged. What can go downstream goes
// before what waits for sums from upstream.
func (f *fold) run(n Neighbours) error {
	l, from, to := f.r.l, Before, After
	if f.back {
		from, to = to, from
	}
	up, down := l.upstream(f.back), l.downstream(f.back)
	tail := piece{state: whole} // the range that goes on downstream
	sendPartial, sendPrefix := l.outgoing(f.back)
	if sendPartial && n != nil {
		tail = f.piece(down, down.pieces-1)
		if f.opens(tail) {
			f.sum(tail)
			n.Send(to, f.states(tail.state))
		}
	}
	var rest []piece
	for i := range l.seqs {
		for j := range f.needed(&l.seqs[i], n) {
			if p := f.piece(&l.seqs[i], j); f.opens(p) && p.state != tail.state {
				rest = append(rest, p)
			}
		}
	}
	f.sum(rest...)
	if n != nil {
		if err := f.receive(n, from); err != nil {
			return err
		}
	}
	if f.partial.Rows > 0 && f.needed(up, n) > 0 {
		head := f.piece(up, 0)
		f.sum(head)
		if head.state == tail.state {
			n.Send(to, f.states(head.state))
		}
	}
	f.join(n)
	if sendPrefix && n != nil {
		n.Send(to, f.last(down))
	}
	return f.total(n)
}

// receive waits for what comes from upstream.
func (f *fold) receive(n Neighbours, from Place) error {
	for _, m := range []tensor.Mat{f.partial, f.prefix} {
		if m.Rows > 0 {
			if err := n.Receive(from, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// sum computes the sums of pieces by themselves. That of a range which did not begin here goes on from the partial sums.
func (f *fold) sum(pieces ...piece) {
	heads := f.r.l.c.KVHeads
	if f.r.dry {
		return
	}
	pool.Run(f.r.x.Threads, len(pieces)*heads, func(worker, i int) {
		p, head := pieces[i/heads], i%heads
		s := f.sumsOf(p.state, head)
		if f.opens(p) {
			s.reset(f.r.l.c.Feature)
		} else {
			s.copyFrom(f.r.l.sumsOf(f.partial.Row(head)))
		}
		f.add(f.r.workers[worker], s, p, head)
	})
}

// join adds the sums of all ranges before to those of each whole range.
func (f *fold) join(n Neighbours) {
	heads := f.r.l.c.KVHeads
	if f.r.dry {
		return
	}
	pool.Run(f.r.x.Threads, len(f.r.l.seqs)*heads, func(_, i int) {
		s, head := &f.r.l.seqs[i/heads], i%heads
		var before sums
		if s == f.r.l.upstream(f.back) && f.prefix.Rows > 0 {
			before = f.r.l.sumsOf(f.prefix.Row(head))
		}
		for j := range f.needed(s, n) {
			p := f.piece(s, j)
			if !f.closes(p) {
				return
			}
			own := f.sumsOf(p.state, head)
			if !before.none() {
				own.join(before, own)
			}
			before = own
		}
	})
}

// last is the sums of all ranges of s up to the last whole one here, which may lie upstream.
func (f *fold) last(s *sequence) tensor.Mat {
	for i := s.pieces - 1; i >= 0; i-- {
		if p := f.piece(s, i); f.closes(p) {
			return f.states(p.state)
		}
	}
	return f.prefix
}

// total makes the sums of all tokens of open sequences known to all who have tokens of them.
func (f *fold) total(n Neighbours) error {
	if f.r.l.c.Causal || n == nil {
		return nil
	}
	open := f.r.l.openSequences()
	for i, at := range open {
		if s := &f.r.l.seqs[at]; !s.after() {
			total := f.totalOf(i)
			if !total.Dry() {
				copy(total.F32, f.last(s).F32)
			}
			n.Send(Others, total)
		}
	}
	for i, at := range open {
		if f.r.l.seqs[at].after() {
			if err := n.Receive(End, f.totalOf(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// totalOf is the total of open sequence i.
func (f *fold) totalOf(i int) tensor.Mat {
	return f.totals.SliceRows(i*f.r.l.c.KVHeads, (i+1)*f.r.l.c.KVHeads)
}

// all is the sums of all tokens of the sequence of a piece, which is cut.
func (f *fold) all(p piece, kvHead int) sums {
	s := &f.r.l.seqs[p.seq]
	if !s.open() {
		return f.sumsOf(f.r.l.pieces[s.first+s.pieces-1].state, kvHead)
	}
	i := 0
	if p.seq != f.r.l.openSequences()[0] {
		i = 1
	}
	return f.r.l.sumsOf(f.totalOf(i).Row(kvHead))
}

// start puts the sums of the range under way at a walk's beginning into s, and returns those of all ranges before it: none if there are
// none.
func (f *fold) start(s sums, w walk, kvHead int) (before sums) {
	q := &f.r.l.seqs[w.seq]
	i := w.first - q.first // pieces of the sequence before
	if f.back {
		i = q.first + q.pieces - w.first - w.pieces
	}
	s.reset(f.r.l.c.Feature)
	switch up := f.r.l.upstream(f.back); {
	case i > 0:
		return f.sumsOf(f.piece(q, i-1).state, kvHead)
	case q != up:
		return sums{}
	}
	if f.partial.Rows > 0 {
		s.copyFrom(f.r.l.sumsOf(f.partial.Row(kvHead)))
	}
	if f.prefix.Rows > 0 {
		return f.r.l.sumsOf(f.prefix.Row(kvHead))
	}
	return sums{}
}
