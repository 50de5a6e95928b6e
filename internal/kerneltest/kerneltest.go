// Package kerneltest provides what tests of numerical kernels share: a subtest per level, buffers that end at an inaccessible page,
// inputs, and measures of error.
package kerneltest

import (
	"os"
	"testing"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
)

// Levels runs f once for every level that this processor has and LONGSPAN_CPU allows, as a subtest named after the
// level. A level that LONGSPAN_REQUIRE_CPU names, and that is not among them, fails the test.
//
// The level is global to package kernel, so f must not call t.Parallel.
func Levels(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	highest, err := cpu.Chosen()
	if err != nil {
		t.Fatal(err)
	}
	Require(t, highest)
	for _, level := range cpu.Levels() {
		if level > highest {
			break
		}
		t.Run(level.String(), func(t *testing.T) {
			defer kernel.Use(level)()
			f(t)
		})
	}
}

// Require fails the test if LONGSPAN_REQUIRE_CPU names a level above highest, or no level at all.
func Require(t *testing.T, highest cpu.Level) {
	t.Helper()
	name := os.Getenv("LONGSPAN_REQUIRE_CPU")
	if name == "" {
		return
	}
	want, err := cpu.ParseLevel(name)
	if err != nil {
		t.Fatalf("LONGSPAN_REQUIRE_CPU: %v", err)
	}
	if want > highest {
		t.Fatalf("LONGSPAN_REQUIRE_CPU asks for %v; the highest level to be had is %v", want, highest)
	}
}
