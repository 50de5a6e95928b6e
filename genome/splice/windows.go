package splice

import (
	"errors"
	"fmt"
	"sort"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// WindowConfig configures Windows.
type WindowConfig struct {
	Tokens int    // bases a window
	Near   int    // windows lie where a site is at most this many bases away; 0: over whole genes
	Move   bool   // begin every epoch elsewhere
	Seed   uint64 // of Move
}

// Windows is a data.Dataset of windows over the sense strand of genes. All candidates of the gene in a window have a target. Bases beside
// the gene are context without targets. Without Move each base has its target once.
type Windows struct {
	config WindowConfig
	pieces []piece
}

// piece is a part of a gene that windows cover.
type piece struct {
	gene         *Gene
	from, to     int // positions of the gene
	first, count int // windows: the number of the first, and how many there are
}

// NewWindows returns the windows of genes.
func NewWindows(genes []*Gene, c WindowConfig) (*Windows, error) {
	if c.Tokens < 2 || c.Near < 0 {
		return nil, fmt.Errorf("splice: windows of %d bases, %d bases around sites; expected at least 2, and 0 or more", c.Tokens, c.Near)
	}
	w := &Windows{config: c}
	for _, g := range genes {
		for _, s := range g.around(c.Near) {
			n := (s.Len() + c.Tokens - 1) / c.Tokens
			w.pieces = append(w.pieces, piece{g, s.Start, s.End, w.Len(), n})
		}
	}
	if w.Len() == 0 {
		return nil, errors.New("splice: the genes have no bases to learn from; expected genes with introns")
	}
	return w, nil
}

// around is the parts of g in which a site is at most near bases away; all of g for 0.
func (g *Gene) around(near int) (parts []dna.Span) {
	if near == 0 {
		return []dna.Span{{Start: 0, End: g.Len()}}
	}
	sites := append(append([]int(nil), g.Donors...), g.Acceptors...)
	sort.Ints(sites)
	for _, at := range sites {
		s := dna.Span{Start: max(0, at-near), End: min(g.Len(), at+near+1)}
		if last := len(parts) - 1; last >= 0 && parts[last].End >= s.Start {
			parts[last].End = s.End
		} else {
			parts = append(parts, s)
		}
	}
	return parts
}

// Len is the windows of an epoch.
func (w *Windows) Len() int {
	if len(w.pieces) == 0 {
		return 0
	}
	last := w.pieces[len(w.pieces)-1]
	return last.first + last.count
}

// Window is a window of a gene: positions of the gene, which may lie outside of it.
type Window struct {
	Gene   *Gene
	Read   dna.Span // the bases that the model sees
	Scored dna.Span // those of them that may have a target
}

// Place is window index of an epoch.
func (w *Windows) Place(epoch, index int) Window {
	at := sort.Search(len(w.pieces), func(i int) bool { return w.pieces[i].first > index }) - 1
	p, i := w.pieces[at], index-w.pieces[at].first
	low, high := p.gene.bounds()
	n := min(w.config.Tokens, high-low)
	scored := dna.Span{Start: p.from + i*n, End: min(p.from+(i+1)*n, p.to)}
	slack := p.to - p.from - n
	from := min(scored.Start, p.from+slack)
	if slack < 0 {
		from = p.from + slack/2 // the piece is in the middle
	}
	if w.config.Move {
		phase := data.NewRandom(w.config.Seed, uint64(epoch)<<32|uint64(at)).IntN(max(slack, -slack) + 1)
		if slack < 0 {
			from = p.from - phase // all of the piece, anywhere in the window
		} else {
			from = p.from + (phase+i*n)%(slack+1)
		}
	}
	from = max(low, min(from, high-n))
	if w.config.Move {
		scored = dna.Span{Start: from, End: from + n}
	}
	return Window{p.gene, dna.Span{Start: from, End: from + n}, scored}
}

// Append adds window index of an epoch to dst.
func (w *Windows) Append(dst *data.Batch, epoch, index int) error {
	if index < 0 || index >= w.Len() {
		return fmt.Errorf("splice: window %d of %d", index, w.Len())
	}
	at := w.Place(epoch, index)
	begin, n := len(dst.Tokens), at.Read.Len()
	dst.Tokens = append(dst.Tokens, make([]int32, n)...)
	dst.Targets = append(dst.Targets, make([]int32, n)...)
	dst.Lengths = append(dst.Lengths, n)
	at.Gene.Tokens(dst.Tokens[begin:], at.Read.Start)
	targets := dst.Targets[begin:]
	at.Gene.Targets(targets, at.Read.Start)
	for i := range targets {
		if position := at.Read.Start + i; position < at.Scored.Start || position >= at.Scored.End {
			targets[i] = data.Ignore
		}
	}
	return nil
}
