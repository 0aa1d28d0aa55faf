package plugin

import (
	"context"
	"time"

	pluginv1 "factory.dev/plugin/v1"
)

// batchInterval is the shortest time between two batches, unless one is full or urgent: HTTP/2 peers drop connections that
// flood them with small frames.
const batchInterval = 100 * time.Millisecond

// send sends the events after a number, in batches, until the operation has ended or the context is done. That the stream
// ends changes nothing for the operation.
func (r *record) send(ctx context.Context, cursor uint64, send func(*pluginv1.EventBatch) error) error {
	var notBefore time.Time
	for {
		events, done, err := r.next(ctx, cursor, notBefore)
		if done || err != nil {
			return err
		}
		if err := send(&pluginv1.EventBatch{Events: events}); err != nil {
			return err
		}
		cursor = events[len(events)-1].Seq
		notBefore = time.Now().Add(batchInterval)
	}
}

// next waits for the next batch; done says that there is none, with why if the plugin refused the operation.
func (r *record) next(ctx context.Context, cursor uint64, notBefore time.Time) (events []*pluginv1.Event, done bool, err error) {
	anything := func() bool { return r.journal.pending(cursor) != pendingNothing }
	if err := r.wait(ctx, anything); err != nil {
		return nil, true, err
	}
	if wait := time.Until(notBefore); 0 < wait {
		timed, cancel := context.WithTimeout(ctx, wait)
		// That the time is over is no error: then what is there is sent.
		_ = r.wait(timed, func() bool { return pendingSome < r.journal.pending(cursor) })
		cancel()
	}
	if ctx.Err() != nil {
		return nil, true, ctx.Err()
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.journal.pending(cursor) == pendingEnd {
		return nil, true, r.journal.refusal.Err()
	}
	return r.journal.batch(cursor), false, nil
}
