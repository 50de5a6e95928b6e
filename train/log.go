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

// Record is a line of the log: means of training, an evaluation or a note.
type Record struct {
	Step int64 `json:"step"`

	// Of training, since the last such line.
	Loss   float64 `json:"loss,omitempty"`   // mean, nats a target
	LR     float64 `json:"lr,omitempty"`     // learning rate
	Norm   float64 `json:"norm,omitempty"`   // of the last gradient, before clipping
	Scale  float64 `json:"scale,omitempty"`  // loss scale
	Tokens int64   `json:"tokens,omitempty"` // since the start of the run

	// Of an evaluation.
	ValidLoss     float64 `json:"valid_loss,omitempty"` // nats a target
	ValidAccuracy float64 `json:"valid_accuracy,omitempty"`
	ValidTargets  int64   `json:"valid_targets,omitempty"`

	Note string `json:"note,omitempty"`

	// Only these times differ between two runs of one config.
	Seconds         float64 `json:"seconds,omitempty"` // since the start of the process
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`
}

// logFile appends records to log.jsonl.
type logFile struct{ f *os.File }

// openLog opens the log of a run that continues after step. It drops lines of later steps, which will be done again, an incomplete last
// line, and the evaluation after step if that is still due.
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

// keepLines is the complete lines of text up to step, without an evaluation that is due.
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

// write appends r in one call: after a kill, only the last line can be incomplete.
func (l *logFile) write(r Record) error {
	if l == nil { // rank 0 has the log
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	_, err = l.f.Write(append(line, '\n'))
	return err
}

// sync makes the lines durable. A checkpoint promises that all lines up to its step are in the log.
func (l *logFile) sync() error { return l.f.Sync() }

func (l *logFile) close() error { return l.f.Close() }

// ReadLog reads the log of a run. It skips an incomplete last line, which a killed run leaves.
func ReadLog(path string) ([]Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var records []Record
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		var r struct {
			Record
			Rate float64 `json:"rate"` // name of lr in older logs
		}
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			if scanner.Scan() {
				return nil, fmt.Errorf("%s: line %d is not a record: %w", path, n, err)
			}
			break
		}
		if r.LR == 0 {
			r.LR = r.Rate
		}
		records = append(records, r.Record)
	}
	return records, scanner.Err()
}
