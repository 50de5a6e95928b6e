package genome

import (
	"fmt"
	"slices"
	"sort"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// The tags of bases, by what lies on them, on the strand that is read. Pseudogenes have none: they are data.Ignore.
const (
	TagBetween int32 = iota // between genes
	TagForward              // a gene that makes a protein, on the strand that is read
	TagReverse              // such a gene on the other strand
	TagRNA                  // a gene of RNA, on either strand
)

// TagNames are the names of the tags, by number.
func TagNames() []string { return []string{"between genes", "coding forward", "coding reverse", "RNA"} }

// Annotation is the genes of a sequence.
type Annotation struct {
	genes []Gene // by their first base
	reach []int  // the greatest end of the genes up to each
}

// NewAnnotation takes genes sorted by their first base, as ReadGenes and GenesOf give them.
func NewAnnotation(genes []Gene) *Annotation {
	a := &Annotation{genes: genes, reach: make([]int, len(genes))}
	end := 0
	for i, g := range genes {
		end = max(end, g.End)
		a.reach[i] = end
	}
	return a
}

// Tags writes the tags of span's bases to dst, one each; with reverse those of the other strand, in its own direction. Where genes
// overlap the first of them counts.
func (a *Annotation) Tags(dst []int32, span dna.Span, reverse bool) {
	clear(dst)
	after := sort.Search(len(a.genes), func(i int) bool { return a.genes[i].Start >= span.End })
	// From the last gene to the first, so that the first has the last word.
	for i := after - 1; i >= 0 && a.reach[i] > span.Start; i-- {
		g := a.genes[i]
		for at := max(g.Start, span.Start); at < min(g.End, span.End); at++ {
			dst[at-span.Start] = g.tag(reverse)
		}
	}
	if reverse {
		slices.Reverse(dst)
	}
}

// tag is the tag of g's bases on a strand.
func (g Gene) tag(reverse bool) int32 {
	switch {
	case g.Kind == "pseudo":
		return data.Ignore
	case g.Kind != "CDS":
		return TagRNA
	case g.Reverse == reverse:
		return TagForward
	}
	return TagReverse
}

// TaggedWindows is Windows whose targets are the tags of the bases: a data.Dataset for models that see both sides of a base. Without
// Move and BothStrands each base has its tag once in an epoch.
type TaggedWindows struct {
	*Windows
	genes map[*dna.Sequence]*Annotation
}

// NewTaggedWindows returns the windows of sequences with their genes, one annotation each; repeats cannot be planted, for they have no tags.
func NewTaggedWindows(sequences []*dna.Sequence, genes []*Annotation, c WindowConfig) (*TaggedWindows, error) {
	if len(genes) != len(sequences) || c.Repeats != 0 {
		return nil, fmt.Errorf("genome: %d annotations for %d sequences and repeats of %g; expected one for each, and no repeats", len(genes), len(sequences), c.Repeats)
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
	if index < 0 || index >= t.Len() {
		return fmt.Errorf("genome: window %d of %d", index, t.Len())
	}
	s, span, reverse := t.Place(epoch, index)
	begin := len(dst.Tokens)
	appendBases(dst, s, span, reverse)
	dst.Targets = append(dst.Targets, make([]int32, span.Len())...)
	tags := dst.Targets[begin:]
	t.genes[s].Tags(tags, span, reverse)
	if !t.config.Move && !reverse && index > 0 {
		// The last window of a stretch lies over the one before it: no base has a tag twice in an epoch.
		if before, last, _ := t.Place(epoch, index-1); before == s {
			for i := span.Start; i < last.End; i++ {
				tags[i-span.Start] = data.Ignore
			}
		}
	}
	return nil
}
