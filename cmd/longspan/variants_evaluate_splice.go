package main

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/evaluate"
	"github.com/longspan/longspan/genome/splice"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// spliceBatch is the number of substitutions between two steps of the progress.
const spliceBatch = 500

// addSplice adds the table of splice deltas, by the model that --splice names.
func (j *evaluateJob) addSplice(e *evaluate.Evaluation) error {
	m, path, err := openModel(j.output, j.splice, modelFlags{threads: j.threads, memory: j.memory}, mechanismFlags{})
	if err != nil {
		return err
	}
	defer m.Close()
	o, err := splice.Options{}.For(m)
	if err != nil {
		return usage(err)
	}
	need, err := plan.Predictions(*m.Spec(), o.Lengths(), j.threads)
	if err != nil {
		return usage(err)
	}
	if err := fits(need.Bytes, j.memory, "a window of the model of splice sites", "use a model of shorter reach"); err != nil {
		return err
	}
	genes, err := splice.NewIndex(j.ref, j.options.Genes)
	if err != nil {
		return usage(fmt.Errorf("%s: %w", j.genes, err))
	}
	s, err := splice.New(j.ref, genes, m.NewSession(tensor.Exec{Threads: j.threads, Pool: reservedPool(need.Bytes)}), o)
	if err != nil {
		return usage(err)
	}
	j.results.Splice = path
	return j.addDeltas(e, s)
}

// addDeltas scores the substitutions that e asks about.
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
