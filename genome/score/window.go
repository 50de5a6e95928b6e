package score

import (
	"context"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
)

// flanks are the numbers of bases of a window on the two sides of an allele at pos, from 0. The window is in the middle of the contig where
// it can be; what an end of the contig does not have, the other side gets.
func flanks(window, contig, pos, ref, alt int) (left, right int) {
	all := window - max(ref, alt)
	behind := contig - pos - ref
	left = min(all/2, pos)
	right = min(all-left, behind)
	left = min(all-right, pos)
	return left, right
}

// site is an allele in its window: upper case, bases that are known alone.
type site struct {
	left, right []byte
	ref, alt    []byte
}

// strand is the site as a strand has it.
func (t *site) strand(s Strand) site {
	if s != Reverse {
		return *t
	}
	return site{left: complement(nil, t.right), right: complement(nil, t.left), ref: complement(nil, t.ref), alt: complement(nil, t.alt)}
}

// place finds the window of a variant of one alternate allele, whose REF is the reference's. The skip says why it is not scored.
func (s *Scorer) place(c fasta.Contig, v genome.Variant) (t site, skip genome.Skip, err error) {
	if skip := genome.SkipOf(v.Ref, v.Alts[0]); skip != genome.Used {
		return t, skip, nil
	}
	if v, err = genome.Normalize(s.ref, v); err != nil {
		return t, genome.Used, err
	}
	ref, alt := strings.ToUpper(v.Ref), strings.ToUpper(v.Alts[0])
	switch {
	case s.options.By == BySite && vcf.KindOf(ref, alt) != vcf.SNV:
		return t, NotSNV, nil
	case max(len(ref), len(alt)) > max(1, s.options.Window/2):
		return t, TooLong, nil
	}
	pos := v.Pos - 1
	left, right := flanks(s.options.Window, c.Length, pos, len(ref), len(alt))
	if s.options.By == BySequence && len(s.alphabet.before) == 0 && min(left, right) == 0 {
		return t, NoFlank, nil
	}
	s.letters, err = s.ref.Letters(s.letters[:0], fasta.Window{Contig: c.Name, Start: pos - left, End: pos + len(ref) + right})
	if err != nil {
		return t, genome.Used, err
	}
	fasta.Upper(s.letters)
	t = site{left: s.letters[:left], right: s.letters[left+len(ref):], ref: []byte(ref), alt: []byte(alt)}
	if !vcf.Exact("A"+string(t.left)) || !vcf.Exact("A"+string(t.right)) {
		return t, NInside, nil
	}
	return t, genome.Used, nil
}

// Allele is an alternate allele to score: a variant of one, whose REF is what the reference has (genome.Placer).
type Allele struct {
	Contig  fasta.Contig
	Variant genome.Variant
	Score   *Score // where the score goes
}

// Score scores alleles. Windows of several alleles are computed together. When ctx is done it returns ctx's error.
func (s *Scorer) Score(ctx context.Context, alleles []Allele) error {
	q := queue{scorer: s, ctx: ctx}
	for _, a := range alleles {
		t, skip, err := s.place(a.Contig, a.Variant)
		if err != nil {
			return err
		}
		if *a.Score = (Score{Skip: skip}); skip != genome.Used {
			continue
		}
		for _, strand := range s.strands() {
			if err := q.add(a.Score, strand, t.strand(strand)); err != nil {
				return err
			}
		}
	}
	return q.flush()
}

// take adds the result of a strand to a score.
func (r *Score) take(strand Strand, read reading, strands int) {
	llr := read.own + read.flank
	if strand == Reverse {
		r.Reverse = llr
	} else {
		r.Forward = llr
	}
	part := 1 / float64(strands)
	r.LLR += llr * part
	r.Flank += read.flank * part
	r.Bits += read.bits * part
}
