package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data"
	pictures "github.com/longspan/longspan/picture/recipe"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/train"
)

// newTraining returns the commands on recipes and trained models.
func newTraining(o *output) []*cobra.Command {
	return []*cobra.Command{newData(o), newTrain(o), newEval(o), newSample(o), newGenerate(o), newScore(o), newPredict(o), newPlan(o)}
}

// recipeFlags are the flags of every command that reads a recipe.
type recipeFlags struct{ set []string }

func (f *recipeFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "set", nil, "override a key of the recipe, such as train.steps=100; may be given again")
}

func (f *recipeFlags) load(path string) (*recipe.Recipe, error) {
	r, err := recipe.Load(path, f.set)
	if err != nil {
		if _, wrong := pictures.Load(path, nil); wrong == nil {
			err = fmt.Errorf("%s is a recipe of a model of pictures, expected one of a model of sequences; longspan image train takes it", path)
		}
	}
	return r, usage(err)
}

// loadRun is load of the folder of a run.
func (f *recipeFlags) loadRun(dir string) (*recipe.Recipe, error) {
	r, err := f.load(filepath.Join(dir, train.ConfigName))
	if info, stat := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || stat != nil || !info.IsDir() {
		return r, err
	}
	above := filepath.Join(dir, "..")
	if _, stat := os.Stat(filepath.Join(above, train.ConfigName)); stat == nil {
		return nil, usage(fmt.Errorf("found %s, a folder inside a run, expected the folder of the run, whose recipe names its data: %s",
			dir, above))
	}
	return nil, usage(fmt.Errorf("found the folder %s without %s, expected the folder of a run, whose recipe names its data",
		dir, train.ConfigName))
}

// dataReport is the output of `data`.
type dataReport struct {
	Vocab      int       `json:"vocab"`
	Classes    int       `json:"classes,omitempty"`
	ClassNames []string  `json:"class_names,omitempty"`
	Mean       *float64  `json:"mean,omitempty"` // of the numbers to predict
	Deviation  *float64  `json:"deviation,omitempty"`
	Notes      []string  `json:"notes,omitempty"`
	Tokens     int       `json:"tokens"` // longest sequence
	Batch      int       `json:"batch"`
	Validation count     `json:"validation"`
	Test       count     `json:"test"`
	Examples   []example `json:"examples"`
}

// count is the amount of data in a source that ends.
type count struct {
	Sequences int64 `json:"sequences"`
	Tokens    int64 `json:"tokens"`
	Targets   int64 `json:"targets"`
}

// example is a sequence to train on.
type example struct {
	Tokens  []int32  `json:"tokens"`
	Targets []int32  `json:"targets,omitempty"` // −1 where nothing is predicted
	Source  []int32  `json:"source,omitempty"`  // of an encoder-decoder
	From    string   `json:"from,omitempty"`    // the source as text
	Label   *int32   `json:"label,omitempty"`
	Class   string   `json:"class,omitempty"` // its name, if it has one
	Value   *float64 `json:"value,omitempty"` // the number to predict, in the units of the data
	Text    string   `json:"text"`            // the tokens as text
}

// maxShown is the largest number of batches that are shown: all are in memory at once.
const maxShown = 10_000

func newData(o *output) *cobra.Command {
	var flags recipeFlags
	var batches int
	c := &cobra.Command{
		Use:   "data RECIPE",
		Short: "Show the training data of a recipe, and count its validation and test data",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if batches < 0 || batches > maxShown {
				return usage(fmt.Errorf("found --batches %d, expected 0 to %d", batches, maxShown))
			}
			r, err := flags.load(args[0])
			if err != nil {
				return err
			}
			report, err := describeData(r, batches)
			if err != nil {
				return usage(err)
			}
			return o.print(report, report.write)
		},
	}
	flags.add(c)
	c.Flags().IntVar(&batches, "batches", 1, "batches of the training data to show")
	return c
}

func describeData(r *recipe.Recipe, batches int) (report dataReport, err error) {
	sets, err := r.OpenAvailable()
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, closeSource(sets.Train), r.Close()) }()
	report = dataReport{Vocab: sets.Tokenizer.Vocab(), Classes: sets.Classes, ClassNames: sets.Answers.Classes, Notes: sets.Notes,
		Tokens: sets.Tokens, Batch: sets.Batch}
	if sets.Numbers {
		report.Mean, report.Deviation = &sets.Answers.Mean, &sets.Answers.Deviation
	}
	if report.Validation, err = countOf(sets.Validation, sets.Pairs); err != nil {
		return report, fmt.Errorf("the validation data: %w", err)
	}
	if report.Test, err = countOf(sets.Test, sets.Pairs); err != nil {
		return report, fmt.Errorf("the test data: %w", err)
	}
	for range batches {
		var b data.Batch
		if err := sets.Train.Next(&b); err != nil {
			return report, fmt.Errorf("the training data: %w", err)
		}
		if err := b.Check(sets.Tokenizer.Vocab()); err != nil {
			return report, err
		}
		for i := range b.Sequences() {
			report.Examples = append(report.Examples, exampleOf(sets, &b, i))
		}
	}
	return report, nil
}

// exampleOf is sequence i of a batch.
func exampleOf(sets *data.Bundle, b *data.Batch, i int) (e example) {
	e.Tokens, e.Targets = b.Sequence(i)
	e.Text = sets.Tokenizer.Decode(e.Tokens)
	if b.Source.Sequences() > 0 {
		e.Source, _ = b.Source.Sequence(i)
		e.From = sets.Tokenizer.Decode(e.Source)
	}
	if len(b.Labels) > 0 {
		e.Label = &b.Labels[i]
	}
	if len(b.Labels) > 0 && len(sets.Answers.Classes) > 0 {
		e.Class = sets.Answers.Classes[b.Labels[i]]
	}
	if len(b.Values) > 0 {
		value := sets.Answers.Value(float64(b.Values[i]))
		e.Value = &value
	}
	return e
}

// countOf reads a source to its end. Pairs are targets of their own.
func countOf(open func() (data.Source, error), pairs bool) (n count, err error) {
	source, err := open()
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, closeSource(source)) }()
	for {
		var b data.Batch
		if err := source.Next(&b); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n.Sequences += int64(b.Sequences())
		n.Tokens += int64(len(b.Tokens))
		if b.Source != nil {
			n.Tokens += int64(len(b.Source.Tokens))
		}
		n.Targets += int64(b.Scored() + len(b.Labels) + len(b.Values))
		if pairs {
			n.Targets += int64(b.Sequences() / 2)
		}
	}
}

// closeSource closes a source that reads files.
func closeSource(s data.Source) error {
	if c, ok := s.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (r dataReport) write(w io.Writer) {
	fmt.Fprintf(w, "vocabulary  %d tokens", r.Vocab)
	if r.Classes > 0 {
		fmt.Fprintf(w, ", %d classes", r.Classes)
	}
	if len(r.ClassNames) > 0 {
		fmt.Fprintf(w, ": %s", listed(r.ClassNames))
	}
	if r.Mean != nil {
		fmt.Fprintf(w, ", numbers of mean %.6g and deviation %.6g", *r.Mean, *r.Deviation)
	}
	fmt.Fprintf(w, "\nsequences   up to %d tokens, %d a batch\n", r.Tokens, r.Batch)
	for _, part := range []struct {
		name string
		n    count
	}{{"validation", r.Validation}, {"test", r.Test}} {
		fmt.Fprintf(w, "%-10s  %d sequences, %d tokens, %d to predict\n", part.name, part.n.Sequences, part.n.Tokens, part.n.Targets)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "note        %s\n", note)
	}
	for i, e := range r.Examples {
		fmt.Fprintf(w, "training %d  %d tokens: %s\n", i, len(e.Source)+len(e.Tokens), firstTokens(e))
	}
}

// firstTokens is the beginning of an example, in one line, with its label.
func firstTokens(e example) string {
	line := beginning(e.Text)
	switch {
	case e.From != "":
		line = beginning(e.From) + " → " + line
	case e.Class != "":
		line += " → " + e.Class
	case e.Value != nil:
		line += fmt.Sprintf(" → %g", *e.Value)
	case e.Label != nil:
		line += fmt.Sprintf(" → %d", *e.Label)
	}
	return line
}

// beginning is the beginning of a text, in one line.
func beginning(text string) string {
	const shown = 72
	runes := []rune(text)
	line := string(runes[:min(shown, len(runes))])
	if len(runes) > shown {
		line += "…"
	}
	return fmt.Sprintf("%q", line)
}

// listed is the first names, in one line.
func listed(names []string) string {
	const shown = 20
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
}
