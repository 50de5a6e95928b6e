package main

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/evaluate"
	"github.com/longspan/longspan/genome/splice"
)

// spliceBatch is the number of substitutions between two steps of the progress.
const spliceBatch = 500

// openSplice opens the scorer of the model that --splice names. The caller closes the model.
func (j *evaluateJob) openSplice() (*splice.Scorer, error) {
	f := modelFlags{threads: j.threads, memory: j.memory}
	m, path, err := openModel(j.output, j.splice, f, mechanismFlags{})
	if err != nil {
		return nil, err
	}
	j.results.Splice = path
	s, err := openSplice(j.ref, m, splice.Options{}, f, func(ref *fasta.Reference) (*splice.Index, error) {
		genes, err := splice.NewIndex(ref, j.options.Genes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.genes, err)
		}
		return genes, nil
	})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return s, nil
}

// addDeltas scores the substitutions that e asks about, and adds the table of splice deltas.
func (j *evaluateJob) addDeltas(e *evaluate.Evaluation, s *splice.Scorer) error {
	contig := j.options.Region.Contig
	sites := e.SpliceSites()
	scores := make(map[evaluate.Substitution]*splice.Score, len(sites))
	for from := 0; from < len(sites); from += spliceBatch {
		var alleles []splice.Allele
		for _, t := range sites[from:min(from+spliceBatch, len(sites))] {
			if scores[t] == nil {
				scores[t] = &splice.Score{}
				v := genome.Variant{Contig: contig.Name, Pos: t.Pos + 1, Ref: string(t.Ref.Letter()), Alts: []string{string(t.Alt.Letter())}}
				alleles = append(alleles, splice.Allele{Contig: contig, Variant: v, Score: scores[t]})
			}
		}
		if err := s.Score(j.ctx, alleles); err != nil {
			return err
		}
		j.options.Step("splice deltas", min(from+spliceBatch, len(sites)), len(sites))
	}
	return e.AddSplice(func(t evaluate.Substitution) (delta float64, ok bool, err error) {
		score := scores[t]
		if score == nil {
			return 0, false, errors.New("evaluate: found a substitution that was not asked about")
		}
		for i := range score.Deltas {
			delta = max(delta, score.Deltas[i].Largest())
		}
		return delta, len(score.Deltas) > 0, nil
	})
}
