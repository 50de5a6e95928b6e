package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/launch"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

const trainHelp = `Train a model by a recipe, in a new folder:

  longspan train examples/ecoli.yaml --out runs/ecoli
  longspan train --resume runs/ecoli

The folder has the config, the log (JSON lines and TensorBoard event files), checkpoints and, at the end, the model. Ctrl-C or a closed
terminal finishes the current step, saves a checkpoint and exits; a second Ctrl-C exits at once. A killed run resumes from its newest
checkpoint and ends with the same bits as an uninterrupted run. Resuming refuses another model and changed data; --restart-data accepts
changed data and restarts it from its first batch.

Under mpirun or srun the ranks train one run together (docs/parallel.md): rank 0 writes the folder, and every rank reads the data. The bits
depend on train.shards, and not on the ranks.

  mpirun --bind-to none -n 4 longspan-mpi train examples/ecoli.yaml --out runs/ecoli`

// trainOptions are the flags of `train`.
type trainOptions struct {
	recipeFlags
	rankFlags
	out, resume string
	memory      string
	threads     int
	restartData bool
}

// trainReport is the output of `train`.
type trainReport struct {
	Folder      string   `json:"folder"`
	Step        int64    `json:"step"`
	Loss        float64  `json:"loss"` // nats a target, since the last line of the log
	ValidLoss   *float64 `json:"valid_loss,omitempty"`
	ValidBits   *float64 `json:"valid_bits,omitempty"`
	Accuracy    *float64 `json:"valid_accuracy,omitempty"`
	RootError   *float64 `json:"valid_root_error,omitempty"` // of predicted numbers
	BestStep    int64    `json:"best_step,omitempty"`
	Checkpoint  string   `json:"checkpoint"`
	Model       string   `json:"model,omitempty"` // folder in the form of the checkpoint that the run began with
	PeakBytes   []int64  `json:"peak_bytes"`      // of the matrices of each rank
	Interrupted bool     `json:"interrupted,omitempty"`
}

func newTrain(o *output) *cobra.Command {
	var t trainOptions
	c := &cobra.Command{
		Use:   "train RECIPE",
		Short: "Train a model by a recipe, or resume a run",
		Long:  trainHelp,
		Args:  arguments(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, dir, err := t.where(args)
			if err != nil {
				return err
			}
			settings := settingsOf(c, args, "out", "resume", "restart-data")
			all, err := r.Settings()
			if err != nil {
				return err
			}
			for key, value := range all {
				settings = append(settings, launch.Setting{Key: key, Value: value})
			}
			return t.overRanks(o, settings, func(w *launch.World) error {
				report, err := t.run(o, r, dir, w)
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
			})
		},
	}
	t.recipeFlags.add(c)
	t.rankFlags.add(c)
	c.Flags().StringVar(&t.out, "out", "", "new folder for the run (default: runs/ and the recipe's name)")
	c.Flags().StringVar(&t.resume, "resume", "", "folder of a run to resume, with its own recipe")
	c.Flags().BoolVar(&t.restartData, "restart-data", false, "with --resume: if the data has changed, restart it from its first batch")
	addMaxMemory(c, &t.memory, "the available memory")
	c.Flags().IntVar(&t.threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
	return c
}

var errInterrupted = errors.New("interrupted")

// where reads the recipe and chooses the folder of the run.
func (t *trainOptions) where(args []string) (*recipe.Recipe, string, error) {
	switch {
	case t.resume != "" && len(args) > 0:
		return nil, "", usage(errors.New("a recipe and --resume are given together; a run has its recipe in its folder, and --set changes it"))
	case t.resume != "" && t.out != "":
		return nil, "", usage(errors.New("--out and --resume are given together; a run is resumed in its own folder"))
	case t.resume == "" && t.restartData:
		return nil, "", usage(errors.New("--restart-data is given without --resume; a new run reads its data from the first batch"))
	case t.resume != "":
		r, err := t.loadRun(t.resume)
		if err != nil {
			return nil, "", err
		}
		return r, t.resume, r.AbsolutePaths() // --set may have named other files
	case len(args) == 0:
		return nil, "", usage(errors.New("give a recipe to train, or --resume with the folder of a run"))
	}
	dir := t.out
	if dir == "" {
		base := filepath.Base(args[0])
		dir = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
	}
	r, err := t.load(args[0])
	if err != nil {
		return nil, "", err
	}
	return r, dir, r.AbsolutePaths()
}

func (t *trainOptions) run(o *output, r *recipe.Recipe, dir string, ranks *launch.World) (report trainReport, err error) {
	if r.Train.Shards == 0 && ranks.Size() > 1 {
		r.Train.Shards = max(ranks.Size(), r.Train.AllShards()) // which a later resumption finds in the folder's config
	}
	limit, err := allowance(t.memory)
	if err != nil {
		return report, err
	}
	if limit, err = roomOf(ranks, limit); err != nil {
		return report, err
	}
	sets, err := r.Open(limit)
	if err != nil {
		return report, usage(err)
	}
	defer func() { err = errors.Join(err, closeSource(sets.Train), r.Close()) }()
	if err := r.Fit(sets); err != nil {
		return report, usage(err)
	}
	for _, note := range sets.Notes {
		fmt.Fprintln(o.err, note)
	}
	need, err := r.FitMemory(sets, recipe.Room{Threads: t.threads, Ranks: ranks.Size(), Bytes: limit})
	if err != nil {
		return report, usage(err)
	}
	x := tensor.Exec{Threads: t.threads, Pool: reservedPool(need)}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return report, usage(err)
	}
	defer m.Close()
	job, err := r.Job(sets, m, x)
	if err != nil {
		return report, usage(err)
	}
	p := train.NewProgress(o.err, styleOf(o.err))
	job.Ranks = ranks.Engine
	job.Report, job.Scored, job.Note, job.RestartData = p.Report, p.Scored, p.Note, t.restartData
	ctx, end := untilStopped()
	defer end()
	do := train.Run
	if t.resume != "" {
		do = train.Resume
	}
	result, err := do(ctx, dir, job)
	p.Done()
	if errors.Is(err, train.ErrExists) {
		err = usage(fmt.Errorf("%w (--resume %s, or --out with a new name)", err, dir))
	}
	report = reportOf(dir, result)
	if err == nil && job.Export != nil && !result.Interrupted {
		report.Model = filepath.Join(dir, train.ExportName)
	}
	if err == nil {
		report.PeakBytes, err = parallel.Gather(ranks.Engine, "peaks of the memory", x.Pool.Peak())
	}
	if sets.Numbers && report.ValidLoss != nil {
		root := sets.Answers.Deviation * math.Sqrt(*report.ValidLoss)
		report.RootError = &root
	}
	return report, err
}

// allowance is the largest use of memory by a command: the budget, but no more than the system's limits on this process.
func allowance(text string) (int64, error) {
	limit, err := budget(text)
	if hard := memory.Limit(); err == nil && hard < math.MaxInt64 && (limit == 0 || limit > hard) {
		limit = hard
	}
	return limit, err
}

func reportOf(dir string, r train.Result) trainReport {
	report := trainReport{Folder: dir, Step: r.Step, Loss: r.Loss, BestStep: r.BestStep, Checkpoint: r.Checkpoint, Interrupted: r.Interrupted}
	if r.Valid.Targets > 0 {
		report.ValidLoss = &r.Valid.Loss
	}
	if r.Valid.Targets > 0 && !r.Valid.Numbers {
		bits, accuracy := r.Valid.Bits(), r.Valid.Accuracy()
		report.ValidBits, report.Accuracy = &bits, &accuracy
	}
	return report
}

// styleOf is how progress is written to w.
func styleOf(w io.Writer) train.Style {
	if onTerminal(w) {
		return train.Live
	}
	return train.Lines
}

func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isTerminal(f)
}

func (r trainReport) write(w io.Writer) {
	fmt.Fprintf(w, "folder      %s\n", r.Folder)
	fmt.Fprintf(w, "steps       %d\n", r.Step)
	r.writeLoss(w)
	fmt.Fprintf(w, "checkpoint  %s\n", r.Checkpoint)
	if r.Model != "" {
		fmt.Fprintf(w, "model       %s, in the form that it came in\n", r.Model)
	}
	if len(r.PeakBytes) > 1 {
		fmt.Fprintf(w, "memory      %s of matrices on the fullest of %d ranks\n", memory.Format(slices.Max(r.PeakBytes)), len(r.PeakBytes))
	}
	if r.Interrupted {
		fmt.Fprintf(w, "interrupted; resume with: longspan train --resume %s\n", r.Folder)
	}
}

// writeLoss writes the losses: the mean squared error of predicted numbers, and nats of everything else.
func (r trainReport) writeLoss(w io.Writer) {
	if r.RootError != nil {
		fmt.Fprintf(w, "loss        %.4f: mean squared error, in standard deviations\n", r.Loss)
		fmt.Fprintf(w, "validation  %.4f: a root mean squared error of %.6g in the units of the data; best after step %d\n",
			*r.ValidLoss, *r.RootError, r.BestStep)
		return
	}
	if r.Loss > 0 { // a run that has ended does no step
		fmt.Fprintf(w, "loss        %.4f nats (%.4f bits) a target\n", r.Loss, r.Loss/math.Ln2)
	}
	if r.ValidLoss != nil {
		fmt.Fprintf(w, "validation  %.4f nats (%.4f bits) a target, accuracy %.2f%%; best after step %d\n",
			*r.ValidLoss, *r.ValidBits, 100**r.Accuracy, r.BestStep)
	}
}
