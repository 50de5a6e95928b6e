package plan

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/longspan/longspan/model"
)

// Choose returns the recomputation policy of a job. For auto it is the fewest layers, from the first, with which the job fits a budget of
// bytes, or if none fits, the policy of least memory. Any other policy is returned unchanged.
func Choose(j Job, budget int64) (recompute string, err error) {
	if j.Model.Recompute != model.Auto {
		return j.Model.Recompute, nil
	}
	with := func(policy string) (int64, error) {
		j.Model.Recompute = policy
		e, err := Make(j)
		return e.Bytes.Total(), err
	}
	// Each further layer saves memory, except the last: its activations are needed at once in the backward pass.
	var failed error
	n := sort.Search(j.Model.Deepest(), func(n int) bool {
		bytes, err := with(strconv.Itoa(n))
		failed = errors.Join(failed, err)
		return bytes <= budget
	})
	if failed != nil {
		return "", failed
	}
	if n < j.Model.Deepest() {
		return strconv.Itoa(n), nil
	}
	every, err := with("every")
	if err != nil {
		return "", err
	}
	sqrt, err := with("sqrt")
	if sqrt < every {
		return "sqrt", err
	}
	return "every", err
}

// Change is a change of a job that does not fit, and the estimate of the changed job.
type Change struct {
	Set      []string `json:"set"` // for the flag --set, such as model.recompute=every
	Estimate Estimate `json:"estimate"`
	Fits     bool     `json:"fits"`
	Job      Job      `json:"-"`
}

// Changes lists changes that reduce the memory of a job, in the order in which to try them. Recomputation costs at most a third more time,
// bf16 some accuracy, and adafactor changes the path of training.
func Changes(j Job, budget int64) ([]Change, error) {
	var changes []Change
	try := func(from Job, set []string, change func(*Job)) (Job, error) {
		change(&from)
		e, err := Make(from)
		if err == nil {
			changes = append(changes, Change{set, e, e.Bytes.Total() <= budget, from})
		}
		return from, err
	}
	var err error
	var set []string
	if j.Model.Recompute != "every" && j.Model.Recompute != "sqrt" {
		for _, policy := range []string{"every", "sqrt"} {
			if _, err = try(j, []string{"model.recompute=" + policy}, func(j *Job) { j.Model.Recompute = policy }); err != nil {
				return nil, err
			}
		}
		best := changes[0]
		if changes[1].Estimate.Bytes.Total() < best.Estimate.Bytes.Total() {
			best = changes[1]
		}
		j, set = best.Job, best.Set
	}
	if n := len(j.Lengths); n > 1 { // as many sequences an update, one after the other
		set = append(slices.Clone(set), "data.batch=1", fmt.Sprintf("train.accumulate=%d", n*max(1, j.Train.Accumulate)))
		j, err = try(j, set, func(j *Job) {
			longest := slices.Index(j.Lengths, slices.Max(j.Lengths))
			j.Lengths, j.EvalLengths, j.EvalSources = j.Lengths[longest:longest+1], nil, nil
			if len(j.Sources) > 0 {
				j.Sources = j.Sources[longest : longest+1]
			}
			j.Train.Accumulate = n * max(1, j.Train.Accumulate)
		})
		if err != nil {
			return nil, err
		}
	}
	if j.Model.Precision == "f32" {
		set = append(slices.Clone(set), "model.precision=bf16")
		if j, err = try(j, set, func(j *Job) { j.Model.Precision = "bf16" }); err != nil {
			return nil, err
		}
	}
	if j.Train.Optimizer.Name == "adamw" {
		set = append(slices.Clone(set), "train.optimizer.name=adafactor")
		if _, err = try(j, set, func(j *Job) { j.Train.Optimizer.Name = "adafactor" }); err != nil {
			return nil, err
		}
	}
	return changes, nil
}
