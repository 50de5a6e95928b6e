package score

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
)

// Substitutions are the scores of the three substitutions of a base: LLR as in Score, in nats.
type Substitutions struct {
	Contig string
	Pos    int        // from 0
	Ref    byte       // A, C, G or T
	LLR    [4]float64 // of A, C, G and T; 0 for Ref
}

// MapReport counts the bases of a map.
type MapReport struct {
	Bases   int `json:"bases"`   // that were read
	Mapped  int `json:"mapped"`  // that have scores
	Letters int `json:"letters"` // left out: the letter stands for several bases, such as N
	Alone   int `json:"alone"`   // left out: nothing predicts the base on a strand; an end of the contig or such a letter is beside it
}

// MapOptions say what is mapped.
type MapOptions struct {
	Regions []genome.Region
	From    MapReport // of a map that was stopped: so many bases are done; as Saved had it

	// Base is called with each base that has scores, in order. Chunk is called after the bases of each chunk of the grid, with the counts up
	// to there. Nil: not called.
	Base  func(*Substitutions) error
	Chunk func(MapReport) error
}

// Map scores every substitution of the bases of regions. A score is that of the SNV by site, bit for bit. The cost is that of Sites. When
// ctx is done Map returns ctx's error.
func (s *Scorer) Map(ctx context.Context, o MapOptions) (MapReport, error) {
	m := mapping{scorer: s, options: o, report: o.From}
	if s.options.By == BySequence || s.masked() {
		return m.report, errors.New("score: found a scorer by windows, expected one by site of a model of the next base")
	}
	skip := o.From.Bases
	for _, r := range o.Regions {
		start := r.Start + min(skip, r.End-r.Start)
		skip -= start - r.Start
		if start > r.Start && start < r.End && start%s.grid.chunk != 0 {
			return m.report, fmt.Errorf("score: found %d bases that are done, expected those of whole chunks of %d", o.From.Bases, s.grid.chunk)
		}
		if err := m.region(ctx, r.Contig, dna.Span{Start: start, End: r.End}); err != nil {
			return m.report, err
		}
	}
	return m.report, nil
}

// mapping is a map at work.
type mapping struct {
	scorer  *Scorer
	options MapOptions
	report  MapReport
	base    Substitutions
}

// region maps a part of a contig, chunk by chunk.
func (m *mapping) region(ctx context.Context, c fasta.Contig, span dna.Span) error {
	m.base.Contig = c.Name
	size := m.scorer.grid.chunk
	for at := span.Start; at < span.End; {
		end := min(span.End, (at/size+1)*size)
		if err := m.scorer.Sites(ctx, c.Name, dna.Span{Start: at, End: end}, m.site); err != nil {
			return err
		}
		at = end
		if m.options.Chunk == nil {
			continue
		}
		if err := m.options.Chunk(m.report); err != nil {
			return err
		}
	}
	return nil
}

// site maps a base.
func (m *mapping) site(t Site) error {
	m.report.Bases++
	ref := strings.IndexByte(bases, t.Ref)
	if ref < 0 {
		m.report.Letters++
		return nil
	}
	for alt := range bases {
		var score Score
		if !m.scorer.substitution(&score, t, ref, alt) {
			m.report.Alone++
			return nil
		}
		m.base.LLR[alt] = score.LLR
	}
	m.report.Mapped++
	m.base.Pos, m.base.Ref = t.Pos, t.Ref
	if m.options.Base == nil {
		return nil
	}
	return m.options.Base(&m.base)
}
