package annotation

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
)

// index finds the transcripts of a contig by place.
type index struct {
	order []int32 // of Transcripts, by start
	spans []dna.Span
	ends  []int // the largest end up to each of spans
}

func places(transcripts []Transcript) map[string]*index {
	all := map[string]*index{}
	names := map[string]string{}
	for i := range transcripts {
		contig := transcripts[i].Contig
		short, ok := names[contig]
		if !ok {
			short = fasta.Canonical(contig)
			names[contig] = short
		}
		if all[short] == nil {
			all[short] = &index{}
		}
		all[short].order = append(all[short].order, int32(i))
	}
	for _, x := range all {
		slices.SortStableFunc(x.order, func(a, b int32) int { return cmp.Compare(transcripts[a].Span.Start, transcripts[b].Span.Start) })
		end := 0
		for _, i := range x.order {
			end = max(end, transcripts[i].Span.End)
			x.spans, x.ends = append(x.spans, transcripts[i].Span), append(x.ends, end)
		}
	}
	return all
}

// In is the transcripts that overlap a span of a contig, in the order of the file. The contig may have any of its names (see
// fasta.Canonical). The cost is that of the transcripts between the first and the last that overlap.
func (s *Set) In(contig string, span dna.Span) []Transcript {
	x := s.contigs[fasta.Canonical(contig)]
	if x == nil || span.Len() <= 0 {
		return nil
	}
	var found []int32
	for i := sort.Search(len(x.spans), func(i int) bool { return x.spans[i].Start >= span.End }) - 1; i >= 0 && x.ends[i] > span.Start; i-- {
		if x.spans[i].End > span.Start {
			found = append(found, x.order[i])
		}
	}
	slices.Sort(found)
	all := make([]Transcript, len(found))
	for i, k := range found {
		all[i] = s.Transcripts[k]
	}
	return all
}

// severalNames has a note for each contig that a file names in several ways.
func severalNames(transcripts []Transcript) (notes []string) {
	names := map[string][]string{}
	for i := range transcripts {
		short := fasta.Canonical(transcripts[i].Contig)
		if !slices.Contains(names[short], transcripts[i].Contig) {
			names[short] = append(names[short], transcripts[i].Contig)
		}
	}
	for short, all := range names {
		if len(all) > 1 {
			notes = append(notes, fmt.Sprintf("contig %s has several names: %q; they count as one", short, all))
		}
	}
	slices.Sort(notes)
	return notes
}
