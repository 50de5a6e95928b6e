package recipe

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	variants "github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/internal/strict"
)

// parts are a genome cut into what a model learns from, what its choices are made by, and what it is judged by. Entry i of each is a region
// of one sequence; a sequence has as many entries as regions.
type parts [3]struct {
	sequences []*dna.Sequence
	regions   []dna.Span
}

func (p *parts) add(part int, s *dna.Sequence, region dna.Span) {
	p[part].sequences = append(p[part].sequences, s)
	p[part].regions = append(p[part].regions, region)
}

// cut cuts the sequences of g. Without named regions they are cut by genome.SplitOf.
func (g *Genome) cut(sequences []*dna.Sequence) (p parts, err error) {
	if len(g.HoldOut) == 0 {
		regions := regionsOf(sequences)
		for part := range p {
			p[part].sequences, p[part].regions = sequences, regions[part]
		}
		return p, nil
	}
	validation, err := spansOf(sequences, g.Validation)
	if err != nil {
		return p, strict.Under("validation", err)
	}
	test, err := spansOf(sequences, g.HoldOut)
	if err != nil {
		return p, strict.Under("hold_out", err)
	}
	for _, s := range sequences {
		for part, spans := range [][]dna.Span{1: validation[s], 2: test[s]} {
			for _, span := range spans {
				p.add(part, s, span)
			}
		}
		kept, err := without(s, slices.Concat(validation[s], test[s]))
		if err != nil {
			return p, err
		}
		for _, span := range kept {
			p.add(0, s, span)
		}
	}
	if len(p[0].regions) == 0 {
		return p, strict.Wrong("hold_out", "and validation leave nothing to learn from; name smaller regions")
	}
	return p, nil
}

// spansOf reads regions such as 20:900000-4100000, positions from 1.
func spansOf(sequences []*dna.Sequence, regions []string) (map[*dna.Sequence][]dna.Span, error) {
	contigs := make([]fasta.Contig, len(sequences))
	byName := map[string]*dna.Sequence{}
	for i, s := range sequences {
		contigs[i] = fasta.Contig{Name: s.Name, Length: s.Len()}
		byName[s.Name] = s
	}
	names, err := fasta.NewNames("the genome", contigs)
	if err != nil {
		return nil, err
	}
	spans := map[*dna.Sequence][]dna.Span{}
	for _, text := range regions {
		r, err := variants.ParseRegion(names, text)
		if err != nil {
			return nil, err
		}
		s := byName[r.Contig.Name]
		spans[s] = append(spans[s], dna.Span{Start: r.Start, End: r.End})
	}
	return spans, nil
}

// without is what is left of a sequence between regions, which must not overlap.
func without(s *dna.Sequence, regions []dna.Span) (kept []dna.Span, err error) {
	slices.SortFunc(regions, func(a, b dna.Span) int { return cmp.Compare(a.Start, b.Start) })
	from := 0
	for _, r := range regions {
		if r.Start < from {
			return nil, strict.Wrong("hold_out", "and validation overlap at position %d of %s; expected regions that do not", r.Start+1, s.Name)
		}
		if r.Start > from {
			kept = append(kept, dna.Span{Start: from, End: r.Start})
		}
		from = r.End
	}
	if from < s.Len() {
		kept = append(kept, dna.Span{Start: from, End: s.Len()})
	}
	return kept, nil
}

// digest tells the data of regions from those of others.
func (g *Genome) digest(of string) string {
	if len(g.HoldOut) == 0 {
		return of
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint(of, g.HoldOut, g.Validation))))
}
