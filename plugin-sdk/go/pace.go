package plugin

import (
	"math"
	"time"

	pluginv1 "factory.dev/plugin/v1"
)

// progressInterval is the shortest time between two progress events of an operation.
const progressInterval = 100 * time.Millisecond

// pace decides which reports of progress become events: the newest wins, and percent never falls. It knows no clock.
type pace struct {
	held       *pluginv1.Progress
	lastOut    time.Time
	percentMax float64
}

// offer takes a report. It waits until takeDue or takeHeld hands it out.
func (p *pace) offer(progress *pluginv1.Progress) {
	switch {
	case progress.Percent != nil && !math.IsNaN(*progress.Percent) && !math.IsInf(*progress.Percent, 0):
		p.percentMax = max(p.percentMax, min(*progress.Percent, 100))
		percent := p.percentMax
		progress.Percent = &percent
	case p.held != nil:
		progress.Percent = p.held.Percent
	default:
		progress.Percent = nil
	}
	p.held = progress
}

// takeDue returns the report that waits, if its time has come.
func (p *pace) takeDue(now time.Time) *pluginv1.Progress {
	if now.Before(p.lastOut.Add(progressInterval)) {
		return nil
	}
	return p.takeHeld(now)
}

// takeHeld returns the report that waits, whatever the time: something else goes out, and must come after it.
func (p *pace) takeHeld(now time.Time) *pluginv1.Progress {
	held := p.held
	if held != nil {
		p.held, p.lastOut = nil, now
	}
	return held
}

// isDueBefore tells whether a report waits whose time comes before another.
func (p *pace) isDueBefore(other time.Time) bool {
	return p.held != nil && p.lastOut.Add(progressInterval).Before(other)
}
