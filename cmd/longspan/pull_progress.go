package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/longspan/longspan/hub"
)

// bytesProgress reports a download on standard error: bytes, rate and time left on a terminal, else nothing.
type bytesProgress struct {
	o   *output
	bar *progressbar.ProgressBar // nil where standard error is no terminal
}

func (o *output) bytesProgress(what string) *bytesProgress {
	p := &bytesProgress{o: o}
	if f, ok := o.err.(*os.File); ok && isTerminal(f) {
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true), progressbar.OptionSetPredictTime(true),
			progressbar.OptionUseIECUnits(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

// step shows the state of the download. That another process has the lock is said everywhere: the wait may be long.
func (p *bytesProgress) step(s hub.Progress) {
	if s.Waiting != "" {
		if p.bar != nil {
			_ = p.bar.Clear()
		}
		fmt.Fprintf(p.o.err, "another process downloads %s; waiting for it\n", s.Waiting)
	}
	if p.bar != nil {
		// A terminal that cannot be written to is no reason to stop the work.
		p.bar.ChangeMax64(s.Total)
		_ = p.bar.Set64(s.Done)
	}
}

// finish removes the bar.
func (p *bytesProgress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
