package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/rouge"
)

// rougeReport is the output of `rouge`.
type rougeReport struct {
	Pairs      int                             `json:"pairs"`
	Stemmer    bool                            `json:"stemmer"`
	Level      float64                         `json:"level"` // of the intervals
	Samples    int                             `json:"samples"`
	Seed       uint64                          `json:"seed"`
	Systems    []systemScores                  `json:"systems"`
	Comparison map[string]bootstrap.Comparison `json:"comparison,omitempty"` // of F1, the first system minus the second
	Documents  []documentScores                `json:"documents,omitempty"`
	Notes      []string                        `json:"notes,omitempty"`
}

// systemScores are the means of a system.
type systemScores struct {
	System   string                  `json:"system"`
	Measures map[string]measureMeans `json:"measures"`
	values   map[string][3][]float64 // precision, recall and F1 of each document
}

// measureMeans are the means of a measure over documents, with their intervals.
type measureMeans struct {
	Precision bootstrap.Interval `json:"precision"`
	Recall    bootstrap.Interval `json:"recall"`
	F1        bootstrap.Interval `json:"f1"`
}

// documentScores are the scores of one document.
type documentScores struct {
	Name   string       `json:"name"`
	System string       `json:"system"`
	Scores rouge.Scores `json:"scores"`
}

// rougeOptions are the flags of `rouge`.
type rougeOptions struct {
	pairFlags
	resampling bootstrap.Resampling
	plain      bool
	documents  bool
}

func newRouge(o *output) *cobra.Command {
	var r rougeOptions
	c := &cobra.Command{
		Use:   "rouge REFERENCES SYSTEM [OTHER]",
		Short: "Measure summaries against reference summaries, and compare two systems",
		Long: `Measure how much of reference summaries the summaries of a system have: ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum, with
Porter's stemmer. The numbers are those of the Python package rouge-score. Means have bootstrap intervals over documents; of two systems
the differences have intervals and p-values of a paired randomisation test.

  longspan rouge references/ system/                              # files of the same names
  longspan rouge papers.jsonl system.jsonl other.jsonl --reference-field summary
  longspan rouge references.txt system.txt --lines                # a text a line
  longspan summarize papers.jsonl --json > system.json
  longspan rouge papers.jsonl system.json                         # of longspan summarize, beside the field summary of the papers

REFERENCES, SYSTEM and OTHER are of one kind: files of text, folders, or JSON. That is an object a line (.jsonl, .ndjson), or one array of
objects (.json). Objects belong together by their field id, or by their order where some have none. ROUGE-Lsum takes each line of a text,
or each element of an array, for a sentence.`,
		Args: arguments(cobra.RangeArgs(2, 3)),
		RunE: func(_ *cobra.Command, args []string) error {
			report, err := r.run(args)
			if err != nil {
				return usage(err)
			}
			return o.print(report, report.write)
		},
	}
	f := c.Flags()
	r.pairFlags.add(c)
	f.BoolVar(&r.plain, "no-stemmer", false, "compare words as they stand")
	f.BoolVar(&r.documents, "documents", false, "print the scores of each document too")
	f.IntVar(&r.resampling.Samples, "samples", 10_000, "number of bootstrap resamples")
	f.Float64Var(&r.resampling.Level, "level", 0.95, "share of the resamples inside of an interval")
	f.Uint64Var(&r.resampling.Seed, "seed", 0, "seed of the resamples")
	return c
}

// run measures the systems that args name after the references.
func (r *rougeOptions) run(args []string) (report rougeReport, err error) {
	sets, notes, err := r.read(args)
	if err != nil {
		return report, err
	}
	report = rougeReport{Pairs: len(sets[0]), Stemmer: !r.plain, Level: r.resampling.Level, Samples: r.resampling.Samples,
		Seed: r.resampling.Seed, Notes: notes}
	scorer := rouge.New(rouge.Options{NoStemmer: r.plain})
	for k, candidates := range sets[1:] {
		s := systemScores{System: args[k+1], values: map[string][3][]float64{}}
		for i, candidate := range candidates {
			scores := scorer.Score(sets[0][i].text, candidate.text)
			s.add(scores)
			if r.documents {
				report.Documents = append(report.Documents, documentScores{candidate.name, s.System, scores})
			}
		}
		if err := s.means(r.resampling); err != nil {
			return report, err
		}
		report.Systems = append(report.Systems, s)
	}
	if len(report.Systems) < 2 {
		return report, nil
	}
	report.Comparison = map[string]bootstrap.Comparison{}
	for _, name := range rouge.Names {
		c, err := bootstrap.Paired(report.Systems[0].values[name][2], report.Systems[1].values[name][2], r.resampling)
		if err != nil {
			return report, err
		}
		report.Comparison[name] = c
	}
	return report, nil
}

// add adds the scores of a document.
func (s *systemScores) add(scores rouge.Scores) {
	for k, m := range scores.All() {
		v := s.values[rouge.Names[k]]
		v[0], v[1], v[2] = append(v[0], m.Precision), append(v[1], m.Recall), append(v[2], m.F1)
		s.values[rouge.Names[k]] = v
	}
}

// means computes the means and their intervals.
func (s *systemScores) means(r bootstrap.Resampling) (err error) {
	s.Measures = map[string]measureMeans{}
	for _, name := range rouge.Names {
		var m measureMeans
		for k, to := range []*bootstrap.Interval{&m.Precision, &m.Recall, &m.F1} {
			if *to, err = bootstrap.Mean(s.values[name][k], r); err != nil {
				return err
			}
		}
		s.Measures[name] = m
	}
	return nil
}

func (r rougeReport) write(w io.Writer) {
	stemmer := "with the stemmer"
	if !r.Stemmer {
		stemmer = "without the stemmer"
	}
	fmt.Fprintf(w, "%d pairs, %s; intervals of %g %%, %d resamples, seed %d\n", r.Pairs, stemmer, 100*r.Level, r.Samples, r.Seed)
	for _, s := range r.Systems {
		fmt.Fprintf(w, "\n%s\n%-10s  %9s  %6s  %s\n", s.System, "", "precision", "recall", "F1")
		for _, name := range rouge.Names {
			m := s.Measures[name]
			fmt.Fprintf(w, "%-10s  %9.2f  %6.2f  %5.2f [%.2f, %.2f]\n", name, 100*m.Precision.Mean, 100*m.Recall.Mean, 100*m.F1.Mean,
				100*m.F1.Low, 100*m.F1.High)
		}
	}
	if r.Comparison != nil {
		fmt.Fprintf(w, "\n%s minus %s, F1\n", r.Systems[0].System, r.Systems[1].System)
		for _, name := range rouge.Names {
			c := r.Comparison[name]
			fmt.Fprintf(w, "%-10s  %+6.2f [%+.2f, %+.2f]  better in %.1f %% of the resamples, p = %.4f\n", name, 100*c.Difference.Mean,
				100*c.Difference.Low, 100*c.Difference.High, 100*c.Better, c.P)
		}
	}
	if len(r.Documents) > 0 {
		fmt.Fprintln(w, "\nF1 of each document")
		for _, d := range r.Documents {
			fmt.Fprintf(w, "%s  %s  %.2f / %.2f / %.2f / %.2f\n", d.System, d.Name, 100*d.Scores.One.F1, 100*d.Scores.Two.F1, 100*d.Scores.L.F1,
				100*d.Scores.LSum.F1)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
}
