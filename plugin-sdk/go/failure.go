package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Fault says whose move is next.
type Fault int32

// Whose move is next.
const (
	// FaultUser: the request is wrong; the user changes the template or the parameters.
	FaultUser = Fault(pluginv1.Fault_FAULT_USER)
	// FaultAuth: the credentials are wrong, expired or not allowed to.
	FaultAuth = Fault(pluginv1.Fault_FAULT_AUTH)
	// FaultQuota: a limit is used up, such as disk, quota or number of instances.
	FaultQuota = Fault(pluginv1.Fault_FAULT_QUOTA)
	// FaultHost: this host lacks something, such as a program, a kernel feature or a device.
	FaultHost = Fault(pluginv1.Fault_FAULT_HOST)
	// FaultTransient: something outside failed in a way that may pass, such as a network or a service.
	FaultTransient = Fault(pluginv1.Fault_FAULT_TRANSIENT)
	// FaultConflict: something is there already, or changed meanwhile.
	FaultConflict = Fault(pluginv1.Fault_FAULT_CONFLICT)
	// FaultPlugin: the plugin is wrong. Errors that are no Failure count as this.
	FaultPlugin = Fault(pluginv1.Fault_FAULT_PLUGIN)
)

// ErrUnimplemented says that the plugin does not have the method after all.
var ErrUnimplemented = errors.New("the plugin does not have the method")

// detailBytesMax is how much detail a failure may carry: it must always fit into a message.
const detailBytesMax = 1024 * 1024

// Failure is an error that says why an operation failed, whose move is next and what to do.
type Failure struct {
	// Fault says whose move is next.
	Fault Fault
	// Reason is a stable name for programs, such as `PACKAGE_NOT_FOUND`.
	Reason string
	// Message is what failed: a lower-case fragment without a full stop.
	Message string
	// Hint is what to do about it, one sentence.
	Hint string
	// Path is where in the template or the parameters, such as `template/packages/package[3]`.
	Path string
	// Step is the step of the operation that failed.
	Step string
	// Detail is more for who must find the cause, such as a tool's last lines. Never a secret.
	Detail string
	// Retryable says that trying again without a change may help.
	Retryable bool
	// RetryAfter is how long to wait first; zero: the factory chooses.
	RetryAfter time.Duration
	// Metadata is more for programs.
	Metadata map[string]string
	// Err is the cause. It is not shown: Message says what of it matters.
	Err error
}

// Failf makes a failure. A cause may be given with %w.
func Failf(fault Fault, reason, format string, arguments ...any) *Failure {
	err := fmt.Errorf(format, arguments...)
	return &Failure{Fault: fault, Reason: reason, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error returns the message.
func (f *Failure) Error() string { return f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// proto returns the message that travels.
func (f *Failure) proto() *pluginv1.Failure {
	failure := &pluginv1.Failure{
		Reason: f.Reason, Message: f.Message, Fault: pluginv1.Fault(f.Fault), Hint: f.Hint,
		Path: f.Path, Step: f.Step, Detail: cut(f.Detail, detailBytesMax), Metadata: f.Metadata,
	}
	if f.Retryable {
		failure.Retry = &pluginv1.Retry{Retryable: true}
		if 0 < f.RetryAfter {
			failure.Retry.After = durationpb.New(f.RetryAfter)
		}
	}
	makeValid(failure)
	return failure
}

// status packs a failure into a gRPC status, for a call that could not start.
func (f *Failure) status(code codes.Code) error {
	failure := f.proto()
	packed, err := status.New(code, failure.Message).WithDetails(failure)
	if err != nil {
		return status.Error(code, failure.Message)
	}
	return packed.Err()
}

// failureOf returns what travels of an error. A Failure that was wrapped keeps all but its message.
func failureOf(err error) *pluginv1.Failure {
	var known *Failure
	if !errors.As(err, &known) {
		known = &Failure{Fault: FaultPlugin, Reason: "PLUGIN_ERROR"}
	}
	failure := *known
	failure.Message = err.Error()
	return failure.proto()
}

// isCancellation tells whether an error says nothing but that the operation was to stop.
func isCancellation(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// missing makes the failure of a request that lacks a field.
func missing(field string) *Failure {
	failure := Failf(FaultUser, "MISSING_FIELD", "%s is missing from the request", field)
	failure.Path = field
	return failure
}

// invalid makes the failure of a request with a field that makes no sense.
func invalid(path, format string, arguments ...any) *Failure {
	failure := Failf(FaultUser, "INVALID_FIELD", format, arguments...)
	failure.Path = path
	return failure
}
