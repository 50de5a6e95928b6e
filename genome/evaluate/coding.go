package evaluate

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
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

// consequence of a substitution for the protein. Of several transcripts the highest counts.
type consequence int

const (
	notCoding consequence = iota
	synonymous
	missense
	startLost
	stopLost
	stopGained
	consequences
)

var consequenceNames = [consequences]string{synonymous: "synonymous", missense: "missense", startLost: "start lost", stopLost: "stop lost",
	stopGained: "stop gained"}

// aminoAcids are those of the standard code, by the codon's bases in the order A C G T; '*' is a stop (NCBI's translation table 1).
const aminoAcids = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"

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
func (f *frame) of(s Substitution) consequence {
	i, ok := within(f.transcript.CDS, s.Pos)
	if !ok {
		return notCoding
	}
	alt := s.Alt
	if f.transcript.Reverse {
		i, alt = len(f.letters)-1-i, alt.Complement()
	}
	codon := [3]dna.Base(f.letters[i/3*3:])
	before, ok := acid(codon)
	codon[i%3] = alt
	after, also := acid(codon)
	switch {
	case !ok || !also:
		return notCoding
	case before == after:
		return synonymous
	case after == '*':
		return stopGained
	case before == '*':
		return stopLost
	case i < 3 && before == 'M':
		return startLost
	}
	return missense
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

// acid is the amino acid of a codon of known bases.
func acid(codon [3]dna.Base) (byte, bool) {
	if slices.Max(codon[:]) >= dna.N {
		return 0, false
	}
	return aminoAcids[int(codon[0])<<4|int(codon[1])<<2|int(codon[2])], true
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
	var rows [consequences]CodingRow
	var scores, drawnScores [consequences][]float64
	var drawn [consequences]int
	first := len(t.snvs) + len(t.random)
	for i, s := range t.items {
		if i >= len(t.snvs) && i < first {
			continue
		}
		c := notCoding
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
		rows[c].Consequence = consequenceNames[c]
		rows[c].Expected = float64(drawn[c]) * float64(len(t.snvs)) / float64(max(1, len(t.matched)))
		rows[c].MeanSNV, rows[c].MeanDrawn = mean(scores[c]), mean(drawnScores[c])
	}
	return rows[synonymous:], nil
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
