package score

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
)

// reading is what a strand says of an allele, in nats but for bits.
type reading struct{ own, flank, bits float64 }

// asked is a site on its way through the model.
type asked struct {
	score  *Score
	strand Strand
	site   site
}

// queue computes sites together.
type queue struct {
	scorer *Scorer
	ctx    context.Context
	sites  []asked
	bases  int
}

// add appends a strand of a site, and computes what is there where it would be too much.
func (q *queue) add(score *Score, strand Strand, t site) error {
	n := len(t.left) + len(t.right) + len(t.ref)
	if !q.scorer.masked() {
		n += len(t.left) + len(t.right) + len(t.alt)
	}
	if q.bases > 0 && q.bases+n > q.scorer.options.Batch {
		if err := q.flush(); err != nil {
			return err
		}
	}
	// The letters of the forward strand are the scorer's, which reads the next window into them.
	t.left, t.right = slices.Clone(t.left), slices.Clone(t.right)
	q.sites = append(q.sites, asked{score, strand, t})
	q.bases += n
	return nil
}

// flush computes the sites.
func (q *queue) flush() error {
	if len(q.sites) == 0 {
		return nil
	}
	compute := q.scorer.bySequence
	if q.scorer.masked() {
		compute = q.scorer.byMask
	}
	read, err := compute(q.ctx, q.sites)
	if err != nil {
		return err
	}
	strands := len(q.scorer.strands())
	for i, a := range q.sites {
		a.score.take(a.strand, read[i], strands)
	}
	q.sites, q.bases = q.sites[:0], 0
	return nil
}

// bySequence computes the windows with REF and with ALT. Alleles in one place share the window with REF.
func (s *Scorer) bySequence(ctx context.Context, sites []asked) ([]reading, error) {
	var all []sequence
	places := map[string]int{} // of a window with REF in all
	pairs := make([][2]int, len(sites))
	for i, a := range sites {
		key := fmt.Sprintf("%d %d %s%s%s", len(a.site.left), len(a.site.ref), a.site.left, a.site.ref, a.site.right)
		ref, ok := places[key]
		if !ok {
			ref = len(all)
			all, places[key] = append(all, s.sequence(&a.site, a.site.ref)), ref
		}
		pairs[i] = [2]int{ref, len(all)}
		all = append(all, s.sequence(&a.site, a.site.alt))
	}
	if err := s.runAll(ctx, all); err != nil {
		return nil, err
	}
	read := make([]reading, len(sites))
	for i, p := range pairs {
		ref, alt := &all[p[0]], &all[p[1]]
		read[i] = reading{own: ref.own - alt.own, flank: ref.flank - alt.flank, bits: ref.own / math.Ln2}
	}
	return read, nil
}

// runAll computes sequences in batches.
func (s *Scorer) runAll(ctx context.Context, all []sequence) error {
	for len(all) > 0 {
		n, tokens := 0, 0
		for n < len(all) && (n == 0 || tokens+len(all[n].tokens) <= s.options.Batch) {
			tokens += len(all[n].tokens)
			n++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.run(all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// sequence is a window with an allele.
type sequence struct {
	tokens     []int32
	from, to   int     // the allele's tokens
	own, flank float64 // −log p of the allele's bases, and of those behind it
}

func (s *Scorer) sequence(t *site, allele []byte) sequence {
	before := len(s.alphabet.before)
	tokens := make([]int32, 0, before+len(t.left)+len(allele)+len(t.right))
	tokens = append(tokens, s.alphabet.before...)
	for _, part := range [][]byte{t.left, allele, t.right} {
		tokens = s.alphabet.tokens(tokens, part)
	}
	from := before + len(t.left)
	return sequence{tokens: tokens, from: from, to: from + len(allele)}
}

// run computes sequences in one batch. The head reads the rows that predict an allele or what follows it.
func (s *Scorer) run(sequences []sequence) error {
	var b data.Batch
	for _, q := range sequences {
		b.Tokens = append(b.Tokens, q.tokens...)
		b.Lengths = append(b.Lengths, len(q.tokens))
		for i := 1; i < len(q.tokens); i++ {
			target := q.tokens[i]
			if i < q.from {
				target = data.Ignore
			}
			b.Targets = append(b.Targets, target)
		}
		b.Targets = append(b.Targets, data.Ignore) // the last base predicts none of the window
	}
	losses := make([]float32, len(b.Tokens))
	if _, err := s.session.Step(&b, model.StepOptions{Losses: losses}); err != nil {
		return err
	}
	for i := range sequences {
		q := &sequences[i]
		for at := q.from; at < len(q.tokens); at++ {
			loss := float64(losses[at-1])
			switch {
			case math.IsNaN(loss) || math.IsInf(loss, 0):
				return fmt.Errorf("score: found the loss %g of a base, expected a finite number; the weights are damaged, or fp16 overflowed", loss)
			case at < q.to:
				q.own += loss
			default:
				q.flank += loss
			}
		}
		losses = losses[len(q.tokens):]
	}
	return nil
}

// byMask computes the probabilities of the hidden sites.
func (s *Scorer) byMask(ctx context.Context, sites []asked) ([]reading, error) {
	m := s.session.Model()
	mask := m.MaskName()
	texts := make([]string, len(sites))
	for i, a := range sites {
		texts[i] = string(a.site.left) + mask + string(a.site.right)
	}
	read := make([]reading, len(sites))
	o := model.FillOptions{Top: m.Spec().Vocab}
	o.Beyond, o.Batch = true, s.options.Batch
	err := s.session.FillEach(ctx, texts, o, func(i int, f model.Filled) error {
		var logs [256]float64 // by the base
		for _, g := range f.Masks[0].Guesses {
			for _, c := range []byte(bases) {
				if g.ID == s.alphabet.ids[c] {
					logs[c] = math.Log(g.Probability)
				}
			}
		}
		ref, alt := logs[sites[i].site.ref[0]], logs[sites[i].site.alt[0]]
		if math.IsInf(ref-alt, 0) || math.IsNaN(ref-alt) {
			return fmt.Errorf("score: found probabilities of which the logarithms are %g and %g, expected finite numbers", ref, alt)
		}
		read[i] = reading{own: alt - ref, bits: -ref / math.Ln2}
		return nil
	})
	return read, err
}
