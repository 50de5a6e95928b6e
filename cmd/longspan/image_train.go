package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

const imageTrainHelp = `Train a model of pictures on a folder of photographs, by a recipe, in a new folder:

  longspan image train examples/photos.yaml --set 'data.photos=[my/photos]' --set 'data.validation=[my/photos/one.jpg]' --out runs/mine
  longspan image train --resume runs/photos

The photographs of examples/photos.yaml are fetched by 'make photos'. Nothing is learned from those of data.validation and data.hold_out,
even if data.photos has them. With the crops of the example a photograph needs 784×784 pixels; smaller ones are left out, with a note.

First filters are fitted to the photographs, in minutes for some dozens of them. Then two networks learn what the filters lack: one
enlarges, the other draws. The folder of the run is the model, from its first checkpoint on: give it to 'longspan image upscale' and
'generate' as --run.

Ctrl-C or a closed terminal finishes the current step, saves a checkpoint and exits; a second Ctrl-C exits at once. A killed run resumes
from its newest checkpoint and ends with the same bits as an uninterrupted run. Resuming refuses another model, other crops and other
photographs; --restart-data accepts other photographs and restarts them from the first batch.`

// imageTrainOptions are the flags of `image train`.
type imageTrainOptions struct {
	set         []string
	out, resume string
	threads     int
	restartData bool
}

// imageTraining is the output of `image train`.
type imageTraining struct {
	Folder      string   `json:"folder"`
	Step        int64    `json:"step"`
	Loss        float64  `json:"loss"` // mean squared error over that of the filters, since the last line of the log
	ValidLoss   *float64 `json:"valid_loss,omitempty"`
	BestStep    int64    `json:"best_step,omitempty"`
	Checkpoint  string   `json:"checkpoint"`
	PeakBytes   int64    `json:"peak_bytes"` // of the matrices
	Interrupted bool     `json:"interrupted,omitempty"`
}

func newImageTrain(o *output) *cobra.Command {
	var t imageTrainOptions
	c := &cobra.Command{
		Use:   "train RECIPE --out FOLDER",
		Short: "Train a model of pictures on photographs, or resume a run",
		Long:  imageTrainHelp,
		Args:  arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, dir, err := t.where(args)
			if err != nil {
				return usage(err)
			}
			report, err := t.run(o, r, dir)
			if err != nil {
				return err
			}
			if err := o.print(report, report.write); err != nil {
				return err
			}
			if report.Interrupted {
				return reported{errInterrupted}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringArrayVar(&t.set, "set", nil, "override a key of the recipe, such as train.steps=100; may be given again")
	f.StringVar(&t.out, "out", "", "new folder for the run (default: runs/ and the recipe's name)")
	f.StringVar(&t.resume, "resume", "", "folder of a run to resume, with its own recipe")
	f.BoolVar(&t.restartData, "restart-data", false, "with --resume: if the photographs have changed, restart from the first batch")
	f.IntVar(&t.threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
	return c
}

// where reads the recipe and chooses the folder of the run.
func (t *imageTrainOptions) where(args []string) (r *recipe.Recipe, dir string, err error) {
	var path string
	switch {
	case t.resume != "" && len(args) > 0:
		return nil, "", errors.New("a recipe and --resume are given together; a run has its recipe in its folder, and --set changes it")
	case t.resume != "" && t.out != "":
		return nil, "", errors.New("--out and --resume are given together; a run is resumed in its own folder")
	case t.resume == "" && t.restartData:
		return nil, "", errors.New("--restart-data is given without --resume; a new run reads its photographs from the first batch")
	case t.resume != "":
		dir, path = t.resume, filepath.Join(t.resume, train.ConfigName)
	case len(args) == 0:
		return nil, "", errors.New("give a recipe to train, such as examples/photos.yaml, or --resume with the folder of a run")
	default:
		dir, path = t.out, args[0]
		if dir == "" {
			base := filepath.Base(path)
			dir = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
		}
	}
	if r, err = recipe.Load(path, t.set); err != nil {
		return nil, "", err
	}
	return r, dir, r.AbsolutePaths() // --set may have named other photographs in a run, too
}

// newFolder makes the folder of a new run before photographs are read, which takes minutes. train.Run refuses what it refuses again.
func newFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, train.ConfigName)); err == nil {
		return fmt.Errorf("%w (--resume %s, or --out with a new name)", train.ErrExists, dir)
	}
	return os.MkdirAll(dir, 0o755)
}

func (t *imageTrainOptions) run(o *output, r *recipe.Recipe, dir string) (report imageTraining, err error) {
	x := tensor.Exec{Threads: pool.Threads(t.threads), Pool: tensor.NewPool()}
	ctx, end := untilStopped()
	defer end()
	p := train.NewProgress(o.err, styleOf(o.err))
	if t.resume == "" {
		if err := newFolder(dir); err != nil {
			return report, usage(err)
		}
	}
	job, err := r.Job(ctx, x, func(text string) { fmt.Fprintln(o.err, text) })
	if err != nil {
		return report, usage(err)
	}
	job.Report, job.Scored, job.Note, job.RestartData = p.Report, p.Scored, p.Note, t.restartData
	do := train.Run
	if t.resume != "" {
		do = train.Resume
	}
	result, err := do(ctx, dir, job)
	p.Done()
	if errors.Is(err, train.ErrExists) {
		err = usage(fmt.Errorf("%w (--resume %s, or --out with a new name)", err, dir))
	}
	report = imageTraining{Folder: dir, Step: result.Step, Loss: result.Loss, BestStep: result.BestStep, Checkpoint: result.Checkpoint,
		PeakBytes: x.Pool.Peak(), Interrupted: result.Interrupted}
	if result.Valid.Targets > 0 {
		report.ValidLoss = &result.Valid.Loss
	}
	return report, err
}

func (r imageTraining) write(w io.Writer) {
	fmt.Fprintf(w, "folder      %s\n", r.Folder)
	fmt.Fprintf(w, "steps       %d\n", r.Step)
	if r.Loss > 0 { // a run that has ended does no step
		fmt.Fprintf(w, "loss        %.4f: squared error, over that of the filters and of the noise\n", r.Loss)
	}
	if r.ValidLoss != nil {
		fmt.Fprintf(w, "validation  %.4f; best after step %d\n", *r.ValidLoss, r.BestStep)
	}
	fmt.Fprintf(w, "checkpoint  %s\n", r.Checkpoint)
	if r.Interrupted {
		fmt.Fprintf(w, "interrupted; resume with: longspan image train --resume %s\n", r.Folder)
	}
}
