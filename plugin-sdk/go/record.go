package plugin

import (
	"context"
	"slices"
	"sync"
	"time"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// heartbeatInterval is after how long a silence a heartbeat goes out. The contract allows 10 seconds.
const heartbeatInterval = 5 * time.Second

// record is what one running operation has said so far, shared by the plugin that writes it and the streams that read it.
type record struct {
	mutex     sync.Mutex
	journal   journal
	pace      pace
	lastEvent time.Time
	waiters   []*waiter
}

// waiter waits until the record is as it wants it.
type waiter struct {
	ready func() bool
	woken chan struct{}
}

func newRecord() *record { return &record{lastEvent: time.Now()} }

// report writes an event, and waits before that while too much is unacknowledged.
func (r *record) report(ctx context.Context, event *pluginv1.Event) (uint64, error) {
	if err := r.waitForRoom(ctx); err != nil {
		return 0, err
	}
	return r.write(event), nil
}

// write writes an event, whether or not there is room for it, and returns its number.
func (r *record) write(event *pluginv1.Event) uint64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.push(event)
}

// note writes an event that is worth having even from an operation that cleans up, unless there is no room for it.
func (r *record) note(ctx context.Context, event *pluginv1.Event) {
	if r.waitForRoom(ctx) == nil {
		r.write(event)
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if !r.journal.isFull() {
		r.push(event)
	}
}

// progress takes a report of progress; it goes out now or soon.
func (r *record) progress(ctx context.Context, progress *pluginv1.Progress) {
	if r.waitForRoom(ctx) != nil {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.pace.offer(progress)
	r.flush((*pace).takeDue)
	r.wake()
}

// refuse ends the operation without a terminal event: the plugin does not have the method.
func (r *record) refuse(why *status.Status) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.journal.refuse(why)
	r.wake()
}

// acknowledge forgets the events up to a number, and returns whether the operation has ended and all of it is forgotten.
func (r *record) acknowledge(upTo uint64) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.journal.acknowledge(upTo)
	r.wake()
	return r.journal.isSettled()
}

// acknowledged waits until an event is acknowledged.
func (r *record) acknowledged(ctx context.Context, seq uint64) error {
	return r.wait(ctx, func() bool { return seq <= r.journal.acknowledged })
}

// seqs returns the number of the last event and of the last acknowledged one.
func (r *record) seqs() (last, acknowledged uint64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.journal.lastSeq(), r.journal.acknowledged
}

// hasEnded tells whether nothing follows.
func (r *record) hasEnded() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.journal.ended
}

// keepTime sends what time asks for, until the context is done: progress that waits, and heartbeats in silence.
func (r *record) keepTime(ctx context.Context) {
	for ctx.Err() == nil {
		next := r.tick()
		timed, cancel := context.WithDeadline(ctx, next)
		_ = r.wait(timed, func() bool { return r.pace.isDueBefore(next) })
		cancel()
	}
}

// tick sends what is due, and returns when to look again.
func (r *record) tick() time.Time {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := time.Now()
	r.flush((*pace).takeDue)
	if !now.Before(r.lastEvent.Add(heartbeatInterval)) {
		r.push(&pluginv1.Event{Kind: &pluginv1.Event_Heartbeat{Heartbeat: &pluginv1.Heartbeat{}}})
	}
	r.wake()
	next := r.lastEvent.Add(heartbeatInterval)
	if r.pace.isDueBefore(next) {
		next = r.pace.lastOut.Add(progressInterval)
	}
	return next
}

func (r *record) waitForRoom(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.mutex.Lock()
	full := r.journal.isFull()
	r.mutex.Unlock()
	if !full {
		return nil
	}
	return r.wait(ctx, func() bool { return !r.journal.isFull() })
}

// wait waits until something is so, which is looked at under the lock whenever the record changes.
func (r *record) wait(ctx context.Context, ready func() bool) error {
	r.mutex.Lock()
	if ready() {
		r.mutex.Unlock()
		return nil
	}
	waiter := &waiter{ready, make(chan struct{})}
	r.waiters = append(r.waiters, waiter)
	r.mutex.Unlock()
	select {
	case <-waiter.woken:
		return nil
	case <-ctx.Done():
		r.mutex.Lock()
		defer r.mutex.Unlock()
		r.waiters = slices.DeleteFunc(r.waiters, waiter.is)
		return ctx.Err()
	}
}

// wake wakes those for whom it is time. The caller holds the lock.
func (r *record) wake() {
	r.waiters = slices.DeleteFunc(r.waiters, func(waiter *waiter) bool {
		ready := waiter.ready()
		if ready {
			close(waiter.woken)
		}
		return ready
	})
}

// push writes an event, after the progress that waits. The caller holds the lock.
func (r *record) push(event *pluginv1.Event) uint64 {
	r.flush((*pace).takeHeld)
	now := time.Now()
	r.lastEvent = now
	seq := r.journal.push(event, timestamppb.New(now))
	r.wake()
	return seq
}

// flush writes the progress that may go out. The caller holds the lock.
func (r *record) flush(take func(*pace, time.Time) *pluginv1.Progress) {
	now := time.Now()
	if progress := take(&r.pace, now); progress != nil {
		r.lastEvent = now
		r.journal.push(&pluginv1.Event{Kind: &pluginv1.Event_Progress{Progress: progress}}, timestamppb.New(now))
	}
}

func (w *waiter) is(other *waiter) bool { return w == other }
