package evaluate

import (
	"fmt"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome/coding"
)

// CodingRow is a consequence of substitutions in coding parts.
type CodingRow struct {
	Consequence string   `json:"consequence"`
	SNVs        int      `json:"snvs"`
	Expected    float64  `json:"expected"` // by the share of matched substitutions that have it
	Singletons  int      `json:"singletons"`
	Common      int      `json:"common"`
	MeanSNV     *float64 `json:"mean_llr,omitempty"`
	MeanDrawn   *float64 `json:"mean_llr_matched,omitempty"`
}

// reading frame of a transcript.
type frame struct {
	transcript annotation.Transcript
	letters    []dna.Base // of the coding parts, on the strand of the gene
}

// frames are the transcripts of a region whose coding parts are whole codons. others counts those that are not.
func (e *Evaluation) frames(ref *fasta.Reference) (all []frame, others int, err error) {
	r := e.options.Region
	for _, t := range e.options.Genes.In(r.Contig.Name, dna.Span{Start: r.Start, End: r.End}) {
		var letters []dna.Base
		for _, s := range t.CDS {
			if letters, err = ref.Bases(letters, fasta.Window{Contig: r.Contig.Name, Start: s.Start, End: s.End}); err != nil {
				return nil, 0, err
			}
		}
		if len(letters) == 0 {
			continue
		}
		if len(letters)%3 != 0 {
			others++
			continue
		}
		for i, b := range letters {
			letters[i] = b.Code()
		}
		if t.Reverse {
			dna.ReverseComplement(letters)
		}
		all = append(all, frame{t, letters})
	}
	return all, others, nil
}

// of is what a substitution does to the protein of a frame.
func (f *frame) of(s Substitution) coding.Consequence {
	i, ok := within(f.transcript.CDS, s.Pos)
	if !ok {
		return coding.None
	}
	alt := s.Alt
	if f.transcript.Reverse {
		i, alt = len(f.letters)-1-i, alt.Complement()
	}
	return coding.Of(f.letters, i, alt)
}

// within is the number of bases of sorted spans before a position that lies in one of them.
func within(spans []dna.Span, pos int) (before int, ok bool) {
	for _, s := range spans {
		if pos < s.Start {
			break
		}
		if pos < s.End {
			return before + pos - s.Start, true
		}
		before += s.Len()
	}
	return 0, false
}

// coding counts by consequence.
func (e *Evaluation) coding(ref *fasta.Reference) ([]CodingRow, error) {
	if e.options.Genes == nil {
		return nil, nil
	}
	frames, others, err := e.frames(ref)
	if err != nil {
		return nil, err
	}
	if others > 0 {
		e.Notes = append(e.Notes, fmt.Sprintf("%d transcripts whose coding parts are not whole codons have no consequences", others))
	}
	if len(frames) == 0 {
		return nil, nil
	}
	t := e.test
	var rows [coding.Consequences]CodingRow
	var scores, drawnScores [coding.Consequences][]float64
	var drawn [coding.Consequences]int
	first := len(t.snvs) + len(t.random)
	for i, s := range t.items {
		if i >= len(t.snvs) && i < first {
			continue
		}
		c := coding.None
		for k := range frames {
			c = max(c, frames[k].of(s))
		}
		into := &scores[c]
		if i >= first {
			drawn[c]++
			into = &drawnScores[c]
		} else {
			rows[c].add(t.snvs[i])
		}
		if t.opinions != nil {
			*into = append(*into, t.opinions[i].llr())
		}
	}
	for c := range rows {
		rows[c].Consequence = coding.Consequence(c).String()
		rows[c].Expected = float64(drawn[c]) * float64(len(t.snvs)) / float64(max(1, len(t.matched)))
		rows[c].MeanSNV, rows[c].MeanDrawn = mean(scores[c]), mean(drawnScores[c])
	}
	return rows[coding.Synonymous:], nil
}

func (r *CodingRow) add(s SNV) {
	r.SNVs++
	if s.Singleton() {
		r.Singletons++
	}
	if s.Common() {
		r.Common++
	}
}
