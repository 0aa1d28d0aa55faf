package plugin

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	pluginv1 "factory.dev/plugin/v1"
)

func percentOf(percent float64) *pluginv1.Progress { return &pluginv1.Progress{Percent: &percent} }

func percentages(r *record) []float64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var all []float64
	for _, event := range r.journal.batch(0) {
		if progress := event.GetProgress(); progress != nil {
			all = append(all, progress.GetPercent())
		}
	}
	return all
}

func TestSilenceIsBrokenByAHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second)
		defer cancel()
		r.keepTime(ctx)
		if count := len(r.journal.entries); count != 6 {
			t.Fatalf("%d heartbeats", count)
		}
	})
}

func TestAtMostTenReportsASecondGoOutAndTheLastOneAlwaysDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.keepTime(ctx)
		for step := range 1000 {
			r.progress(ctx, percentOf(float64(step)/10))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		out := percentages(r)
		if len(out) < 9 || 12 < len(out) || out[len(out)-1] != 99.9 {
			t.Fatalf("%v went out", out)
		}
	})
}

func TestProgressThatWaitsGoesOutBeforeAnythingElseDoes(t *testing.T) {
	r := newRecord()
	r.progress(t.Context(), percentOf(1))
	r.progress(t.Context(), percentOf(2))
	r.write(logEvent(1))
	expect(t, percentages(r), []float64{1, 2})
	if r.journal.batch(2)[0].GetLog() == nil {
		t.Fatal("the line comes last")
	}
}

func TestPercentNeverFallsAndStaysWithinItsRange(t *testing.T) {
	var p pace
	for _, it := range []struct{ report, out float64 }{{20, 20}, {10, 20}, {-5, 20}, {250, 100}} {
		p.offer(percentOf(it.report))
		if out := p.takeHeld(time.Now()).GetPercent(); out != it.out {
			t.Fatalf("%v became %v", it.report, out)
		}
	}
	for _, wrong := range []float64{math.NaN(), math.Inf(1)} {
		p.offer(percentOf(wrong))
		if p.takeHeld(time.Now()).Percent != nil {
			t.Fatalf("%v is no percentage", wrong)
		}
	}
	p.offer(percentOf(100))
	p.offer(&pluginv1.Progress{Activity: "unpacking"})
	if out := p.takeHeld(time.Now()); out.GetPercent() != 100 || out.Activity != "unpacking" {
		t.Fatalf("%v", out)
	}
}

func TestAWriterWaitsForRoomAndGoesOnWhenThereIsSome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.write(logEvent(fullBytes))
		written := make(chan uint64, 1)
		go func() {
			seq, _ := r.report(t.Context(), logEvent(1))
			written <- seq
		}()
		synctest.Wait()
		if len(written) != 0 {
			t.Fatal("there is no room")
		}
		r.acknowledge(1)
		if seq := <-written; seq != 2 {
			t.Fatalf("it has number %d", seq)
		}
	})
}

func TestAWriterThatWaitsIsReleasedByCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		r.write(logEvent(fullBytes))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := r.report(ctx, logEvent(1)); err != context.Canceled {
			t.Fatal(err)
		}
		r.note(ctx, logEvent(1))
		if last, _ := r.seqs(); last != 1 || len(r.waiters) != 0 {
			t.Fatalf("%d events, %d wait", last, len(r.waiters))
		}
	})
}

// sent collects the sizes of the batches that a reader gets.
func sent(t *testing.T, r *record, after uint64) []int {
	var sizes []int
	err := r.send(t.Context(), after, func(batch *pluginv1.EventBatch) error {
		sizes = append(sizes, len(batch.Events))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

func TestTheFirstEventGoesAtOnceAndTheNextOnesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecord()
		go func() {
			for range 50 {
				r.write(logEvent(1))
				time.Sleep(time.Millisecond)
			}
			r.write(completedEvent())
		}()
		expect(t, sent(t, r, 0), []int{1, 50})
	})
}

func TestAFloodIsSentInFullBatchesAndASecondReaderGetsTheRest(t *testing.T) {
	r := newRecord()
	for range 50_000 {
		r.write(logEvent(1))
	}
	r.write(completedEvent())
	sum, batches := 0, sent(t, r, 0)
	for _, size := range batches {
		sum += size
	}
	if sum != 50_001 || 100 < len(batches) {
		t.Fatalf("%d events in %d batches", sum, len(batches))
	}
	expect(t, sent(t, r, 50_000), []int{1})
}
