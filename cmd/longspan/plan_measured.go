package main

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/longspan/longspan/train"
)

// measuredSteps is the speed of a run.
type measuredSteps struct {
	Seconds float64 `json:"seconds"` // a step, median
	Steps   int     `json:"steps"`   // differences between lines of the log
	Tokens  int64   `json:"tokens"`  // a step
}

// measuredRun reads how long the steps of a run took: the median over neighbouring lines of its log. Lines with an evaluation between them
// do not count. Checkpoints do.
func measuredRun(dir string) (*measuredSteps, error) {
	log, err := train.ReadLog(filepath.Join(dir, train.LogName))
	if err != nil {
		return nil, usage(err)
	}
	var seconds []float64
	var m measuredSteps
	var last *train.Record
	for i, r := range log {
		switch {
		case r.Note != "":
		case r.ValidTargets > 0:
			last = nil
		default:
			if last != nil && r.Step > last.Step && r.Seconds > last.Seconds {
				steps := r.Step - last.Step
				seconds = append(seconds, (r.Seconds-last.Seconds)/float64(steps))
				m.Tokens = (r.Tokens - last.Tokens) / steps
			}
			last = &log[i]
		}
	}
	if len(seconds) == 0 {
		return nil, usage(fmt.Errorf("%s: found no two lines of steps without an evaluation between them, expected a run of several steps with "+
			"train.log.every: 1", filepath.Join(dir, train.LogName)))
	}
	slices.Sort(seconds)
	m.Seconds, m.Steps = seconds[len(seconds)/2], len(seconds)
	return &m, nil
}

// compareRun adds the speed of a run to the plan. It refuses a run whose steps have another number of tokens.
func (r *planReport) compareRun(dir string) (err error) {
	if dir == "" {
		return nil
	}
	if r.Measured, err = measuredRun(dir); err != nil {
		return err
	}
	if got := r.Measured.Tokens; got != int64(r.Tokens) && !r.Uneven {
		return usage(fmt.Errorf("%s: found steps of %d tokens, expected the %d of the recipe; give the recipe of the run", dir, got, r.Tokens))
	}
	return nil
}
