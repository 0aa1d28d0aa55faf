package plugin

import (
	"sync"
	"time"
)

// deadline is when a cancelled operation is given up.
type deadline struct {
	// half is closed when half of its time is over, over when all of it is.
	half, over         chan struct{}
	closeHalf, endOnce sync.Once
}

func newDeadline() *deadline {
	return &deadline{half: make(chan struct{}), over: make(chan struct{})}
}

// bringForward sets it, or brings it forward; never puts it off, since what is over is over.
func (d *deadline) bringForward(grace time.Duration) {
	time.AfterFunc(grace/2, func() { d.closeHalf.Do(func() { close(d.half) }) })
	time.AfterFunc(grace, func() { d.endOnce.Do(func() { close(d.over) }) })
}
