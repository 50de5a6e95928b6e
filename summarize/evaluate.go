package summarize

import (
	"context"
	"slices"

	"github.com/longspan/longspan/document/sentences"
	"github.com/longspan/longspan/rouge"
)

// Result is a system's summaries of examples, measured.
type Result struct {
	System string
	Scores []rouge.Scores // of each example
	Words  float64        // mean number of words
}

// Evaluate makes summaries of examples with each system and scores them against the summaries that people wrote. The words of all systems
// are weighed by the frequencies of s. done, if not nil, is told of each example. Cost: the square of the number of sentences of a document
// for the baseline LexRank, linear for the others.
func (s *Summarizer) Evaluate(ctx context.Context, examples []Example, systems []System, b Budget, done func(n int)) ([]Result, error) {
	results := make([]Result, len(systems))
	for k, system := range systems {
		results[k].System = system.Name
	}
	scorer := rouge.New(rouge.Options{})
	for i := range examples {
		t, err := newText(ctx, examples[i].Document, "", s.frequencies)
		if err != nil {
			return nil, err
		}
		for k, system := range systems {
			chosen, err := system.choose(ctx, t, &examples[i], b)
			if err != nil {
				return nil, err
			}
			summary := t.lines(chosen)
			results[k].Scores = append(results[k].Scores, scorer.Score(examples[i].reference(), summary))
			results[k].Words += float64(sentences.Words(summary)) / float64(len(examples))
		}
		if done != nil {
			done(i + 1)
		}
	}
	return results, nil
}

// Average is the mean of results of the same examples, example by example, as of models of several seeds.
func Average(name string, results []Result) Result {
	r := Result{System: name, Scores: make([]rouge.Scores, len(results[0].Scores))}
	for i := range r.Scores {
		var all []rouge.Scores
		for _, one := range results {
			all = append(all, one.Scores[i])
		}
		r.Scores[i] = rouge.Average(all)
	}
	for _, one := range results {
		r.Words += one.Words / float64(len(results))
	}
	return r
}

// System is the system of the summarizer's own scorer.
func (s *Summarizer) System(name string) System { return Scored(name, s.scorer) }

// F1 lists a measure's F1 of each example; measure is an index of rouge.Names.
func (r *Result) F1(measure int) []float64 {
	out := make([]float64, len(r.Scores))
	for i, s := range r.Scores {
		out[i] = s.All()[measure].F1
	}
	return out
}

func sorted(s []int) []int {
	slices.Sort(s)
	return s
}
