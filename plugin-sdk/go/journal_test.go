package plugin

import (
	"slices"
	"strings"
	"testing"

	pluginv1 "factory.dev/plugin/v1"
)

func logEvent(bytes int) *pluginv1.Event {
	return &pluginv1.Event{Kind: &pluginv1.Event_Log{Log: &pluginv1.LogLine{Message: strings.Repeat("x", bytes)}}}
}

func completedEvent() *pluginv1.Event {
	return &pluginv1.Event{Kind: &pluginv1.Event_Completed{Completed: &pluginv1.Completed{}}}
}

func journalOf(events ...*pluginv1.Event) *journal {
	j := &journal{}
	for _, event := range events {
		j.push(event, nil)
	}
	return j
}

func seqs(events []*pluginv1.Event) []uint64 {
	return each(events, func(event *pluginv1.Event) uint64 { return event.Seq })
}

func TestNumbersStartAtOneAndGoOnAfterAnAcknowledgement(t *testing.T) {
	j := journalOf(logEvent(1), logEvent(1), logEvent(1))
	expect(t, seqs(j.batch(0)), []uint64{1, 2, 3})
	j.acknowledge(2)
	if seq := j.push(logEvent(1), nil); seq != 4 {
		t.Fatalf("the next number is %d", seq)
	}
	expect(t, seqs(j.batch(2)), []uint64{3, 4})
	expect(t, seqs(j.batch(3)), []uint64{4})
	expect(t, seqs(j.batch(9)), []uint64{})
}

func TestNothingFollowsATerminalEvent(t *testing.T) {
	j := journalOf(completedEvent(), logEvent(1))
	if j.lastSeq() != 1 || !j.ended || j.isSettled() || j.pending(0) != pendingNow || j.pending(1) != pendingEnd {
		t.Fatalf("%+v", j)
	}
	j.acknowledge(1)
	if !j.isSettled() {
		t.Fatal("all was acknowledged")
	}
}

func TestAReaderWaitsForMoreUntilABatchIsFull(t *testing.T) {
	if journalOf().pending(0) != pendingNothing || journalOf(logEvent(10)).pending(0) != pendingSome {
		t.Fatal("little is not sent at once")
	}
	full := journalOf(logEvent(batchBytes/2), logEvent(batchBytes/2), logEvent(1))
	if full.pending(0) != pendingNow || full.pending(1) != pendingSome {
		t.Fatal("a full batch is sent at once")
	}
	expect(t, seqs(full.batch(0)), []uint64{1, 2})
}

func TestAnIntentIsNotKeptWaiting(t *testing.T) {
	intent := &pluginv1.Event{Kind: &pluginv1.Event_ResourceIntent{ResourceIntent: &pluginv1.ResourceIntent{}}}
	if j := journalOf(logEvent(1), intent, logEvent(1)); j.pending(0) != pendingNow || j.pending(2) != pendingSome {
		t.Fatal("an intent is urgent, and what follows is not")
	}
}

func TestItIsFullUntilEnoughIsAcknowledged(t *testing.T) {
	j := journalOf(slices.Collect(func(yield func(*pluginv1.Event) bool) {
		for range fullBytes / (1024 * 1024) {
			yield(logEvent(1024 * 1024))
		}
	})...)
	if !j.isFull() {
		t.Fatal("it is full")
	}
	if j.acknowledge(1); j.isFull() {
		t.Fatal("there is room")
	}
}

func TestTinyEventsCountAsWhatTheyTakeInMemory(t *testing.T) {
	j := &journal{}
	for count := 0; !j.isFull(); count++ {
		if fullBytes/eventBytes < count {
			t.Fatalf("%d events are kept", count)
		}
		j.push(logEvent(1), nil)
	}
}

func TestAcknowledgingTooMuchOrTwiceDoesNoHarm(t *testing.T) {
	j := journalOf(logEvent(1), logEvent(1))
	for _, upTo := range []uint64{1, 1, 99} {
		j.acknowledge(upTo)
	}
	if j.acknowledged != 2 || j.lastSeq() != 2 {
		t.Fatalf("%+v", j)
	}
}

func expect[T comparable](t *testing.T, got, wanted []T) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Fatalf("got %v, not %v", got, wanted)
	}
}
