package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/rouge"
	"github.com/longspan/longspan/summarize"
)

// summarizeTraining is the output of `summarize train`.
type summarizeTraining struct {
	Out        string            `json:"out"`
	Documents  int               `json:"documents"`
	Validation int               `json:"validation_documents"`
	Epochs     []summarize.Epoch `json:"epochs"`
	Pretrained []summarize.Epoch `json:"pretraining_epochs,omitempty"`
	Kept       int               `json:"kept_epoch"`
	Seconds    float64           `json:"seconds"`
}

// fewExamples is the number of documents below which a scorer is rarely better than the embedded one.
const fewExamples = 200

// summarizeTrainOptions are the flags of `summarize train`.
type summarizeTrainOptions struct {
	summarize.TrainOptions
	dev, out string
	holdOut  int
	recipe   string   // of a scorer with attention; empty: one of features
	set      []string // overrides of the recipe
}

func newSummarizeTrain(o *output) *cobra.Command {
	var s summarizeTrainOptions
	c := &cobra.Command{
		Use:   "train FOLDER|DOCUMENTS.jsonl --out SCORER.safetensors",
		Short: "Train a scorer on documents with their summaries",
		Long: `Train a scorer on your own documents with their summaries: JSON lines with "summary" (a text, or its sentences) and "text", or
"title" and "sections". A folder stands for its files train.jsonl and dev.jsonl, packed with gzip or not.

  longspan summarize train mine.jsonl --out mine.safetensors
  longspan summarize report.txt --model mine.safetensors

The scorer learns which sentences the oracle quotes: a greedy search for the best summary by ROUGE. It learns which terms, and pairs of
neighbouring terms, the summary has, too. The epoch that is best on the validation documents is kept: those of --dev, or every tenth
document. Some hundreds of documents are needed to beat the scorer in the program; measure it with longspan summarize evaluate.

Nothing is written before the end. A training that was stopped cannot be resumed.

The scorer reads features of the sentences; it learns in seconds. With a recipe it has an encoder with window attention too, which reads
every token, and learns in minutes to an hour:

  longspan summarize train papers/ --recipe attention --set seed=1 --out mine.safetensors`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.refuseWithRecipe(c); err != nil {
				return usage(err)
			}
			r, err := s.run(o, args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	f := c.Flags()
	f.StringVar(&s.out, "out", "", "file of the scorer")
	f.StringVar(&s.dev, "dev", "", "JSON lines of the validation documents")
	f.IntVar(&s.holdOut, "hold-out", 10, "without --dev, one document in so many is a validation document")
	f.IntVar(&s.Words, "words", summarize.DefaultWords, "most words of a summary")
	f.IntVar(&s.Epochs, "epochs", 5, "most epochs")
	f.Float64Var(&s.LR, "lr", 0.002, "peak learning rate")
	f.IntSliceVar(&s.Hidden, "hidden", []int{64}, "widths of the hidden layers")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of the weights and of the order of the documents")
	f.StringVar(&s.recipe, "recipe", "", "YAML file of a scorer with attention, or attention for that of examples/summaries")
	f.StringArrayVar(&s.set, "set", nil, "a setting of the recipe, such as train.epochs=3")
	f.IntVar(&s.Threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
	return c
}

// refuseWithRecipe refuses flags that a recipe has in their place.
func (s *summarizeTrainOptions) refuseWithRecipe(c *cobra.Command) error {
	if s.recipe == "" {
		if len(s.set) > 0 {
			return errors.New("found --set without --recipe, expected the file whose settings it changes")
		}
		return nil
	}
	keys := map[string]string{"words": "words", "epochs": "train.epochs", "lr": "train.lr", "seed": "seed", "hidden": "sentences.hidden"}
	for flag, key := range keys {
		if c.Flags().Changed(flag) {
			return fmt.Errorf("found --%s with --recipe, expected --set %s=…", flag, key)
		}
	}
	return nil
}

// check refuses values out of range.
func (s *summarizeTrainOptions) check() error {
	switch {
	case s.out == "":
		return errors.New("found no --out, expected the file of the scorer")
	case s.Words == 0 || s.Epochs == 0 || s.LR == 0:
		return fmt.Errorf("found --words %d, --epochs %d and --lr %g, expected positive numbers", s.Words, s.Epochs, s.LR)
	case s.holdOut < 2:
		return fmt.Errorf("found --hold-out %d, expected at least 2", s.holdOut)
	}
	return s.TrainOptions.Check()
}

func (s *summarizeTrainOptions) run(o *output, path string) (r summarizeTraining, err error) {
	if err := s.check(); err != nil {
		return r, usage(err)
	}
	ctx, end := untilStopped()
	defer end()
	began := time.Now()
	train, dev := path, s.dev
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if train, err = splitFile(path, "train"); err != nil {
			return r, usage(err)
		}
		if dev == "" {
			if dev, err = splitFile(path, "dev"); err != nil {
				return r, usage(err)
			}
		}
	}
	if err := checkFile("--out "+s.out, s.out, train, dev); err != nil {
		return r, usage(err)
	}
	examples, err := summarize.ReadExamples(ctx, train)
	if err != nil {
		return r, usage(err)
	}
	var validation []summarize.Example
	if dev != "" {
		validation, err = summarize.ReadExamples(ctx, dev)
	} else {
		examples, validation, err = s.split(examples)
	}
	if err != nil {
		return r, usage(err)
	}
	r = summarizeTraining{Out: s.out, Documents: len(examples), Validation: len(validation)}
	if len(examples) < fewExamples {
		fmt.Fprintf(o.err, "note: found %d documents to learn from; some hundreds are needed to beat the scorer in the program\n", len(examples))
	}
	learn := s.features
	if s.recipe != "" {
		learn = s.hierarchical
	}
	err = learn(ctx, o, examples, validation, &r)
	switch {
	case ctx.Err() != nil:
		return r, errInterrupted
	case err != nil:
		return r, usage(err)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// features trains and saves a scorer of features.
func (s *summarizeTrainOptions) features(ctx context.Context, o *output, examples, validation []summarize.Example,
	r *summarizeTraining) error {
	if !o.json {
		s.Log = func(e summarize.Epoch) { fmt.Fprintln(o.err, epochLine(e)) }
	}
	m, epochs, err := summarize.Train(ctx, examples, validation, s.TrainOptions)
	if err != nil {
		return err
	}
	r.Epochs, r.Kept = epochs, m.Card.Epochs
	return m.Save(s.out)
}

// hierarchical trains and saves a scorer with attention, by the recipe.
func (s *summarizeTrainOptions) hierarchical(ctx context.Context, o *output, examples, validation []summarize.Example,
	r *summarizeTraining) error {
	recipe, err := summarize.LoadRecipe(s.recipe, s.set)
	if err != nil {
		return err
	}
	progress := bar(o, "documents learned from")
	log := summarize.Log{
		Epoch: func(stage summarize.Stage, e summarize.Epoch) {
			if stage == summarize.Pretraining {
				r.Pretrained = append(r.Pretrained, e)
			} else {
				r.Epochs = append(r.Epochs, e)
			}
			if progress != nil {
				progress.clear()
			}
			if !o.json {
				fmt.Fprintln(o.err, stageLine(stage, e))
			}
		},
		Lesson: progress.step64,
	}
	m, err := summarize.TrainHierarchical(ctx, examples, validation, recipe, summarize.TrainHierarchicalOptions{Threads: s.Threads, Log: log})
	if err != nil {
		return err
	}
	r.Kept = m.Card.Epochs
	return m.Save(s.out)
}

func stageLine(stage summarize.Stage, e summarize.Epoch) string {
	if stage == summarize.Pretraining {
		return fmt.Sprintf("masked language model, epoch %d: loss %.3f", e.Number, e.Loss)
	}
	return epochLine(e)
}

// split holds out a part of the examples, at random.
func (s *summarizeTrainOptions) split(all []summarize.Example) (train, dev []summarize.Example, err error) {
	draw := random.NewSplitMix(s.Seed, uint64(len(all)))
	for _, e := range all {
		if draw.Below(s.holdOut) == 0 {
			dev = append(dev, e)
		} else {
			train = append(train, e)
		}
	}
	if len(train) == 0 || len(dev) == 0 {
		return nil, nil, fmt.Errorf("found %d documents, too few to hold out one in %d; give more, or --dev", len(all), s.holdOut)
	}
	return train, dev, nil
}

// splitFile is the file of a split in a folder.
func splitFile(folder, split string) (string, error) {
	for _, ending := range []string{".jsonl", ".jsonl.gz"} {
		path := filepath.Join(folder, split+ending)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("found no %s.jsonl or %[1]s.jsonl.gz in %s", split, folder)
}

func epochLine(e summarize.Epoch) string {
	return fmt.Sprintf("epoch %d: loss %.3f, %s %.2f / %.2f / %.2f on the validation documents", e.Number, e.Loss, "ROUGE-1 / 2 / Lsum",
		100*e.Dev[0], 100*e.Dev[1], 100*e.Dev[len(rouge.Names)-1])
}

func (r summarizeTraining) write(w io.Writer) {
	fmt.Fprintf(w, "%d documents, %d validation documents; kept epoch %d in %s; %.0f s\n", r.Documents, r.Validation, r.Kept, r.Out, r.Seconds)
}
