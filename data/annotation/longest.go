package annotation

import (
	"cmp"
	"slices"

	"github.com/longspan/longspan/data/fasta"
)

// Longest is the set with one transcript of each gene: the one with the most coding bases, of these the one with the most bases of exons,
// of these the first. A gene is what has the same GeneID, contig and strand. Where there is no GeneID it is what has the same name, contig
// and strand, and overlaps: symbols such as Y_RNA have hundreds of places.
func (s *Set) Longest() *Set {
	var best []int
	for _, gene := range s.genes() {
		longest := gene[0]
		for _, i := range gene[1:] {
			if s.longer(i, longest) {
				longest = i
			}
		}
		best = append(best, longest)
	}
	slices.Sort(best)
	all := make([]Transcript, len(best))
	for k, i := range best {
		all[k] = s.Transcripts[i]
	}
	return newSet(s.Format, all, slices.Clone(s.Notes))
}

func (s *Set) longer(i, j int) bool {
	a, b := &s.Transcripts[i], &s.Transcripts[j]
	return cmp.Or(cmp.Compare(count(a.CDS), count(b.CDS)), cmp.Compare(count(a.Exons), count(b.Exons)), cmp.Compare(j, i)) > 0
}

// genes groups the places of transcripts.
func (s *Set) genes() (all [][]int) {
	type key struct {
		id, name, contig string
		reverse          bool
	}
	groups := map[key][]int{}
	var order []key
	for i := range s.Transcripts {
		t := &s.Transcripts[i]
		k := key{id: t.GeneID, contig: fasta.Canonical(t.Contig), reverse: t.Reverse}
		if k.id == "" {
			k.name = t.Gene
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	for _, k := range order {
		if k.id != "" {
			all = append(all, groups[k])
			continue
		}
		all = append(all, s.clusters(groups[k])...)
	}
	return all
}

// clusters splits transcripts where no two of them overlap.
func (s *Set) clusters(group []int) (all [][]int) {
	slices.SortStableFunc(group, func(a, b int) int {
		return cmp.Compare(s.Transcripts[a].Span.Start, s.Transcripts[b].Span.Start)
	})
	end := 0
	for k, i := range group {
		span := s.Transcripts[i].Span
		if k == 0 || span.Start >= end {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], i)
		end = max(end, span.End)
	}
	return all
}
