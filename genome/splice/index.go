package splice

import (
	"cmp"
	"slices"
	"sort"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/fasta"
)

// Index finds the genes of a reference by place. It is safe for concurrent use.
type Index struct {
	contigs map[string]*contig // by the reference's names
	Genes   int                // in all
	Skipped map[string]int     // transcripts on contigs that the reference does not have, by the annotation's names
}

// contig is the genes of a contig by their first base.
type contig struct {
	genes []*Gene
	ends  []int // the largest end up to each
}

// NewIndex places the genes of an annotation on a reference, in which names of contigs may be others (see fasta.Canonical). A transcript
// beyond the end of its contig is an error: the annotation is of another assembly.
func NewIndex(ref *fasta.Reference, set *annotation.Set) (*Index, error) {
	names := map[string]fasta.Contig{}
	genes, skipped, err := joined(set, func(name string) (int, bool) {
		c, seen := names[name]
		if !seen {
			c, _ = ref.Find(name) // the transcripts are counted
			names[name] = c
		}
		return c.Length, c.Length > 0
	})
	if err != nil {
		return nil, err
	}
	x := &Index{contigs: map[string]*contig{}, Genes: len(genes), Skipped: skipped}
	for _, g := range genes {
		g.Contig = names[g.Contig].Name
		if x.contigs[g.Contig] == nil {
			x.contigs[g.Contig] = &contig{}
		}
		x.contigs[g.Contig].genes = append(x.contigs[g.Contig].genes, g)
	}
	for _, c := range x.contigs {
		slices.SortStableFunc(c.genes, func(a, b *Gene) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
		end := 0
		for _, g := range c.genes {
			end = max(end, g.Span.End)
			c.ends = append(c.ends, end)
		}
	}
	return x, nil
}

// At is the genes that have the base at, from 0, of a contig of the reference, by their first base. ok is false for a contig without
// genes.
func (x *Index) At(name string, at int) (genes []*Gene, ok bool) {
	c := x.contigs[name]
	if c == nil {
		return nil, false
	}
	for i := sort.Search(len(c.genes), func(i int) bool { return c.genes[i].Span.Start > at }) - 1; i >= 0 && c.ends[i] > at; i-- {
		if c.genes[i].Span.End > at {
			genes = append(genes, c.genes[i])
		}
	}
	slices.Reverse(genes)
	return genes, true
}
