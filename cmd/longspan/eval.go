package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/retrieval"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// modelFlags select the weights of a model folder, and the resources.
type modelFlags struct {
	weights, precision, memory string
	threads                    int
}

func (f *modelFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.weights, "weights", "", "final, latest, best or a file (default: final, or latest while there is none)")
	addMaxMemory(c, &f.memory, "the available memory")
	c.Flags().IntVar(&f.threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
}

// addPrecision is for commands that open the model of the folder; a recipe has a precision of its own.
func (f *modelFlags) addPrecision(c *cobra.Command) {
	c.Flags().StringVar(&f.precision, "precision", "", "f32, bf16 or fp16 (default: the model's)")
}

// runFlags are the flags of a command that uses a run with its data.
type runFlags struct {
	recipeFlags
	modelFlags
}

func (f *runFlags) add(c *cobra.Command) {
	f.recipeFlags.add(c)
	f.modelFlags.add(c)
}

// trained is the trained model of a run, and its data.
type trained struct {
	recipe  *recipe.Recipe
	sets    *data.Bundle
	model   *model.Model
	exec    tensor.Exec
	weights string // file of the weights
}

// open builds the model of the run in dir and loads its weights. It returns a *memory.Error, and allocates nothing, if need is more than
// the allowed memory.
func (f *runFlags) open(o *output, dir string, need func(*trained) (plan.Bytes, error)) (t *trained, err error) {
	t = &trained{}
	switch info, err := os.Stat(dir); {
	case err != nil && pretrained.Has(dir):
		return nil, usage(fmt.Errorf("found the model %s, which is in the program, expected the folder of a run: its data are measured", dir))
	case err == nil && !info.IsDir():
		return nil, usage(fmt.Errorf("found the file %s, expected the folder of a run, such as runs/ecoli", dir))
	}
	if t.recipe, err = f.loadRun(dir); err != nil {
		return nil, usage(err)
	}
	if t.weights, err = findWeights(o, dir, f.weights); err != nil {
		return nil, err
	}
	limit, err := allowance(f.memory)
	if err != nil {
		return nil, err
	}
	if t.sets, err = t.recipe.OpenRun(recipe.Run{Folder: dir, Weights: t.weights}, limit); err != nil {
		return nil, usage(err)
	}
	if err := f.build(t, need); err != nil {
		return nil, errors.Join(usage(err), t.close())
	}
	return t, nil
}

// build makes the model, if it fits, and loads the weights.
func (f *runFlags) build(t *trained, need func(*trained) (plan.Bytes, error)) error {
	if err := t.recipe.Fit(t.sets); err != nil {
		return err
	}
	bytes, err := need(t)
	if err != nil {
		return err
	}
	if err := fits(bytes, f.memory, "the longest batch of the data", "use --set data.batch=1, or fewer tokens a sequence"); err != nil {
		return err
	}
	t.exec = tensor.Exec{Threads: f.threads, Pool: reservedPool(bytes)}
	spec, err := t.recipe.Spec()
	if err != nil {
		return err
	}
	t.model, err = model.Load(spec, model.OpenOptions{Weights: t.weights, Pool: t.exec.Pool})
	return err
}

// findWeights returns the file of the weights that --weights selects. It warns of damaged checkpoints.
func findWeights(o *output, dir, which string) (string, error) {
	path, damaged, err := train.Find(dir, which)
	for _, d := range damaged {
		fmt.Fprintf(o.err, "%s is damaged (%v); it is not used\n", d.Path, d.Err)
	}
	if err == nil || which != "" || len(damaged) > 0 {
		return path, usage(err)
	}
	if m, open := model.Open(dir); open == nil {
		err = errors.Join(err, m.Close())
	} else if errors.Is(open, fs.ErrNotExist) {
		err = open // which says what the folder lacks
	}
	return path, usage(err)
}

// fits refuses work that needs more than --max-memory allows.
func fits(need plan.Bytes, budget, what, advice string) error {
	limit, err := allowance(budget)
	if err != nil {
		return err
	}
	if total := need.Total(); limit > 0 && total > limit {
		return &memory.Error{What: what, Need: total, Available: limit, Advice: advice}
	}
	return nil
}

// reservedPool is a pool with room for the planned matrices, and a quarter more, as matrices of many sizes leave gaps.
func reservedPool(need plan.Bytes) *tensor.Pool {
	p := tensor.NewPool()
	p.Reserve(need.Pool() + need.Pool()/4)
	return p
}

// openedModel is the model of a folder, with a session that has the memory for its work.
type openedModel struct {
	*model.Model
	session *model.Session
	weights string // file of the weights
}

// open opens the model that an argument names. It returns a *memory.Error if need, the memory of the work called what, is more than the
// allowed memory.
func (f *modelFlags) open(o *output, argument, what, advice string, need func(*model.Model) (plan.Estimate, error)) (*openedModel, error) {
	m, path, err := openModel(o, argument, *f, mechanismFlags{})
	if err != nil {
		return nil, err
	}
	e, err := need(m)
	if err != nil {
		return nil, errors.Join(usage(err), m.Close())
	}
	if err := fits(e.Bytes, f.memory, what, advice); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &openedModel{m, m.NewSession(tensor.Exec{Threads: f.threads, Pool: reservedPool(e.Bytes)}), path}, nil
}

func (t *trained) close() error {
	var err error
	if t.model != nil {
		err = t.model.Close()
	}
	return errors.Join(err, closeSource(t.sets.Train), t.recipe.Close())
}

// evalReport is the output of `eval`.
type evalReport struct {
	Weights    string       `json:"weights"`
	On         string       `json:"on"`
	Loss       float64      `json:"loss"`                 // nats a target; of numbers: the mean squared error, in squared deviations
	Bits       *float64     `json:"bits,omitempty"`       // Bits, Perplexity and Accuracy: none of numbers
	Perplexity *float64     `json:"perplexity,omitempty"` // none if it overflows
	Accuracy   *float64     `json:"accuracy,omitempty"`
	RootError  *float64     `json:"root_error,omitempty"` // of numbers: the root mean squared error, in the units of the data
	Classes    []namedScore `json:"classes,omitempty"`
	Targets    int64        `json:"targets"`
	Tokens     int64        `json:"tokens"`

	Retrieval *retrieval.Score `json:"retrieval,omitempty"` // of pairs

	Seconds   float64 `json:"seconds"`
	PeakBytes int64   `json:"peak_bytes"`
}

// namedScore is the score of a class.
type namedScore struct {
	Name string `json:"name"`
	model.ClassScore
}

func newEval(o *output) *cobra.Command {
	var flags runFlags
	var ranks rankFlags
	var on string
	var batches int
	c := &cobra.Command{
		Use:   "eval RUN",
		Short: "Evaluate the model of a run on its test data",
		Long: `Evaluate the model in the folder of a run on the test data of its recipe, every target once. With --set the data may differ
from the training: other files, or other windows.

  longspan eval runs/ecoli --weights best
  longspan eval runs/ecoli --set data.genome.tokens=131072`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if on != "test" && on != "validation" {
				return usage(fmt.Errorf("found --on %q, expected test or validation", on))
			}
			if batches < 0 {
				return usage(fmt.Errorf("found --batches %d, expected 0 or more", batches))
			}
			t, err := flags.open(o, args[0], func(t *trained) (plan.Bytes, error) { return t.need(on, batches, flags.threads) })
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			r, err := t.evaluate(ctx, on, batches, ranks.engine)
			if err = errors.Join(err, t.close()); err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	flags.add(c)
	c.Flags().StringVar(&on, "on", "test", "test or validation")
	c.Flags().IntVar(&batches, "batches", 0, "largest number of batches (default: all)")
	ranks.wrap(o, c)
	return c
}

// source opens the data to evaluate on.
func (t *trained) source(on string) (data.Source, error) {
	if on == "validation" {
		return t.sets.Validation()
	}
	return t.sets.Test()
}

// need is the memory of the longest batch.
func (t *trained) need(on string, batches, threads int) (need plan.Bytes, err error) {
	source, err := t.source(on)
	if err != nil {
		return need, err
	}
	defer func() { err = errors.Join(err, closeSource(source)) }()
	job, err := t.recipe.PlanEvaluation(t.sets, source, batches, threads)
	if err != nil {
		return need, err
	}
	e, err := plan.Evaluation(job)
	return e.Bytes, err
}

// evaluate measures until ctx is done.
func (t *trained) evaluate(ctx context.Context, on string, batches int, ranks parallel.Engine) (r evalReport, err error) {
	source, err := t.source(on)
	if err != nil {
		return r, usage(err)
	}
	defer func() { err = errors.Join(err, closeSource(source)) }()
	began := time.Now()
	score, classes, err := t.score(ctx, source, batches, ranks)
	if ctx.Err() != nil {
		return r, errInterrupted
	}
	if err != nil {
		return r, err
	}
	r = evalReport{Weights: t.weights, On: on, Loss: score.Loss, Targets: score.Targets, Tokens: score.Tokens,
		Seconds: time.Since(began).Seconds(), PeakBytes: t.exec.Pool.Peak()}
	if !score.Numbers {
		bits, accuracy := score.Bits(), score.Accuracy()
		r.Bits, r.Accuracy = &bits, &accuracy
		if perplexity := math.Exp(score.Loss); !math.IsInf(perplexity, 0) {
			r.Perplexity = &perplexity
		}
	}
	if t.sets.Numbers {
		root := t.sets.Answers.Deviation * math.Sqrt(score.Loss)
		r.RootError = &root
	}
	if ranks := t.model.Ranks(); t.sets.Pairs {
		s, err := retrieval.ScoreOf(ranks, bootstrap.Resampling{Seed: t.recipe.Train.Seed})
		if err != nil {
			return r, err
		}
		r.Retrieval = &s
	}
	for i, name := range t.sets.Answers.Classes {
		r.Classes = append(r.Classes, namedScore{name, classes[i]})
	}
	return r, nil
}

// same returns an error if a rank has other weights or other data than rank 0.
func (t *trained) same(ranks parallel.Engine, source data.Source) error {
	if ranks.Size() == 1 {
		return nil
	}
	if err := sameOnRanks(ranks, "weights", digestOfWeights(t.model)); err != nil {
		return err
	}
	return sameOnRanks(ranks, "data", crc64.Checksum(source.State(), digests))
}

// score evaluates on one rank, or on several that share each batch where the model can.
func (t *trained) score(ctx context.Context, source data.Source, batches int, ranks parallel.Engine) (s train.Score, c []model.ClassScore,
	err error) {
	if err := t.same(ranks, source); err != nil {
		return s, nil, err
	}
	if ranks.Size() == 1 || model.CanShare(t.model.Spec()) != nil { // then each rank evaluates all
		s, err = train.Evaluate(ctx, t.exec, t.model, source, batches)
		return s, t.model.ByClass(), err
	}
	team := parallel.Team{All: ranks, Sequence: ranks, Tensor: parallel.Whole().Tensor}
	if s, err = train.EvaluateOver(ctx, t.exec, t.model, source, batches, team); err != nil {
		return s, nil, err
	}
	c, err = t.model.ByClassOver(team)
	return s, c, err
}

func (r evalReport) write(w io.Writer) {
	fmt.Fprintf(w, "weights   %s\n", r.Weights)
	fmt.Fprintf(w, "data      %s: %d targets in %d tokens, %.1f s\n", r.On, r.Targets, r.Tokens, r.Seconds)
	if r.RootError != nil {
		fmt.Fprintf(w, "error     %.6g, the root of the mean square; the loss is %.4f: its square, in deviations of the training data\n",
			*r.RootError, r.Loss)
		return
	}
	fmt.Fprintf(w, "loss      %.4f nats, %.4f bits a target; perplexity %.4g\n", r.Loss, *r.Bits, math.Exp(r.Loss))
	fmt.Fprintf(w, "accuracy  %.2f%%\n", 100**r.Accuracy)
	if s := r.Retrieval; s != nil {
		writeRetrieval(w, *s)
	}
	for _, c := range r.Classes {
		fmt.Fprintf(w, "  %-12s %.2f%% of %d found; %.2f%% of %d answers right\n",
			c.Name, share(c.Correct, c.Targets), c.Targets, share(c.Correct, c.Chosen), c.Chosen)
	}
}

// share is part of all in percent, or 0 if all is 0.
func share(part, all int64) float64 {
	if all == 0 {
		return 0
	}
	return 100 * float64(part) / float64(all)
}
