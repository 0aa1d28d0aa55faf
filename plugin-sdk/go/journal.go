package plugin

import (
	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// fullBytes is how many bytes of unacknowledged events make a writer wait.
	fullBytes = 32 * 1024 * 1024
	// eventBytes is what an event takes in memory beside its content.
	eventBytes = 384
	// batchBytes is how many bytes of events go into one batch.
	batchBytes = 64 * 1024
)

// journal has the events of one operation that the factory has not acknowledged yet, in order, and how the operation
// ended. It knows no clock, lock or channel.
type journal struct {
	entries      []entry
	acknowledged uint64
	// written and kept count all events ever written, so that the bytes between two events are a subtraction: what they
	// take on the wire, and what they take here.
	written, forgotten int
	kept, freed        int
	lastUrgent         uint64
	ended              bool
	refusal            *status.Status
}

type entry struct {
	event         *pluginv1.Event
	written, kept int
}

// pending says what a reader should do.
type pending int

const (
	// pendingNothing: wait for something new.
	pendingNothing pending = iota
	// pendingSome: wait a little, so that more can go into the batch.
	pendingSome
	// pendingNow: send; a batch is full, or something must not wait.
	pendingNow
	// pendingEnd: everything was read and nothing follows.
	pendingEnd
)

// push adds an event and returns its number; does nothing once the operation has ended.
func (j *journal) push(event *pluginv1.Event, time *timestamppb.Timestamp) uint64 {
	if j.ended {
		return j.lastSeq()
	}
	j.ended = isTerminal(event)
	event.Seq, event.Time = j.lastSeq()+1, time
	size := proto.Size(event)
	j.written += size
	j.kept += size + eventBytes
	if _, intent := event.Kind.(*pluginv1.Event_ResourceIntent); intent || j.ended {
		j.lastUrgent = event.Seq
	}
	j.entries = append(j.entries, entry{event, j.written, j.kept})
	return event.Seq
}

// refuse ends the operation without a terminal event.
func (j *journal) refuse(why *status.Status) {
	if !j.ended {
		j.ended, j.refusal = true, why
	}
}

// acknowledge forgets all events up to a number.
func (j *journal) acknowledge(upTo uint64) {
	count := j.indexAfter(upTo)
	if count == 0 {
		return
	}
	last := j.entries[count-1]
	j.acknowledged, j.forgotten, j.freed = last.event.Seq, last.written, last.kept
	clear(j.entries[:count])
	j.entries = j.entries[count:]
}

// lastSeq returns the number of the last event.
func (j *journal) lastSeq() uint64 { return j.acknowledged + uint64(len(j.entries)) }

// isFull tells whether writers must wait for an acknowledgement.
func (j *journal) isFull() bool { return fullBytes <= j.kept-j.freed }

// isSettled tells whether it ended and all of it was acknowledged.
func (j *journal) isSettled() bool { return j.ended && len(j.entries) == 0 }

// pending says what a reader that has everything up to cursor should do.
func (j *journal) pending(cursor uint64) pending {
	if j.lastSeq() <= cursor {
		if j.ended {
			return pendingEnd
		}
		return pendingNothing
	}
	if len(j.entries) == 0 {
		// What it wants was acknowledged, and is gone.
		return pendingEnd
	}
	read := j.forgotten
	if index := j.indexAfter(cursor); 0 < index {
		read = j.entries[index-1].written
	}
	if full := batchBytes <= j.written-read; full || j.ended || cursor < j.lastUrgent {
		return pendingNow
	}
	return pendingSome
}

// batch returns the events after cursor that go into one batch.
func (j *journal) batch(cursor uint64) []*pluginv1.Event {
	unread := j.entries[j.indexAfter(cursor):]
	count := 0
	for bytes := 0; count < len(unread) && bytes < batchBytes; count++ {
		bytes += proto.Size(unread[count].event)
	}
	events := make([]*pluginv1.Event, count)
	for i := range events {
		events[i] = unread[i].event
	}
	return events
}

// indexAfter returns how many of the entries are up to a number.
func (j *journal) indexAfter(cursor uint64) int {
	if cursor <= j.acknowledged {
		return 0
	}
	return int(min(cursor-j.acknowledged, uint64(len(j.entries))))
}

func isTerminal(event *pluginv1.Event) bool {
	switch event.Kind.(type) {
	case *pluginv1.Event_Completed, *pluginv1.Event_Failed, *pluginv1.Event_Cancelled:
		return true
	}
	return false
}
