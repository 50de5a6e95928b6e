package genome

import (
	"fmt"
	"io"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genbank"
)

// The tags of bases on the strand that is read. Bases of pseudogenes, and of genes whose product is not known, have
// none: they are data.Ignore.
const (
	TagBetween int32 = iota // between genes, in an intron or in an untranslated region
	TagForward              // in the CDS of a gene on the strand that is read
	TagReverse              // in the CDS of a gene on the other strand
	TagRNA                  // in an RNA, on either strand
)

// TagNames are the names of the tags, by number.
func TagNames() []string { return []string{"between genes", "coding forward", "coding reverse", "RNA"} }

// Annotation is the genes of a sequence.
type Annotation struct {
	known, unknown overlaps[Gene] // unknown: of the kind unknown
}

// NewAnnotation takes genes sorted by their first base, as ReadGenes and GenesOf give them.
func NewAnnotation(genes []Gene) *Annotation {
	var known, unknown []Gene
	for _, g := range genes {
		if g.Kind == "unknown" {
			unknown = append(unknown, g)
		} else {
			known = append(known, g)
		}
	}
	return &Annotation{newOverlaps(known, Gene.Span), newOverlaps(unknown, Gene.Span)}
}

// Tags writes the tags of span's bases on a strand to dst, one each.
// Where genes overlap the first of them counts, and one of an unknown kind counts last.
func (a *Annotation) Tags(dst []int32, span dna.Span, strand dna.Strand) {
	clear(dst)
	for _, genes := range []overlaps[Gene]{a.unknown, a.known} {
		genes.backward(span, func(g Gene) { // the first gene is the last to write
			for at := max(g.Start, span.Start); at < min(g.End, span.End); at++ {
				dst[at-span.Start] = g.tag(strand)
			}
		})
	}
	if strand == dna.Reverse {
		slices.Reverse(dst)
	}
}

// ignored is how many bases of spans have no tag.
func (a *Annotation) ignored(spans []genbank.Span) (n int) {
	for _, s := range spans {
		tags := make([]int32, s.End-s.Start)
		a.Tags(tags, dna.Span{Start: s.Start, End: s.End}, dna.Forward)
		for _, tag := range tags {
			if tag == data.Ignore {
				n++
			}
		}
	}
	return n
}

// hash writes to h what the tags depend on.
func (a *Annotation) hash(h io.Writer) {
	for _, genes := range [][]Gene{a.known.items, a.unknown.items} {
		fmt.Fprintf(h, "%d genes", len(genes))
		for _, g := range genes {
			fmt.Fprintf(h, " %d %d %d", g.Start, g.End, g.tag(dna.Forward))
		}
	}
}

// tag is the tag of g's bases on a strand.
func (g Gene) tag(strand dna.Strand) int32 {
	switch {
	case !g.Tagged():
		return data.Ignore
	case g.Kind != "CDS":
		return TagRNA
	case dna.Strand(g.Reverse) == strand:
		return TagForward
	}
	return TagReverse
}

// TaggedWindows is Windows whose targets are the tags of the bases: a data.Dataset for models that see both sides of a
// base. Without Move and BothStrands each base has its tag once in an epoch.
type TaggedWindows struct {
	*Windows
	genes map[*dna.Sequence]*Annotation
}

// NewTaggedWindows returns the windows of sequences with their genes, one annotation each. Repeats cannot be planted,
// because they have no tags.
func NewTaggedWindows(sequences []*dna.Sequence, genes []*Annotation, c WindowConfig) (*TaggedWindows, error) {
	if len(genes) != len(sequences) || c.Repeats != 0 {
		return nil, fmt.Errorf("genome: %d annotations for %d sequences and repeats of %g; expected one for each, and no repeats",
			len(genes), len(sequences), c.Repeats)
	}
	windows, err := NewWindows(sequences, c)
	if err != nil {
		return nil, err
	}
	t := &TaggedWindows{windows, map[*dna.Sequence]*Annotation{}}
	for i, s := range sequences {
		t.genes[s] = genes[i]
	}
	return t, nil
}

// Append adds window index of an epoch to dst.
func (t *TaggedWindows) Append(dst *data.Batch, epoch, index int) error {
	begin := len(dst.Tokens)
	s, span, strand, err := t.appendWindow(dst, epoch, index)
	if err != nil {
		return err
	}
	dst.Targets = append(dst.Targets, make([]int32, span.Len())...)
	tags := dst.Targets[begin:]
	t.genes[s].Tags(tags, span, strand)
	if !t.config.Move && strand == dna.Forward && index > 0 {
		// The last window of a contig lies over the one before it: no base has a tag twice in an epoch.
		if before, last, _ := t.Place(epoch, index-1); before == s {
			for i := span.Start; i < last.End; i++ {
				tags[i-span.Start] = data.Ignore
			}
		}
	}
	return nil
}
