// Package splice finds splice sites by encoders of DNA, and says what variants do to them.
//
// All of it is about the sense strand of a gene: the strand that its RNA has. Position p of a gene counts from its first base on that
// strand, from 0.
package splice

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
)

// Gene is a gene on a sequence.
type Gene struct {
	Name     string
	Contig   string        // by the annotation
	Sequence *dna.Sequence // nil in an Index
	Span     dna.Span      // of its transcripts
	Strand   dna.Strand

	// Bounds are the bases of the sequence that windows of the gene may read. They contain Span.
	Bounds dna.Span

	// Positions of the sites, ascending. A donor is the last base of an exon that an intron follows. An acceptor is the first base of an
	// exon that an intron comes before (Jaganathan et al. 2019, doi:10.1016/j.cell.2018.12.015).
	Donors, Acceptors []int
}

// Len is the number of bases of g.
func (g *Gene) Len() int { return g.Span.Len() }

// span is where the bases from … to−1 of the gene lie on the sequence. They may lie outside of the gene.
func (g *Gene) span(from, to int) dna.Span {
	if g.Strand == dna.Reverse {
		return dna.Span{Start: g.Span.End - to, End: g.Span.End - from}
	}
	return dna.Span{Start: g.Span.Start + from, End: g.Span.Start + to}
}

// position is the position of a base of the sequence, which may lie outside of the gene.
func (g *Gene) position(at int) int {
	if g.Strand == dna.Reverse {
		return g.Span.End - 1 - at
	}
	return at - g.Span.Start
}

// bounds are the Bounds as positions of the gene: the first is not above 0.
func (g *Gene) bounds() (from, to int) {
	if g.Strand == dna.Reverse {
		return g.Span.End - g.Bounds.End, g.Span.End - g.Bounds.Start
	}
	return g.Bounds.Start - g.Span.Start, g.Bounds.End - g.Span.Start
}

// Tokens fills dst with the bases of the sense strand from position from on. They must lie within the Bounds.
func (g *Gene) Tokens(dst []int32, from int) {
	g.Sequence.Tokens(dst, g.span(from, from+len(dst)).Start, g.Strand)
}

// padded is Tokens with N where the sequence has no bases.
func (g *Gene) padded(dst []int32, from int) {
	span := g.span(from, from+len(dst))
	before, behind := max(0, -span.Start), max(0, span.End-g.Sequence.Len())
	if g.Strand == dna.Reverse {
		before, behind = behind, before
	}
	before, behind = min(before, len(dst)), min(behind, len(dst))
	for i := range dst {
		dst[i] = int32(dna.N)
	}
	if before+behind < len(dst) {
		known := dst[before : len(dst)-behind]
		g.Sequence.Tokens(known, g.span(from+before, from+before+len(known)).Start, g.Strand)
	}
}

// Hash writes to h what the windows of g depend on. The cost is that of a hash of its bases.
func (g *Gene) Hash(h io.Writer) {
	fmt.Fprintf(h, "%v %v %v %v %s", g.Span, g.Strand, g.Donors, g.Acceptors, g.Sequence.String(g.Span.Start, g.Span.End))
}

// Genes makes genes of the transcripts of an annotation that lie on sequences: sequences finds the sequence that the name of a contig
// means, or nil. Transcripts of one gene that overlap are one Gene with the sites of all of them. Those on contigs without a sequence are
// counted in skipped, by contig. A transcript beyond the end of its sequence is an error.
//
// The genes are in the order of contigs in the annotation, and of their first base.
func Genes(set *annotation.Set, sequences func(contig string) *dna.Sequence) (genes []*Gene, skipped map[string]int, err error) {
	genes, skipped, err = joined(set, func(contig string) (int, bool) {
		s := sequences(contig)
		if s == nil {
			return 0, false
		}
		return s.Len(), true
	})
	for _, g := range genes {
		g.Sequence = sequences(g.Contig)
	}
	return genes, skipped, err
}

// joined makes genes without sequences of transcripts on contigs of known length.
func joined(set *annotation.Set, length func(contig string) (bases int, ok bool)) (genes []*Gene, skipped map[string]int, err error) {
	skipped = map[string]int{}
	order := map[string]int{}
	var placed []*annotation.Transcript
	for i := range set.Transcripts {
		t := &set.Transcripts[i]
		n, ok := length(t.Contig)
		if !ok {
			skipped[t.Contig]++
			continue
		}
		if t.Span.Start < 0 || t.Span.End > n {
			return nil, nil, fmt.Errorf("splice: found %s of %s at %d … %d of contig %s, which has %d bases; expected an annotation of the same "+
				"assembly as the reference", t.ID, t.Gene, t.Span.Start+1, t.Span.End, t.Contig, n)
		}
		if _, ok := order[t.Contig]; !ok {
			order[t.Contig] = len(order)
		}
		placed = append(placed, t)
	}
	slices.SortStableFunc(placed, func(a, b *annotation.Transcript) int {
		return cmp.Or(cmp.Compare(order[a.Contig], order[b.Contig]), cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Gene, b.Gene))
	})
	for _, b := range build(placed) {
		n, _ := length(b.contig)
		genes = append(genes, b.gene(n))
	}
	return genes, skipped, nil
}

// build joins sorted transcripts of one gene that overlap.
func build(transcripts []*annotation.Transcript) (all []*builder) {
	type key struct {
		gene, id, contig string
		reverse          bool
	}
	open := map[key]*builder{}
	for _, t := range transcripts {
		k := key{t.Gene, t.GeneID, t.Contig, t.Reverse}
		b := open[k]
		if b == nil || t.Span.Start >= b.span.End {
			b = &builder{name: t.Gene, contig: t.Contig, reverse: t.Reverse, span: t.Span}
			open[k], all = b, append(all, b)
		}
		b.add(t)
	}
	return all
}

// builder is a gene in the making.
type builder struct {
	name, contig      string
	reverse           bool
	span              dna.Span
	donors, acceptors []int // on the sequence
}

func (b *builder) add(t *annotation.Transcript) {
	b.span.End = max(b.span.End, t.Span.End)
	b.donors, b.acceptors = append(b.donors, t.Donors()...), append(b.acceptors, t.Acceptors()...)
}

func (b *builder) gene(contig int) *Gene {
	g := &Gene{Name: b.name, Contig: b.contig, Span: b.span, Strand: dna.Strand(b.reverse), Bounds: dna.Span{Start: 0, End: contig}}
	g.Donors, g.Acceptors = b.donors, b.acceptors
	for _, sites := range []*[]int{&g.Donors, &g.Acceptors} {
		for i, at := range *sites {
			(*sites)[i] = g.position(at)
		}
		slices.Sort(*sites)
		*sites = slices.Compact(*sites)
	}
	return g
}
