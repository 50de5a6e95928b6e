package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/rouge"
	"github.com/longspan/longspan/summarize"
)

// summarizeEvaluation is the output of `summarize evaluate`.
type summarizeEvaluation struct {
	File      string            `json:"file"`
	Documents int               `json:"documents"`
	Sources   map[string]int    `json:"sources"`
	Words     int               `json:"words"`
	Samples   int               `json:"samples"`
	Seed      uint64            `json:"seed"`
	Systems   []summarizeSystem `json:"systems"`
	names     []string          // of the sources
}

// summarizeSystem is a row of the table.
type summarizeSystem struct {
	System  string                          `json:"system"`
	Words   float64                         `json:"words"` // mean
	F1      map[string]bootstrap.Interval   `json:"f1"`
	Sources map[string]map[string]float64   `json:"sources"` // mean F1 by source and measure
	Versus  map[string]bootstrap.Comparison `json:"versus"`  // the summarizer minus this system, in ROUGE-1 F1 and the other measures
}

// summarizeEvaluateOptions are the flags of `summarize evaluate`.
type summarizeEvaluateOptions struct {
	scorerFlags
	split         string
	only, against []string
	words         int
	first, longer int // tokens; 0: not asked
	final         bool
	resampling    bootstrap.Resampling
}

// ownSystem is the name of the summarizer in tables.
const ownSystem = "summarize"

func newSummarizeEvaluate(o *output) *cobra.Command {
	var s summarizeEvaluateOptions
	c := &cobra.Command{
		Use:   "evaluate FOLDER|DOCUMENTS.jsonl",
		Short: "Compare summaries with those that people wrote, beside baselines",
		Long: `Make summaries of documents whose summaries are known, and measure them by ROUGE beside baselines: random sentences, the first
ones, introduction and conclusion, LexRank, the centroid, and the oracle,
which knows the summary and is a bound. Means have bootstrap intervals over documents, and each baseline the paired difference to the
summarizer.

  longspan summarize evaluate papers/                 # its file dev.jsonl or dev.jsonl.gz
  longspan summarize evaluate mine.jsonl --model mine.safetensors
  longspan summarize evaluate papers/ --model org/encoder             # beside the parts of its scores
  longspan summarize evaluate papers/ --model a0.safetensors,a1.safetensors --against b0.safetensors,b1.safetensors
  longspan summarize evaluate papers/ --longer 4096 --first 512       # what reading on is worth, of documents that are longer

Several files with commas, such as of several seeds, are one system: of each document it has their mean.

The lines have "summary" and a document, as for summarize train, and if you like "source", by which the table has columns. The file of the
split test is for the last measurement of a finished system: what is chosen by it is no longer proven by it. So it needs --final.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := s.run(o, c, args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	f := c.Flags()
	s.scorerFlags.add(c)
	f.StringVar(&s.split, "split", "dev", "file of a folder: train, dev or test")
	f.BoolVar(&s.final, "final", false, "read the split test")
	f.StringSliceVar(&s.only, "only", nil, "systems, by their names, beside those of --against and --first (default: all)")
	f.StringArrayVar(&s.against, "against", nil, "file of another scorer, or several with commas, as a system of its own; may be given again")
	f.IntVar(&s.first, "first", 0, "the summarizer that reads only so many tokens of a document, as a system of its own")
	f.IntVar(&s.longer, "longer", 0, "only documents of more tokens")
	f.IntVar(&s.words, "words", summarize.DefaultWords, "most words of a summary")
	f.IntVar(&s.resampling.Samples, "samples", 10_000, "number of bootstrap resamples")
	f.Uint64Var(&s.resampling.Seed, "seed", 0, "seed of the resamples and of the random baseline")
	return c
}

// file is the file that is read.
func (s *summarizeEvaluateOptions) file(path string) (string, error) {
	if !slices.Contains([]string{"train", "dev", "test"}, s.split) {
		return "", fmt.Errorf("found --split %s, expected train, dev or test", s.split)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if s.split == "test" && !s.final {
			return "", errors.New("found --split test without --final; choose on dev, and read the test documents once, when nothing is left " +
				"to choose")
		}
		return splitFile(path, s.split)
	}
	return path, nil
}

// systems are the summarizer and the baselines that are asked for.
func (s *summarizeEvaluateOptions) systems(m *summarize.Summarizer) ([]summarize.System, error) {
	all := append(summarize.Baselines(s.resampling.Seed), m.Systems(ownSystem)...)
	if s.first > 0 {
		all = append(all, m.First(s.firstName(), s.first))
	}
	if len(s.only) == 0 {
		return all, nil
	}
	var names []string
	for _, x := range all {
		names = append(names, x.Name)
	}
	for _, name := range s.only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("found the system %q, expected some of %s", name, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(all, func(x summarize.System) bool {
		return !slices.Contains(s.only, x.Name) && (s.first == 0 || x.Name != s.firstName())
	}), nil
}

// check refuses values out of range.
func (s *summarizeEvaluateOptions) check() error {
	switch {
	case s.words < summarize.FewestWords:
		return fmt.Errorf("found --words %d, expected at least %d", s.words, summarize.FewestWords)
	case s.first < 0 || s.longer < 0:
		return fmt.Errorf("found --first %d and --longer %d, expected numbers of tokens", s.first, s.longer)
	case s.resampling.Samples == 0:
		return errors.New("found --samples 0, expected 100 to 1000000")
	}
	for _, list := range append(s.against, s.model) {
		if files := strings.Split(list, ","); len(files) > 1 && slices.Contains(files, "") {
			return fmt.Errorf("found %q, a list with an empty name, expected files with one comma between them", list)
		}
	}
	_, err := bootstrap.Mean([]float64{0}, s.resampling) // the evaluation takes minutes, and its intervals are last
	return err
}

func (s *summarizeEvaluateOptions) run(o *output, c *cobra.Command, path string) (r summarizeEvaluation, err error) {
	if err := s.check(); err != nil {
		return r, usage(err)
	}
	if r.File, err = s.file(path); err != nil {
		return r, usage(err)
	}
	files := strings.Split(s.model, ",")
	s.model = files[0]
	m, done, err := s.open(o, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, done()) }()
	systems, err := s.systems(m)
	if err != nil {
		return r, usage(err)
	}
	ctx, end := untilStopped()
	defer end()
	examples, err := summarize.ReadExamples(ctx, r.File)
	if err != nil {
		return r, usage(err)
	}
	if s.longer > 0 {
		if examples, err = m.Longer(ctx, examples, s.longer); err == nil && len(examples) == 0 {
			err = fmt.Errorf("found no document of more than %d tokens in %s; ask for fewer with --longer", s.longer, r.File)
		}
		if err != nil {
			return r, usage(err)
		}
	}
	results, err := s.evaluate(ctx, o, m, examples, systems)
	if err != nil {
		return r, err
	}
	if results, err = s.evaluateMore(ctx, o, results, files, examples); err != nil {
		return r, err
	}
	r.Documents, r.Words, r.Samples, r.Seed, r.Sources = len(examples), s.words, s.resampling.Samples, s.resampling.Seed, map[string]int{}
	for _, e := range examples {
		if r.Sources[e.Source]++; r.Sources[e.Source] == 1 {
			r.names = append(r.names, e.Source)
		}
	}
	return r, s.table(&r, examples, results)
}

func (s *summarizeEvaluateOptions) evaluate(ctx context.Context, o *output, m *summarize.Summarizer, examples []summarize.Example,
	systems []summarize.System) ([]summarize.Result, error) {
	progress := bar(o, "documents")
	results, err := m.Evaluate(ctx, examples, systems, summarize.Budget{Words: s.words}, func(n int) {
		progress.step64(int64(n), int64(len(examples)))
	})
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	return results, err
}

// evaluateMore takes the further files of the summarizer into the mean, and adds the systems of --against.
func (s *summarizeEvaluateOptions) evaluateMore(ctx context.Context, o *output, results []summarize.Result, files []string,
	examples []summarize.Example) ([]summarize.Result, error) {
	for _, name := range []string{ownSystem, s.firstName()} {
		at := slices.IndexFunc(results, func(x summarize.Result) bool { return x.System == name })
		if at < 0 || len(files) == 1 {
			continue
		}
		more, err := s.evaluateFiles(ctx, o, name, files[1:], examples)
		if err != nil {
			return nil, err
		}
		results[at] = summarize.Average(name, append(more, results[at]))
	}
	for _, list := range s.against {
		some, err := s.evaluateFiles(ctx, o, list, strings.Split(list, ","), examples)
		if err != nil {
			return nil, err
		}
		results = append(results, summarize.Average(list, some))
	}
	return results, nil
}

// firstName is the name of the system of --first.
func (s *summarizeEvaluateOptions) firstName() string { return fmt.Sprintf("first %d tokens", s.first) }

// evaluateFiles evaluates the scorers of files as a system of a name.
func (s *summarizeEvaluateOptions) evaluateFiles(ctx context.Context, o *output, name string, files []string,
	examples []summarize.Example) ([]summarize.Result, error) {
	var all []summarize.Result
	for _, file := range files {
		if summarize.IsEncoder(file) {
			return nil, usage(fmt.Errorf("found %s among several scorers, expected files that summarize train has written", file))
		}
		m, err := summarize.Open(file)
		if err != nil {
			return nil, usage(err)
		}
		system := m.System(name)
		if name == s.firstName() {
			system = m.First(name, s.first)
		}
		some, err := s.evaluate(ctx, o, m, examples, []summarize.System{system})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// table makes the rows of the results.
func (s *summarizeEvaluateOptions) table(r *summarizeEvaluation, examples []summarize.Example, results []summarize.Result) (err error) {
	own := slices.IndexFunc(results, func(x summarize.Result) bool { return x.System == ownSystem })
	for k := range results {
		row := summarizeSystem{System: results[k].System, Words: results[k].Words, F1: map[string]bootstrap.Interval{},
			Sources: map[string]map[string]float64{}}
		if own >= 0 && k != own {
			row.Versus = map[string]bootstrap.Comparison{}
		}
		for i, e := range examples {
			if row.Sources[e.Source] == nil {
				row.Sources[e.Source] = map[string]float64{}
			}
			for measure, m := range results[k].Scores[i].All() {
				row.Sources[e.Source][rouge.Names[measure]] += m.F1 / float64(r.Sources[e.Source])
			}
		}
		for measure, name := range rouge.Names {
			values := results[k].F1(measure)
			if row.F1[name], err = bootstrap.Mean(values, s.resampling); err != nil {
				return usage(err)
			}
			if row.Versus != nil {
				if row.Versus[name], err = bootstrap.Paired(results[own].F1(measure), values, s.resampling); err != nil {
					return usage(err)
				}
			}
		}
		r.Systems = append(r.Systems, row)
	}
	return nil
}

// write prints the table as Markdown.
func (r summarizeEvaluation) write(w io.Writer) {
	fmt.Fprintf(w, "%s: %d documents, at most %d words, F1 with the stemmer; intervals of 95 %%, %d resamples, seed %d\n\n", r.File,
		r.Documents,
		r.Words, r.Samples, r.Seed)
	columns := r.names
	if len(columns) < 2 {
		columns = nil
	}
	fmt.Fprintf(w, "| system | ROUGE-1 | ROUGE-2 | ROUGE-Lsum | words |%s summarize − system, ROUGE-1 |\n", headers(columns, r.Sources))
	fmt.Fprintf(w, "|---|---|---|---|---|%s---|\n", strings.Repeat("---|", len(columns)))
	for _, s := range r.Systems {
		fmt.Fprintf(w, "| %s |", s.System)
		for _, name := range []string{"rouge1", "rouge2", "rougeLsum"} {
			f := s.F1[name]
			fmt.Fprintf(w, " %.1f [%.1f, %.1f] |", 100*f.Mean, 100*f.Low, 100*f.High)
		}
		fmt.Fprintf(w, " %.0f |", s.Words)
		for _, c := range columns {
			m := s.Sources[c]
			fmt.Fprintf(w, " %.1f/%.1f/%.1f |", 100*m["rouge1"], 100*m["rouge2"], 100*m["rougeLsum"])
		}
		if d, ok := s.Versus["rouge1"]; ok {
			fmt.Fprintf(w, " %+.1f [%+.1f, %+.1f] |\n", 100*d.Difference.Mean, 100*d.Difference.Low, 100*d.Difference.High)
		} else {
			fmt.Fprintln(w, " |")
		}
	}
}

// headers are the columns of sources.
func headers(names []string, count map[string]int) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, " %s (%d) |", n, count[n])
	}
	return b.String()
}
