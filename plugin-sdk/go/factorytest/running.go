package factorytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// events is the answer to a call that starts an operation.
type events = grpc.ServerStreamingClient[pluginv1.EventBatch]

// Running is an operation under way.
type Running struct {
	harness *Harness
	request *Request
	workDir string
	stream  events
	hangUp  context.CancelFunc
	ready   []*pluginv1.Event
	ended   *Ended
	rules   rules
}

func (h *Harness) startIn(request *Request, workDir string) *Running {
	h.t.Helper()
	message, err := request.message(workDir)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(h.t.Context())
	stream, err := h.call(ctx, message)
	if err != nil {
		h.t.Fatal(err)
	}
	return &Running{
		harness: h, request: request, workDir: workDir, stream: stream, hangUp: hangUp,
		ended: &Ended{t: h.t, WorkDir: workDir}, rules: rules{last: request.header.AfterSeq},
	}
}

// ID returns the operation's id.
func (r *Running) ID() string { return r.request.header.OperationId }

// Path returns the path of a file in the operation's work directory.
func (r *Running) Path(file string) string { return filepath.Join(r.workDir, file) }

// Next waits for the next event and acknowledges it; nil after the last.
func (r *Running) Next() *pluginv1.Event {
	r.harness.t.Helper()
	if len(r.ready) == 0 {
		r.readBatch()
	}
	if len(r.ready) == 0 {
		return nil
	}
	event := r.ready[0]
	r.ready = r.ready[1:]
	r.ended.Events = append(r.ended.Events, event)
	return event
}

// Until waits until an event is as asked for, and returns it; the test fails if the operation ends before.
func (r *Running) Until(wanted func(*pluginv1.Event) bool) *pluginv1.Event {
	r.harness.t.Helper()
	for event := r.Next(); event != nil; event = r.Next() {
		if wanted(event) {
			return event
		}
	}
	r.harness.t.Fatalf("the operation ended before the event that was waited for:\n%s", r.ended.Log())
	return nil
}

// Cancel asks the operation to stop.
func (r *Running) Cancel(grace time.Duration) {
	r.harness.t.Helper()
	request := &pluginv1.CancelRequest{OperationId: r.ID(), Grace: durationpb.New(grace)}
	if _, err := r.harness.operations.Cancel(r.harness.t.Context(), request); err != nil {
		r.harness.t.Fatal(err)
	}
}

// Reattach hangs up, which cancels nothing, and calls again for the events after a number.
func (r *Running) Reattach(after uint64) *Running {
	r.harness.t.Helper()
	r.hangUp()
	return r.harness.startIn(r.request.AfterSeq(after), r.workDir)
}

// End reads all events to the end.
func (r *Running) End() *Ended {
	r.harness.t.Helper()
	for r.Next() != nil {
	}
	r.hangUp()
	if r.ended.Refused == nil && !r.rules.ended {
		r.harness.t.Fatal("the stream ended without a terminal event")
	}
	return r.ended
}

func (r *Running) readBatch() {
	r.harness.t.Helper()
	batch, err := r.stream.Recv()
	if errors.Is(err, io.EOF) {
		return
	}
	if err != nil {
		r.ended.Refused = err
		return
	}
	for _, event := range batch.Events {
		if err := r.rules.check(event); err != nil {
			r.harness.t.Fatalf("%v: %v", err, event)
		}
	}
	r.ready = batch.Events
	request := &pluginv1.AcknowledgeRequest{OperationId: r.ID(), UpToSeq: r.rules.last}
	// An operation whose last event was acknowledged before is not known any more.
	_, _ = r.harness.operations.Acknowledge(r.harness.t.Context(), request)
}

// call makes the call that a request is for.
func (h *Harness) call(ctx context.Context, message proto.Message) (events, error) {
	switch call := message.(type) {
	case *pluginv1.CreateBaseImageRequest:
		return h.os.CreateBaseImage(ctx, call)
	case *pluginv1.CreateTargetImageRequest:
		return h.os.CreateTargetImage(ctx, call)
	case *pluginv1.ShouldCreateTargetImageRequest:
		return h.cloud.ShouldCreateTargetImage(ctx, call)
	case *pluginv1.WillCreateTargetImageRequest:
		return h.cloud.WillCreateTargetImage(ctx, call)
	case *pluginv1.DidCreateTargetImageRequest:
		return h.cloud.DidCreateTargetImage(ctx, call)
	case *pluginv1.PushImageToProviderRequest:
		return h.cloud.PushImageToProvider(ctx, call)
	case *pluginv1.SnapshotImageOnProviderRequest:
		return h.cloud.SnapshotImageOnProvider(ctx, call)
	case *pluginv1.DeleteFromProviderRequest:
		return h.cloud.DeleteFromProvider(ctx, call)
	case *pluginv1.ReconcileRequest:
		return h.operations.Reconcile(ctx, call)
	}
	return nil, fmt.Errorf("no method for %T", message)
}

func protoValue(message proto.Message) protoreflect.Value {
	return protoreflect.ValueOfMessage(message.ProtoReflect())
}

// rules are those of the event stream.
type rules struct {
	last    uint64
	percent float64
	ended   bool
}

func (r *rules) check(event *pluginv1.Event) error {
	switch {
	case event.Seq != r.last+1:
		return fmt.Errorf("`seq` must rise by 1 from %d", r.last)
	case r.ended:
		return errors.New("nothing may follow the terminal event")
	case event.Time == nil:
		return errors.New("every event has a time")
	}
	r.last = event.Seq
	switch event.Kind.(type) {
	case *pluginv1.Event_Completed, *pluginv1.Event_Failed, *pluginv1.Event_Cancelled:
		r.ended = true
	}
	if percent := event.GetProgress().GetPercent(); event.GetProgress() != nil && event.GetProgress().Percent != nil {
		if percent < r.percent || 100 < percent {
			return errors.New("percent never falls, and is at most 100")
		}
		r.percent = percent
	}
	return nil
}
