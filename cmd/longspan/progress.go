package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress reports long work on standard error, with the time left: as a bar on a terminal, else as a line every few seconds.
type progress struct {
	w          io.Writer
	what       string
	bar        *progressbar.ProgressBar // nil where w is no terminal
	begun      time.Time
	lastPrint  time.Time
	done, size int
}

// lineEvery is the least time between two lines of a log.
const lineEvery = 5 * time.Second

func (o *output) progress(what string) *progress {
	p := &progress{w: o.err, what: what, begun: time.Now(), lastPrint: time.Now()}
	if f, ok := o.err.(*os.File); ok && isTerminal(f) {
		p.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionSetPredictTime(true), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

// of names the work that the next steps are of. The time left is that of this work alone, by its own pace.
func (p *progress) of(what string) {
	if what == p.what {
		return
	}
	p.what, p.begun = what, time.Now()
	if p.bar != nil {
		p.bar.Reset()
		p.bar.Describe(what)
	}
}

// step reports that done of size pieces are done.
func (p *progress) step(done, size int) {
	p.done, p.size = done, size
	if p.bar != nil {
		// A terminal that cannot be written to is no reason to stop the work.
		p.bar.ChangeMax(size)
		_ = p.bar.Set(done)
		return
	}
	if done == 0 || done == size || time.Since(p.lastPrint) < lineEvery {
		return
	}
	p.lastPrint = time.Now()
	if done == 1 { // pieces of a batch are reported together, so the first one took the time of all
		fmt.Fprintf(p.w, "%s: 1 of %d\n", p.what, size)
		return
	}
	left := time.Since(p.begun) / time.Duration(done) * time.Duration(size-done)
	fmt.Fprintf(p.w, "%s: %d of %d, about %v left\n", p.what, done, size, left.Round(time.Second))
}

// clear removes the bar until the next step, so that a line can be printed.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// finish removes the bar.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// all reports that done of size pieces are done, and names the next one. The time left is that of all pieces, unlike after of. Other work
// begins where fewer are done than before.
func (p *progress) all(what string, done, size int) {
	p.what = what
	if done < p.done {
		p.begun = time.Now()
	}
	if p.bar != nil {
		p.bar.Describe(what)
	}
	p.step(done, size)
}
