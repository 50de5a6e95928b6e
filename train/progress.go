package train

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress shows a run: on a terminal as one line that is updated, in a file as a line every ten seconds.
type Progress struct {
	w     io.Writer
	live  bool
	shown time.Time
	open  bool // the line on the terminal has no newline yet
}

// Style is how a Progress writes.
type Style uint8

// The styles.
const (
	Lines Style = iota // a line now and then, as in a file
	Live               // one line that is overwritten, as on a terminal
)

// NewProgress returns a Progress that writes to w.
func NewProgress(w io.Writer, s Style) *Progress { return &Progress{w: w, live: s == Live} }

// The shortest times between two lines.
const (
	liveEvery = 200 * time.Millisecond
	fileEvery = 10 * time.Second
)

// Report shows a step; it serves as Job.Report.
func (p *Progress) Report(r Report) {
	every := fileEvery
	if p.live {
		every = liveEvery
	}
	if now := time.Now(); now.Sub(p.shown) >= every || r.Step == r.Steps {
		p.shown = now
		p.line(Line(r))
	}
}

// Note shows a note on a line of its own; it serves as Job.Note.
func (p *Progress) Note(step int64, text string) {
	p.Done()
	fmt.Fprintf(p.w, "step %d: %s\n", step, text)
}

// Scored shows an evaluation on a line of its own; it serves as Job.Scored.
func (p *Progress) Scored(step int64, s Score, improved bool) {
	best := ""
	if improved {
		best = "; the best so far"
	}
	if s.Numbers {
		p.Note(step, fmt.Sprintf("validation %.4f (mean squared error)%s", s.Loss, best))
		return
	}
	p.Note(step, fmt.Sprintf("validation %.4f nats (%.4f bits), accuracy %.2f%%%s", s.Loss, s.Bits(), 100*s.Accuracy(), best))
}

// Done ends the line that is updated.
func (p *Progress) Done() {
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}

func (p *Progress) line(text string) {
	if p.live {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text) // back to the first column, and clear the line
		p.open = true
		return
	}
	fmt.Fprintln(p.w, text)
}

// Line formats r: a bar, the steps, the loss, the speed and the time left.
func Line(r Report) string {
	const width = 20
	done := int(width * r.Step / max(r.Steps, 1))
	bar := strings.Repeat("█", done) + strings.Repeat("░", width-done)
	text := fmt.Sprintf("%s %d/%d  loss %.4f  %s tokens/s", bar, r.Step, r.Steps, r.Loss, short(r.TokensPerSecond))
	if r.Skipped {
		text += "  skipped"
	}
	if r.Step < r.Steps {
		text += "  " + left(r.SecondsLeft) + " left"
	}
	return text
}

// short formats v with three digits: 950, 12.3k, 1.25M.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}

// left formats seconds in the precision of the estimate: 45s, 3m20s, 2h15m.
func left(seconds float64) string {
	d := time.Duration(min(seconds, 1e9) * float64(time.Second))
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
