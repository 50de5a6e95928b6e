package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestProgressOfWork checks that the time left is by the pace of the work at hand, and that nothing is said by the first piece of a batch.
func TestProgressOfWork(t *testing.T) {
	var out bytes.Buffer
	p := newOutput(nil, &out, false).progress("first")
	late := func(done int, begun time.Duration) string {
		out.Reset()
		p.lastPrint = time.Now().Add(-2 * lineEvery)
		p.begun = p.begun.Add(-begun)
		p.step(done, 101)
		return out.String()
	}
	if got := late(1, time.Hour); got != "first: 1 of 101\n" {
		t.Errorf("found %q, expected no time left", got)
	}
	if got := late(51, 0); !strings.HasPrefix(got, "first: 51 of 101, about 58m") {
		t.Errorf("found %q, expected some 59 minutes left", got)
	}
	p.of("second")
	if got := late(51, 51*time.Second); got != "second: 51 of 101, about 50s left\n" {
		t.Errorf("found %q, expected 50 seconds left", got)
	}
}
