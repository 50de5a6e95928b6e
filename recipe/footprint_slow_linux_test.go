//go:build slow

package recipe_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// Every example at its full size, for the steps that a memory needs to fill.
func TestProcessesGrowAsPlanned(t *testing.T) {
	for _, path := range examples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			steps := 3
			if strings.Contains(path, "transformer-xl") {
				steps = 8
			}
			measure(t, steps, path)
		})
	}
}
