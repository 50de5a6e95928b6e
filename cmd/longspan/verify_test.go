package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/longspan/longspan/cmd/longspan/internal/verify"
)

// Rows of one group, level, type and bound become one, which shows the worst case; a failure is listed by itself.
func TestSummary(t *testing.T) {
	rows := summarise([]verify.Result{
		{Group: "naive", Case: "full", Level: "avx2", DType: "f32", Error: 1e-7, Bound: 1e-6, OK: true},
		{Group: "naive", Case: "causal", Level: "avx2", DType: "f32", Error: 3e-6, Bound: 1e-6},
		{Group: "naive", Case: "full", Level: "generic", DType: "f32", Error: 0, Bound: 1e-6, OK: true},
		{Group: "packed", Case: "full", Level: "avx2", DType: "f32", Error: 5e-324},
	})
	if len(rows) != 3 || rows[0].checks != 2 || rows[0].Case != "causal" || len(rows[0].failed) != 1 || len(rows[1].failed) != 0 {
		t.Fatalf("%+v", rows)
	}
	var text bytes.Buffer
	writeSummary(&text, rows, 4)
	for _, want := range []string{"FAILED  causal", "same bits", "4 checks, 2 failed",
		"failed: naive, causal, avx2, f32, error 3e-06, bound 1e-06"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, &text)
		}
	}
}

// A failed check has been printed already: it sets the exit status and says no more.
func TestReportedFailure(t *testing.T) {
	var out, err bytes.Buffer
	o := &output{out: &out, err: &err}
	if status := o.finish(reported{errCheckFailed}); status != exitFailed || out.Len()+err.Len() > 0 {
		t.Errorf("status %d, printed %q and %q", status, &out, &err)
	}
}
