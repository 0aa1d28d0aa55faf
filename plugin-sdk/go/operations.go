package plugin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// endedMax is how many ended operations are kept for a factory that has not acknowledged them.
	endedMax = 64
	// endedAgeMax is how long an ended operation is kept for a factory that has not acknowledged it.
	endedAgeMax = 10 * time.Minute
	// lateWait is how much longer than their grace operations are waited for.
	lateWait = 500 * time.Millisecond
)

var operationID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// request is a message that starts an operation.
type request interface {
	proto.Message
	GetHeader() *pluginv1.OperationHeader
}

// operations are the operations that a plugin knows: started once per id, attached to any number of times, cancelled,
// acknowledged, and forgotten when the factory has all of their events.
type operations struct {
	concurrentMax int
	mutex         sync.Mutex
	known         map[string]*known
	closed        bool
	running       sync.WaitGroup
	streams       int
	idle          *sync.Cond
}

// known is an operation that a plugin knows.
type known struct {
	id          string
	method      string
	fingerprint [sha256.Size]byte
	record      *record
	deadline    *deadline
	cancel      context.CancelFunc
	cancelled   bool
	ended       time.Time
}

// newOperations knows none yet; runs at most so many at once (0: any number).
func newOperations(concurrentMax int) *operations {
	o := &operations{concurrentMax: concurrentMax, known: map[string]*known{}}
	o.idle = sync.NewCond(&o.mutex)
	return o
}

// call starts the operation that a request asks for, or attaches to it if it is known, and sends its events.
func (o *operations) call(
	ctx context.Context, method string, request request, prepare func() (work, error), send func(*pluginv1.EventBatch) error,
) error {
	after := request.GetHeader().GetAfterSeq()
	record, err := o.attachOrStart(method, request, prepare)
	if err != nil {
		var failure *Failure
		if errors.As(err, &failure) {
			return failure.status(codes.InvalidArgument)
		}
		return err
	}
	defer o.streamed()
	if _, acknowledged := record.seqs(); after < acknowledged {
		return status.Errorf(codes.OutOfRange, "events up to %d were acknowledged and are forgotten", acknowledged)
	}
	return record.send(ctx, after, send)
}

// attachOrStart returns the record of the operation, and counts its reader as one of the streams.
func (o *operations) attachOrStart(method string, request request, prepare func() (work, error)) (*record, error) {
	header := request.GetHeader()
	switch {
	case header == nil:
		return nil, missing("header")
	case !operationID.MatchString(header.OperationId):
		return nil, invalid("header.operation_id",
			"operation_id is %q, but must be 1 to 128 of `[A-Za-z0-9._:-]`", header.OperationId)
	}
	fingerprint, err := fingerprintOf(method, request)
	if err != nil {
		return nil, err
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	it := o.known[header.OperationId]
	switch {
	case it == nil:
		if it, err = o.start(method, header, fingerprint, prepare); err != nil {
			return nil, err
		}
	case it.fingerprint != fingerprint:
		failure := Failf(FaultConflict, "OPERATION_ID_REUSED", "the operation's id is in use for a different request")
		return nil, failure.status(codes.AlreadyExists)
	}
	o.streams++
	return it.record, nil
}

// start runs a method under its supervisor. The caller holds the lock, so that it can't end before it is known.
func (o *operations) start(
	method string, header *pluginv1.OperationHeader, fingerprint [sha256.Size]byte, prepare func() (work, error),
) (*known, error) {
	if err := o.admit(header.AfterSeq); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	record := newRecord()
	op, err := newOperation(ctx, header, record)
	var work work
	if err == nil {
		work, err = prepare()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	it := &known{
		id: header.OperationId, method: method, fingerprint: fingerprint, record: record,
		deadline: newDeadline(), cancel: cancel,
	}
	o.known[it.id] = it
	record.write(stateEvent(pluginv1.StateChanged_STATE_RUNNING))
	supervisor := &supervisor{method: method, op: op, deadline: it.deadline}
	o.running.Go(func() {
		supervisor.run(work)
		o.ended(it)
	})
	return it, nil
}

func (o *operations) admit(after uint64) error {
	if o.closed {
		return status.Error(codes.Unavailable, "the plugin is ending")
	}
	if 0 < after {
		return status.Error(codes.NotFound, "the operation is not known (any more), so its events can't be replayed")
	}
	o.forgetOld()
	running := 0
	for _, it := range o.known {
		if it.ended.IsZero() {
			running++
		}
	}
	if 0 < o.concurrentMax && o.concurrentMax <= running {
		busy := Failf(FaultQuota, "TOO_MANY_OPERATIONS", "%d operations are running, and no more can", running)
		busy.Retryable = true
		return busy.status(codes.ResourceExhausted)
	}
	return nil
}

// cancel asks an operation to stop within its grace.
func (o *operations) cancel(id string, grace time.Duration) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	it := o.known[id]
	if it == nil {
		return unknown(id)
	}
	it.stop(grace)
	return nil
}

// acknowledge forgets the events of an operation up to a number, and the operation if it has ended and that was its last one.
func (o *operations) acknowledge(id string, upTo uint64) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	it := o.known[id]
	if it == nil {
		return unknown(id)
	}
	if it.record.acknowledge(upTo) && !it.ended.IsZero() {
		delete(o.known, id)
	}
	return nil
}

// list lists what is known, by id.
func (o *operations) list() []*pluginv1.OperationStatus {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.forgetOld()
	list := []*pluginv1.OperationStatus{}
	for _, id := range slices.Sorted(maps.Keys(o.known)) {
		it := o.known[id]
		last, _ := it.record.seqs()
		list = append(list, &pluginv1.OperationStatus{
			OperationId: id, Method: it.method, LastSeq: last, Ended: it.record.hasEnded(),
		})
	}
	return list
}

// stop starts no more operations, cancels all, and waits until they have ended and their readers have it all; at most a
// little longer than the grace. It returns the ids of those that have not ended.
func (o *operations) stop(grace, drain time.Duration) []string {
	o.mutex.Lock()
	o.closed = true
	for _, it := range o.known {
		it.stop(grace)
	}
	o.mutex.Unlock()
	within(grace+lateWait, o.running.Wait)
	within(drain, o.drained)
	o.mutex.Lock()
	defer o.mutex.Unlock()
	late := []string{}
	for id, it := range o.known {
		if it.ended.IsZero() {
			late = append(late, id)
		}
	}
	slices.Sort(late)
	return late
}

// streamed notes that a reader has gone.
func (o *operations) streamed() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.streams--
	o.idle.Broadcast()
}

// drained waits until there are no readers.
func (o *operations) drained() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for 0 < o.streams {
		o.idle.Wait()
	}
}

func (o *operations) ended(it *known) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	it.ended = time.Now()
	it.cancel()
	if it.record.acknowledge(0) {
		delete(o.known, it.id)
	}
	o.forgetOld()
}

// forgetOld forgets ended operations that nobody acknowledged: those that are too old, and the oldest of too many.
func (o *operations) forgetOld() {
	var ended []*known
	for id, it := range o.known {
		switch {
		case it.ended.IsZero():
		case endedAgeMax <= time.Since(it.ended):
			delete(o.known, id)
		default:
			ended = append(ended, it)
		}
	}
	slices.SortFunc(ended, func(a, b *known) int {
		return cmp.Or(a.ended.Compare(b.ended), cmp.Compare(a.id, b.id))
	})
	for _, it := range ended[:max(0, len(ended)-endedMax)] {
		delete(o.known, it.id)
	}
}

// stop asks the operation to stop; asking twice is the same as asking once, with the shorter grace.
func (k *known) stop(grace time.Duration) {
	if k.record.hasEnded() {
		return
	}
	k.deadline.bringForward(grace)
	if !k.cancelled {
		k.cancelled = true
		k.record.write(stateEvent(pluginv1.StateChanged_STATE_CANCELLING))
		k.cancel()
	}
}

// fingerprintOf returns what tells a request from others. Not the request itself: that may be large, and hold secrets. Where
// its reader stands and who traces it make no difference.
func fingerprintOf(method string, given request) ([sha256.Size]byte, error) {
	cloned := proto.Clone(given).(request)
	header := cloned.GetHeader()
	header.AfterSeq, header.Traceparent = 0, ""
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(cloned)
	return sha256.Sum256(append([]byte(method+"\n"), encoded...)), err
}

func stateEvent(state pluginv1.StateChanged_State) *pluginv1.Event {
	return &pluginv1.Event{Kind: &pluginv1.Event_State{State: &pluginv1.StateChanged{State: state}}}
}

func unknown(id string) error { return status.Errorf(codes.NotFound, "no operation %q", id) }

// within waits for something, but not for ever.
func within(limit time.Duration, wait func()) {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}
