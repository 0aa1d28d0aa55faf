package plugin

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// giveUpWait is how long a method's code may take to notice that its time is over.
	giveUpWait = 200 * time.Millisecond
	// deletionMax is how long the deletion of one thing may take.
	deletionMax = 5 * time.Minute
)

// work is a plugin's method with its request, ready to run. It returns what the method returns, if that is something.
type work func(ctx context.Context, op *Operation) (*pluginv1.Completed, error)

// answer is what a method has returned.
type answer struct {
	completed *pluginv1.Completed
	err       error
}

// supervisor watches over one running operation, from its first event to its terminal one.
//
//	running ──────────────► the method returns or panics ─────────────────────► terminal event
//	   │ cancelled                        ▲
//	   ▼                                  │ within the grace
//	cancelling ───────────────────────────┘
//	   │ the grace is over
//	   ▼
//	given up: its code still runs, and nobody listens ────────────────────────► cancelled
//
// Before the terminal event, what the operation created elsewhere and must not stay is deleted, newest first. So that there
// is time for it, a cancelled method that has created something is given up at half of its grace.
type supervisor struct {
	method     string
	op         *Operation
	deadline   *deadline
	leftBehind []string
}

// run runs the method to its end and writes the terminal event.
func (s *supervisor) run(work work) {
	timekeeping, stop := context.WithCancel(context.Background())
	go s.op.record.keepTime(timekeeping)
	defer stop()
	returned := make(chan answer, 1)
	go func() { returned <- s.call(work) }()
	answer := s.finish(returned)
	s.cleanUp(answer.err == nil)
	s.end(answer)
}

// call calls the method, and makes an error of a panic.
func (s *supervisor) call(work work) (result answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			failure := Failf(FaultPlugin, "PLUGIN_PANIC", "the plugin panicked: %v", panicked)
			failure.Hint = "report this to who keeps the plugin, with its log"
			failure.Detail = string(debug.Stack())
			result = answer{err: failure}
		}
	}()
	completed, err := work(s.op.ctx, s.op)
	return answer{completed, err}
}

// finish waits until the method has returned or its time is over: earlier if there is something to delete after it.
func (s *supervisor) finish(returned chan answer) answer {
	select {
	case answer := <-returned:
		return answer
	case <-s.deadline.half:
	}
	if s.op.ledger.isEmpty() {
		select {
		case answer := <-returned:
			return answer
		case <-s.deadline.over:
		}
	}
	select {
	case answer := <-returned:
		return answer
	case <-time.After(giveUpWait):
		s.leftBehind = append(s.leftBehind, "the plugin's own code, which does not stop")
		return answer{err: context.Canceled}
	}
}

// cleanUp deletes what the operation created and must not stay. What can't be deleted stays in the factory's ledger.
func (s *supervisor) cleanUp(completed bool) {
	for it := s.op.ledger.next(completed); it != nil; it = s.op.ledger.next(completed) {
		if err := s.delete(it); err != nil {
			s.tellOfLeftOver(it.label(), err)
		} else {
			s.op.record.write(resourceDeleted(it.Name))
		}
	}
}

func (s *supervisor) delete(it *resource) error {
	if s.op.ledger.isCreating(it) {
		return errors.New("its creation does not end")
	}
	ctx, cancel := context.WithTimeout(context.Background(), deletionMax)
	defer cancel()
	deleted := make(chan error, 1)
	go func() {
		deleted <- s.call(func(context.Context, *Operation) (*pluginv1.Completed, error) {
			return nil, it.Delete(ctx, it.existing)
		}).err
	}()
	select {
	case err := <-deleted:
		return err
	case <-ctx.Done():
	case <-s.deadline.over:
	}
	// Of what is still to be deleted, all is given a moment: it may take no more.
	select {
	case err := <-deleted:
		return err
	case <-time.After(giveUpWait):
		return errors.New("there was no time for it")
	}
}

func (s *supervisor) tellOfLeftOver(label string, why error) {
	if s.op.ctx.Err() != nil {
		s.leftBehind = append(s.leftBehind, valid(fmt.Sprintf("%s: %v", label, why)))
		return
	}
	s.op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_Warning{Warning: &pluginv1.Warning{
		Message: valid(fmt.Sprintf("%s was not deleted: %v", label, why)),
		Hint:    "the factory tries again: see `factory resources`",
	}}})
}

// end writes the terminal event; or says why there is none, if the plugin does not have the method.
func (s *supervisor) end(answer answer) {
	switch {
	case answer.err == nil:
		completed := answer.completed
		if completed == nil {
			completed = &pluginv1.Completed{}
		}
		makeValid(completed)
		s.op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_Completed{Completed: completed}})
	case errors.Is(answer.err, ErrUnimplemented):
		s.op.record.refuse(status.New(codes.Unimplemented, "the plugin does not have "+s.method))
	case s.op.ctx.Err() != nil:
		s.noteFailureWhileCancelling(answer.err)
		s.op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_Cancelled{
			Cancelled: &pluginv1.Cancelled{LeftBehind: s.leftBehind},
		}})
	default:
		s.op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_Failed{Failed: failureOf(answer.err)}})
	}
}

// noteFailureWhileCancelling logs an error after the cancellation: it is its consequence, as a rule, but must not be lost
// where it is not.
func (s *supervisor) noteFailureWhileCancelling(err error) {
	if isCancellation(err) {
		return
	}
	s.op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_Log{Log: &pluginv1.LogLine{
		Level:   pluginv1.LogLine_LEVEL_WARN,
		Message: valid(cut("failed while being cancelled: "+err.Error(), lineBytesMax)),
	}}})
}
