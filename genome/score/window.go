package score

import (
	"context"
	"math"
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

// methodOf is how an allele is scored.
func (s *Scorer) methodOf(ref, alt string) Method {
	if s.options.By == Auto && vcf.KindOf(ref, alt) == vcf.SNV {
		return BySite
	}
	if s.options.By == Auto {
		return BySequence
	}
	return s.options.By
}

// place finds the window of a normalised variant of one alternate allele, upper case, whose REF is the reference's. The skip says why it is
// not scored.
func (s *Scorer) place(c fasta.Contig, v genome.Variant) (t site, skip genome.Skip, err error) {
	ref, alt := v.Ref, v.Alts[0]
	if max(len(ref), len(alt)) > max(1, s.options.Window/2) {
		return t, TooLong, nil
	}
	pos := v.Pos - 1
	left, right := flanks(s.options.Window, c.Length, pos, len(ref), len(alt))
	left, right = min(left, s.flank), min(right, s.flank)
	if !s.masked() && len(s.alphabet.before) == 0 && min(left, right) == 0 {
		return t, NoFlank, nil
	}
	s.letters, err = s.ref.Letters(s.letters[:0], fasta.Window{Contig: c.Name, Start: pos - left, End: pos + len(ref) + right})
	if err != nil {
		return t, genome.Used, err
	}
	fasta.Upper(s.letters)
	t = site{left: s.letters[:left], right: s.letters[left+len(ref):], ref: []byte(ref), alt: []byte(alt)}
	return t, t.unknown(), nil
}

// unknown is a skip where a base of the window is not known. One of the alleles may be the base beside a move to the left.
func (t *site) unknown() genome.Skip {
	for _, part := range [][]byte{t.left, t.ref, t.alt, t.right} {
		if known(part) < len(part) {
			return NInside
		}
	}
	return genome.Used
}

// Allele is an alternate allele to score: a variant of one, whose REF is what the reference has (genome.Placer).
type Allele = AlleleOf[Score]

// AlleleOf is an Allele for a score of another kind.
type AlleleOf[S any] struct {
	Contig  fasta.Contig
	Variant genome.Variant
	Score   *S // where the score goes
}

// Score scores alleles. Windows of several alleles are computed together. When ctx is done it returns ctx's error.
func (s *Scorer) Score(ctx context.Context, alleles []Allele) error {
	q := queue{scorer: s, ctx: ctx}
	for _, a := range alleles {
		if err := s.score(&q, a); err != nil {
			return err
		}
	}
	return q.flush()
}

// score scores an allele by the sites of the contig, or puts its windows into the queue.
func (s *Scorer) score(q *queue, a Allele) error {
	v := a.Variant
	if *a.Score = (Score{Skip: genome.SkipOf(v.Ref, v.Alts[0])}); a.Score.Skip != genome.Used {
		return nil
	}
	v, err := genome.Normalize(s.ref, v)
	if err != nil {
		return err
	}
	v.Ref, v.Alts = strings.ToUpper(v.Ref), []string{strings.ToUpper(v.Alts[0])}
	a.Score.By = s.methodOf(v.Ref, v.Alts[0])
	if a.Score.By == BySite {
		if vcf.KindOf(v.Ref, v.Alts[0]) != vcf.SNV {
			a.Score.Skip = NotSNV
			return nil
		}
		if !s.masked() {
			return s.atSite(q.ctx, a.Contig, v, a.Score)
		}
	}
	t, skip, err := s.place(a.Contig, v)
	if a.Score.Skip = skip; err != nil || skip != genome.Used {
		return err
	}
	for _, strand := range s.strands() {
		if err := q.add(a.Score, strand, t.strand(strand)); err != nil {
			return err
		}
	}
	return nil
}

// atSite scores a SNV by the log-probabilities of its base.
func (s *Scorer) atSite(ctx context.Context, c fasta.Contig, v genome.Variant, to *Score) error {
	k, err := s.chunkAt(ctx, c, v.Pos-1)
	if err != nil {
		return err
	}
	ref, alt := strings.Index(bases, v.Ref), strings.Index(bases, v.Alts[0])
	if s.substitution(to, k.site(v.Pos-1), ref, alt) {
		return nil
	}
	if to.Skip = NInside; v.Pos == 1 || v.Pos == c.Length {
		to.Skip = NoFlank
	}
	return nil
}

// substitution scores a SNV of a site, of which ref and alt are the places in bases. It is false where a strand does not predict the base:
// there is none beside it on that strand.
func (s *Scorer) substitution(to *Score, t Site, ref, alt int) bool {
	strands := s.strands()
	for _, strand := range strands {
		l := t.Forward
		if strand == Reverse {
			l = t.Reverse
		}
		if l[ref] != l[ref] { // NaN
			return false
		}
		to.take(strand, reading{own: float64(l[alt]) - float64(l[ref]), bits: -float64(l[ref]) / math.Ln2}, len(strands))
	}
	return true
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
