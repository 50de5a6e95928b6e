package mechanism

import (
	"slices"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// relay forms sums that go from rank to rank: each rank of a chain adds its rows to what the rank before has, and the last sends the sum to
// its owner. A span of positions has few ranks, mostly one or two, so that spans are summed side by side.
type relay struct {
	s        *parallel.Share
	x        tensor.Exec
	sums     tensor.Mat // those that this rank adds to
	own      tensor.Mat // those of its own rows
	parts    []part     // of sums
	ownParts []part     // of own
	mem      []tensor.Mat
	pending  []parallel.Pending
}

// part is a sum that a rank adds to.
type part struct {
	sum
	row       int  // the first of its rows
	link      int  // the rank's place in the chain
	continues bool // another rank is before it
}

// newRelay lists the sums of this rank, with rows of a width. They are dry if like is.
func newRelay(s *parallel.Share, x tensor.Exec, all []sum, width int, like tensor.Mat) *relay {
	r := &relay{s: s, x: x}
	rank, rows, ownRows := s.Engine.Rank(), 0, 0
	for _, sum := range all {
		if at := slices.Index(sum.chain, rank); at >= 0 {
			r.parts = append(r.parts, part{sum, rows, at, at > 0})
			rows += sum.rows
		}
		if sum.owner == rank {
			r.ownParts = append(r.ownParts, part{sum: sum, row: ownRows})
			ownRows += sum.rows
		}
	}
	r.sums, r.own = r.get(rows, width, like), r.get(ownRows, width, like)
	return r
}

func (r *relay) get(rows, cols int, like tensor.Mat) tensor.Mat {
	m := r.x.Pool.Get(tensor.F32, rows, cols)
	r.mem = append(r.mem, m)
	if like.Dry() {
		m.F32 = nil
	}
	return m
}

// free gives the memory of the sums back.
func (r *relay) free() {
	for _, m := range r.mem {
		r.x.Pool.Put(m)
	}
}

// run forms all sums: add adds the own rows to some of them. Parts from one rank to another are posted in one order on both: sums that the
// sender began, sums that it went on with, and sums for their owner.
func (r *relay) run(name string, add func(sums tensor.Mat, of []part) error) error {
	begun := slices.DeleteFunc(slices.Clone(r.parts), func(p part) bool { return p.continues })
	goesOn := slices.DeleteFunc(slices.Clone(r.parts), func(p part) bool { return !p.continues })
	head := r.begin(name, nil, r.heads(goesOn))
	if err := add(r.sums, begun); err != nil {
		return err
	}
	r.begin(name, r.tails(begun), nil)
	if err := head.Wait(); err != nil {
		return err
	}
	if err := add(r.sums, goesOn); err != nil {
		return err
	}
	r.begin(name, r.tails(goesOn), nil)
	r.begin(name, r.results(), r.arriving())
	for _, p := range r.pending {
		if err := p.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// begin posts an exchange, unless it is empty.
func (r *relay) begin(name string, send, recv []parallel.Part) parallel.Pending {
	if len(send)+len(recv) == 0 {
		return nothing{}
	}
	p := r.s.Engine.Begin(name, send, recv)
	r.pending = append(r.pending, p)
	return p
}

// nothing is an exchange of nothing.
type nothing struct{}

func (nothing) Wait() error { return nil }

// rows views the rows of a part.
func (r *relay) rows(of tensor.Mat, p part) tensor.Mat { return of.SliceRows(p.row, p.row+p.sum.rows) }

// heads are the sums that other ranks have begun or gone on with, those that were begun first.
func (r *relay) heads(goesOn []part) (recv []parallel.Part) {
	for _, begun := range []bool{true, false} {
		for _, p := range goesOn {
			if begun == (p.link == 1) {
				recv = append(recv, parallel.MatPart(p.chain[p.link-1], r.rows(r.sums, p)))
			}
		}
	}
	return recv
}

// tails are the sums that the next rank goes on with.
func (r *relay) tails(of []part) (send []parallel.Part) {
	for _, p := range of {
		if p.link+1 < len(p.chain) {
			send = append(send, parallel.MatPart(p.chain[p.link+1], r.rows(r.sums, p)))
		}
	}
	return send
}

// results are the sums that are whole, for other owners. Those of own rows are copied.
func (r *relay) results() (send []parallel.Part) {
	own := 0
	for _, p := range r.parts {
		if p.link+1 < len(p.chain) {
			continue
		}
		if p.owner != r.s.Engine.Rank() {
			send = append(send, parallel.MatPart(p.owner, r.rows(r.sums, p)))
			continue
		}
		for r.ownParts[own].at != p.at || r.ownParts[own].span != p.span || r.ownParts[own].sequence != p.sequence {
			own++
		}
		if !r.sums.Dry() {
			r.rows(r.own, r.ownParts[own]).CopyFrom(r.rows(r.sums, p))
		}
	}
	return send
}

// arriving are the sums of own rows that other ranks finish.
func (r *relay) arriving() (recv []parallel.Part) {
	for _, p := range r.ownParts {
		if last := p.chain[len(p.chain)-1]; last != r.s.Engine.Rank() {
			recv = append(recv, parallel.MatPart(last, r.rows(r.own, p)))
		}
	}
	return recv
}
