package cpu

import (
	"strings"
	"testing"
)

// TestNames holds that every level has a name that is read back, and that LONGSPAN_CPU lowers the level and never raises it.
func TestNames(t *testing.T) {
	t.Setenv("LONGSPAN_CPU", "")
	highest, err := Chosen()
	if err != nil {
		t.Fatal(err)
	}
	for l := Generic; l <= AMX; l++ {
		if got, err := ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("%s is read as %s, %v", l, got, err)
		}
		t.Setenv("LONGSPAN_CPU", l.String())
		if got, err := Chosen(); err != nil || got != min(l, highest) {
			t.Errorf("LONGSPAN_CPU=%s chooses %s, %v on a processor of level %s", l, got, err, highest)
		}
	}
	if levels := Levels(); levels[0] != Generic || levels[len(levels)-1] != highest {
		t.Errorf("levels are %v, expected those from generic to %s", levels, highest)
	}
	t.Setenv("LONGSPAN_CPU", "sse")
	if got, err := Chosen(); err == nil || got != Generic || !strings.Contains(err.Error(), "amx") {
		t.Errorf("LONGSPAN_CPU=sse chooses %s, %v; expected generic, and an error that lists the levels", got, err)
	}
}
