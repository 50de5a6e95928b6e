package train

import "time"

// pace measures the speed of a run. Checkpoints do not store it.
type pace struct {
	began, last time.Time
	perSecond   float64 // tokens, smoothed
	perStep     float64 // seconds, smoothed, including evaluations and checkpoints
	loss        float64 // of the last line of the log
}

func (p *pace) start() {
	p.began = time.Now()
	p.last = p.began
}

// keepPace is the decay of the exponential smoothing: it averages over about twenty steps.
const keepPace = 0.95

// step records a step that ended now.
func (p *pace) step(now time.Time, r Report) (tokensPerSecond, secondsLeft float64) {
	seconds := max(now.Sub(p.last).Seconds(), 1e-9)
	p.last = now
	speed := float64(r.Tokens) / seconds
	if p.perStep == 0 {
		p.perStep, p.perSecond = seconds, speed
	} else {
		p.perStep = keepPace*p.perStep + (1-keepPace)*seconds
		p.perSecond = keepPace*p.perSecond + (1-keepPace)*speed
	}
	return p.perSecond, p.perStep * float64(r.Steps-r.Step)
}

func (p *pace) seconds(now time.Time) float64 { return now.Sub(p.began).Seconds() }
