package annotation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// reason is why something was left out, or what else a note says of it.
type reason int

const (
	isTransSpliced reason = iota
	isUnstranded
	hasNoParts
	isGeneAlone
	hasNoParent
	hasNoExons
	isPseudo
	isInexact
	reasons
)

// left counts what a note says.
type left struct {
	n     int
	first string
}

var reasonTexts = [reasons]string{
	"left out: transcripts that are trans-spliced, have exons on both strands, or reach over the origin of a circle: %d; the first is %s",
	"left out: transcripts without a strand: %d; the first is %s",
	"left out: transcripts without an exon and a coding part: %d; the first is %s",
	"left out: genes without a transcript: %d; the first is %s",
	"left out: exons, UTRs and stop codons that belong to nothing: %d; the first is %s",
	"coding parts and UTRs are taken for exons, where a transcript has no rows of exons: %d; the first is %s",
	"left out: pseudogenes: %d; the first is %s",
	"left out: transcripts without exact ends, or with parts in other records: %d; the first is %s",
}

func (b *builder) leave(why reason, name string, line int32) {
	x := &b.left[why]
	if x.n++; x.n == 1 {
		x.first = fmt.Sprintf("%q (line %d)", name, line)
	}
}

// notes says what was left out.
func (b *builder) notes() (notes []string) {
	for why, x := range b.left {
		if x.n > 0 {
			notes = append(notes, fmt.Sprintf(reasonTexts[why], x.n, x.first))
		}
	}
	if len(b.types) > 0 {
		notes = append(notes, "rows of other types are not used: "+listed(b.types))
	}
	return notes
}

// listed writes the most frequent types with their numbers.
func listed(types map[string]int) string {
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(types[b], types[a]), cmp.Compare(a, b)) })
	var text strings.Builder
	for i, name := range names {
		if i == 10 {
			fmt.Fprintf(&text, ", and %d other types", len(names)-i)
			break
		}
		if i > 0 {
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "%s (%d)", name, types[name])
	}
	return text.String()
}
