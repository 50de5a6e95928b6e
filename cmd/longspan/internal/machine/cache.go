package machine

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
)

// Known returns the rates that were measured before on this machine, with the same kernels and threads. Where there are none it measures
// them. The rates are kept in the user's cache directory.
func Known(threads int) (Rates, error) {
	if r, ok := Kept(threads); ok {
		return r, nil
	}
	if _, err := cachePath(threads); err != nil {
		return Measure(threads)
	}
	return Calibrate(threads)
}

// Kept returns the rates that were measured before; ok is false where there are none.
func Kept(threads int) (r Rates, ok bool) {
	path, err := cachePath(threads)
	if err != nil {
		return r, false
	}
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &r) != nil || !r.usable(threads) {
		return Rates{}, false
	}
	return r, true
}

// Calibrate measures the rates anew and keeps them for Known. It is for a machine that was busy at the first measurement.
func Calibrate(threads int) (Rates, error) {
	r, err := Measure(threads)
	if err != nil {
		return r, err
	}
	_ = Keep(r) // a cache that cannot be written costs a measurement, no more
	return r, nil
}

// Keep writes r to the user's cache directory, for Known.
func Keep(r Rates) error {
	path, err := cachePath(r.Threads)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// usable reports whether r is complete and has the identity of a measurement on this machine.
func (r Rates) usable(threads int) bool {
	for _, steps := range r.Steps {
		if slices.Min(steps[:]) <= 0 {
			return false
		}
	}
	return r.Identity == Identify(threads) &&
		min(r.Matmul[0], r.Matmul[1], r.Attention[0], r.Attention[1], r.Bandwidth) > 0
}

func cachePath(threads int) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "longspan", fmt.Sprintf("machine-%s-%d.json", kernel.Level(), pool.Threads(threads))), nil
}
