package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/safetensors"
)

// folder is a run's folder, open and locked.
type folder struct {
	dir    string
	unlock func() error
	wrap   func(io.Writer) io.Writer // lets tests make writes fail; nil otherwise
}

// The names of files in a run's folder.
const (
	ConfigName = filename.Config
	LogName    = filename.Log
	ModelName  = filename.Weights
	ExportName = "model" // the folder of Job.Export

	checkpointsDir = "checkpoints"
	lockName       = "lock"
)

// openFolder makes or opens the folder of a run, and locks it against other processes.
func openFolder(dir string, resume bool) (*folder, error) {
	f := &folder{dir: dir}
	if resume {
		if _, err := os.Stat(filepath.Join(dir, ConfigName)); err != nil {
			return nil, inputError{fmt.Errorf("%s holds no run to resume: %w", dir, err)}
		}
	}
	if !resume {
		// Before anything is made. That there is a run is said with the lock: a process may be training in it.
		if err := f.vacant(); err != nil && !errors.Is(err, ErrExists) {
			return nil, folderError(dir, err)
		}
	}
	if err := os.MkdirAll(f.path(checkpointsDir), 0o755); err != nil {
		return nil, folderError(dir, err)
	}
	unlock, err := lock(f.path(lockName))
	if err != nil {
		return nil, folderError(dir, err)
	}
	f.unlock = unlock
	if !resume {
		if err := f.vacant(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), unlock())
		}
	}
	// We have the lock, so partial files are from a process that was killed.
	if err := errors.Join(durable.Sweep(dir), durable.Sweep(f.path(checkpointsDir))); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return f, nil
}

// folderError is err with the folder dir. It is an ErrInput if the folder can never be written to.
func folderError(dir string, err error) error {
	for _, mistake := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENOTDIR} {
		if errors.Is(err, mistake) {
			return inputError{fmt.Errorf("the folder %s cannot be written to: %w; choose another", dir, err)}
		}
	}
	return fmt.Errorf("%s: %w", dir, err)
}

// vacant returns an error if the folder has files of another run, or any that a run which never began does not leave: a run writes
// model.safetensors and tokenizer.json over those of a checkpoint. A folder that does not exist is vacant.
func (f *folder) vacant() error {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var others []string
	for _, e := range entries {
		switch name := e.Name(); {
		case name == ConfigName:
			return ErrExists
		case name != lockName && name != checkpointsDir && !durable.Partial(name):
			others = append(others, name)
		}
	}
	steps, err := checkpointSteps(f.dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case len(steps) > 0:
		return inputError{fmt.Errorf("there are %d checkpoints of a run without %s; choose another folder, or put it back and resume",
			len(steps), ConfigName)}
	case len(others) > 0:
		return inputError{fmt.Errorf("found %s in the folder, expected a new or an empty one: a run would write over its files; choose another",
			some(others))}
	}
	return nil
}

// some lists the first names.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func (f *folder) close() error { return f.unlock() }

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// save writes a safetensors file into the folder, completely or not at all.
func (f *folder) save(name string, tensors []safetensors.Tensor, metadata map[string]string) error {
	return durable.Write(f.path(name), func(w io.Writer) error {
		if f.wrap != nil {
			w = f.wrap(w)
		}
		return safetensors.Write(w, tensors, metadata)
	})
}

const (
	checkpointPrefix = "step-"
	checkpointSuffix = ".safetensors"
	damagedSuffix    = ".damaged" // of a checkpoint that was set aside
)

// checkpointName is the name of a step's checkpoint in the folder. Names sort in the order of their steps.
func checkpointName(step int64) string {
	return filepath.Join(checkpointsDir, fmt.Sprintf("%s%09d%s", checkpointPrefix, step, checkpointSuffix))
}

// checkpointSteps lists the steps with a checkpoint in dir, the newest first.
func checkpointSteps(dir string) ([]int64, error) {
	entries, err := os.ReadDir(filepath.Join(dir, checkpointsDir))
	if err != nil {
		return nil, err
	}
	var steps []int64
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), checkpointPrefix)
		digits, ok2 := strings.CutSuffix(digits, checkpointSuffix)
		if step, err := strconv.ParseInt(digits, 10, 64); ok && ok2 && err == nil && step > 0 {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	slices.Reverse(steps)
	return steps, nil
}

// prune removes all checkpoints except the newest keep and that of step best.
func (f *folder) prune(keep int, best int64) error {
	steps, err := checkpointSteps(f.dir)
	if err != nil || len(steps) <= keep {
		return err
	}
	for _, step := range steps[keep:] {
		if step == best {
			continue
		}
		if err := os.Remove(f.path(checkpointName(step))); err != nil {
			return err
		}
	}
	return nil
}
