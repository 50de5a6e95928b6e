package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/longspan/longspan/internal/durable"
)

// Record is a line of the log. Which fields it has depends on what it tells.
type Record struct {
	Step int64 `json:"step"`

	// Of training: means since the last such line.
	Loss   float64 `json:"loss,omitempty"`   // nats a target
	Rate   float64 `json:"rate,omitempty"`   // learning rate
	Norm   float64 `json:"norm,omitempty"`   // of the last gradient, before clipping
	Scale  float64 `json:"scale,omitempty"`  // loss scale
	Tokens int64   `json:"tokens,omitempty"` // since the run began

	// Of an evaluation.
	ValidLoss     float64 `json:"valid_loss,omitempty"` // nats a target
	ValidAccuracy float64 `json:"valid_accuracy,omitempty"`
	ValidTargets  int64   `json:"valid_targets,omitempty"`

	Note string `json:"note,omitempty"`

	// Times are the only fields in which two runs of one config differ.
	Seconds         float64 `json:"seconds,omitempty"` // since the process began
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`
}

// logFile appends records to log.jsonl.
type logFile struct{ f *os.File }

// openLog opens the log of a run that goes on after step: lines about later steps, and a last line that was not
// written to its end, are dropped, since the steps they tell of will be done again. So is an evaluation after step
// that is still due.
func openLog(path string, step int64, due bool) (*logFile, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	kept := keepLines(text, step, due)
	if len(kept) != len(text) {
		err := durable.Write(path, func(w io.Writer) error {
			_, err := w.Write(kept)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &logFile{f}, nil
}

// keepLines is the lines of text up to step, without those that are not whole and the evaluation that is due.
func keepLines(text []byte, step int64, due bool) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		var r Record
		if line[len(line)-1] != '\n' || json.Unmarshal(line, &r) != nil || r.Step > step {
			continue
		}
		if due && r.Step == step && r.ValidTargets > 0 {
			continue
		}
		kept = append(kept, line...)
	}
	return kept
}

// write appends r in one call, so that a kill leaves whole lines but for the last.
func (l *logFile) write(r Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	_, err = l.f.Write(append(line, '\n'))
	return err
}

// sync makes the lines durable; a checkpoint promises that the lines up to it are there.
func (l *logFile) sync() error { return l.f.Sync() }

func (l *logFile) close() error { return l.f.Close() }

// ReadLog reads the log of a run. A last line that is not whole, as a killed run leaves, is skipped.
func ReadLog(path string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var records []Record
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		var r Record
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			if scanner.Scan() {
				return nil, fmt.Errorf("%s: line %d is not a record: %w", path, n, err)
			}
			break
		}
		records = append(records, r)
	}
	return records, scanner.Err()
}
