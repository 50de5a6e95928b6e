package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Open measures how long it takes to open a model folder, and how much memory, each time in a process of its own.
type Open struct {
	Layers    int    // of a decoder of width 1,024 and 32,000 tokens: 12.6 M weights each, and 32.8 M in the embedding
	Type      string // of the weights and of computing: f32 or bf16
	Processes int    // runs; the result is their median
	Folder    string // a model folder to open instead; empty: a model of random weights
}

// OpenRow is what was measured.
type OpenRow struct {
	Weights     int64   `json:"weights"`    // their number
	FileBytes   int64   `json:"file_bytes"` // of the weights
	Type        string  `json:"dtype"`
	Seconds     float64 `json:"seconds"`      // until the model is open; the file is in the system's cache
	OpenBytes   int64   `json:"open_bytes"`   // resident memory that opening added, at most; 0 where the system does not tell
	Share       float64 `json:"share"`        // OpenBytes / FileBytes
	FirstToken  float64 `json:"first_token"`  // seconds from the open model to the first token
	TokenBytes  int64   `json:"token_bytes"`  // resident memory after it, with the pages of the file that are in use
	ProcessRuns int     `json:"process_runs"` // how many processes
}

// Opened is what one process measures.
type Opened struct {
	Weights    int64   `json:"weights"`
	FileBytes  int64   `json:"file_bytes"`
	Seconds    float64 `json:"seconds"`
	OpenBytes  int64   `json:"open_bytes"`
	FirstToken float64 `json:"first_token"`
	TokenBytes int64   `json:"token_bytes"`
}

// Run measures o. child makes the command of a process that prints the Opened of a folder as JSON.
func (o Open) Run(child func(folder string) (*exec.Cmd, error), tell Progress) (row OpenRow, err error) {
	if o.Layers < 1 || o.Processes < 1 {
		return row, fmt.Errorf("bench: found %d layers and %d processes, expected at least 1 of each", o.Layers, o.Processes)
	}
	folder := o.Folder
	if folder == "" {
		if folder, err = o.makeFolder(); err != nil {
			return row, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	var all []Opened
	for i := range o.Processes + 1 { // the first brings the file into the system's cache
		tell(i, o.Processes+1)
		command, err := child(folder)
		if err != nil {
			return row, err
		}
		command.Stderr = os.Stderr
		text, err := command.Output()
		if err != nil {
			return row, fmt.Errorf("bench: the process that opens the model: %w", childError(err, text))
		}
		var one Opened
		if err := json.Unmarshal(text, &one); err != nil {
			return row, fmt.Errorf("bench: the process that opens the model printed %q: %w", text, err)
		}
		if i > 0 {
			all = append(all, one)
		}
	}
	row = OpenRow{Weights: all[0].Weights, FileBytes: all[0].FileBytes, Type: o.Type, ProcessRuns: o.Processes,
		Seconds:    medianOf(all, func(o Opened) float64 { return o.Seconds }),
		FirstToken: medianOf(all, func(o Opened) float64 { return o.FirstToken }),
		OpenBytes:  int64(medianOf(all, func(o Opened) float64 { return float64(o.OpenBytes) })),
		TokenBytes: int64(medianOf(all, func(o Opened) float64 { return float64(o.TokenBytes) }))}
	row.Share = float64(row.OpenBytes) / float64(row.FileBytes)
	return row, nil
}

// childError is the error of a process, with the message of the JSON that it printed.
func childError(err error, text []byte) error {
	var printed struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &printed) != nil || printed.Error == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, printed.Error)
}

// medianOf is the median over the processes of one of their numbers.
func medianOf(all []Opened, of func(Opened) float64) float64 {
	var values []float64
	for _, o := range all {
		values = append(values, of(o))
	}
	slices.Sort(values)
	return median(values)
}

// makeFolder saves a model of random weights.
func (o Open) makeFolder() (folder string, err error) {
	t, err := tensor.ParseType(o.Type)
	if err != nil {
		return "", err
	}
	c := model.Config{Vocab: 32000, Width: 1024, Layers: o.Layers, Heads: 16, Norm: "rms", Tied: true, Attention: []string{"window(512)"},
		Precision: o.Type}
	bytes := (12*1024*1024*int64(o.Layers) + 32000*1024) * int64(t.Size())
	if err := memory.Check("the weights of the model", bytes); err != nil {
		return "", err
	}
	m, err := model.New(c, model.Options{})
	if err != nil {
		return "", err
	}
	if folder, err = os.MkdirTemp("", "longspan-bench-open-*"); err != nil {
		return "", err
	}
	if err := m.Save(folder, t); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return folder, m.Close()
}

// OpenFolder is what the process of its own does: it opens a folder and draws one token.
func OpenFolder(folder string) (o Opened, err error) {
	info, err := os.Stat(filepath.Join(folder, "model.safetensors"))
	if err != nil {
		return o, err
	}
	o.FileBytes = info.Size()
	_, before := memory.Resident()
	began := time.Now()
	m, err := model.Open(folder)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	o.Seconds = time.Since(began).Seconds()
	_, most := memory.Resident()
	o.OpenBytes, o.Weights = max(0, most-before), m.Count()
	began = time.Now()
	d, err := m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Decode(nil)
	if err != nil {
		return o, err
	}
	defer d.Close()
	if _, err := d.Step([]int32{1}); err != nil {
		return o, err
	}
	o.FirstToken = time.Since(began).Seconds()
	o.TokenBytes, _ = memory.Resident()
	return o, nil
}
