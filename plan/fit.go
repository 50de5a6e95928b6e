package plan

import (
	"errors"
	"slices"
	"sort"
	"strconv"

	"github.com/longspan/longspan/model"
)

// Fits says whether the job's peak is within a budget of bytes.
func Fits(j Job, budget int64) (bool, error) {
	e, err := Make(j)
	return err == nil && e.Bytes.Total() <= budget, err
}

// Choose settles what is recomputed where j leaves that to it (auto): the fewest layers, from the first, that make the job fit the
// budget, or where no number of layers does, the policy of least memory. Any other policy is returned as it is.
func Choose(j Job, budget int64) (recompute string, err error) {
	if j.Model.Recompute != model.Auto {
		return j.Model.Recompute, nil
	}
	with := func(policy string) (int64, error) {
		j.Model.Recompute = policy
		e, err := Make(j)
		return e.Bytes.Total(), err
	}
	// Each layer more takes memory away, up to the last but one: what is kept of the last is needed at once anyway.
	var failed error
	n := sort.Search(len(j.Model.Layers), func(n int) bool {
		bytes, err := with(strconv.Itoa(n))
		failed = errors.Join(failed, err)
		return bytes <= budget
	})
	if failed != nil {
		return "", failed
	}
	if n < len(j.Model.Layers) {
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

// Change is something to change in a job that does not fit, and what it then takes.
type Change struct {
	Set      []string `json:"set"` // as the command line has it, such as model.recompute=every
	Estimate Estimate `json:"estimate"`
	Fits     bool     `json:"fits"`
	Job      Job      `json:"-"`
}

// Changes lists what would make a job take less memory, in the order in which to try it: recomputing costs a third more time at
// most, bf16 some accuracy, adafactor a different path of training, and shorter sequences what the model can learn.
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
