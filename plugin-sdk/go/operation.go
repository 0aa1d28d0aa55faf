package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	pluginv1 "factory.dev/plugin/v1"
	"google.golang.org/protobuf/proto"
)

const (
	// lineBytesMax is how long a line of log may be.
	lineBytesMax = 64 * 1024
	// eventBytesMax is how large an event may be, so that a batch of them stays within what any gRPC peer accepts.
	eventBytesMax = 3 * 1024 * 1024
)

// Operation is a running operation, as its plugin sees it. Everything reported here reaches the user while it happens. Its
// methods may be called from any goroutine. Where much is reported and the factory is slow, they wait for it.
type Operation struct {
	id         string
	workDir    string
	image      *pluginv1.ImageContext
	parameters *Parameters
	ctx        context.Context
	record     *record
	ledger     ledger
	mutex      sync.Mutex
	roles      map[string]bool
}

// Level says how important a line of log is.
type Level int32

// How important a line of log is.
const (
	// Debug is for who looks for a fault in the plugin.
	Debug = Level(pluginv1.LogLine_LEVEL_DEBUG)
	// Info is ordinary.
	Info = Level(pluginv1.LogLine_LEVEL_INFO)
	// Warn looks wrong, and may be.
	Warn = Level(pluginv1.LogLine_LEVEL_WARN)
	// Error is wrong.
	Error = Level(pluginv1.LogLine_LEVEL_ERROR)
)

// Progress is how far an operation is.
type Progress struct {
	// Percent is how much of the whole operation is done, 0 to 100. It never falls: a smaller value than before is raised to
	// that, so 0 changes nothing.
	Percent float64
	// Phase is the part of the work, short and stable.
	Phase string
	// Activity is what is being done now, one line.
	Activity string
	// Current and Total are how much of this phase is done, counted in Unit, such as `bytes`. Total is 0 if it is not known.
	Current, Total uint64
	// Unit is what is counted; empty if nothing is.
	Unit string
}

// InstalledPackage is a package in an image.
type InstalledPackage struct {
	// Name is its name.
	Name string
	// Version is its version.
	Version string
	// Arch is its architecture.
	Arch string
	// Extra is the output of `os/icicle/extra_command` for it.
	Extra string
}

// newOperation starts from the head of a request.
func newOperation(ctx context.Context, header *pluginv1.OperationHeader, record *record) (*Operation, error) {
	stat, err := os.Stat(header.WorkDir)
	if err != nil || !stat.IsDir() || !filepath.IsAbs(header.WorkDir) {
		return nil, invalid("header.work_dir", "work_dir is %q, but must be an absolute directory", header.WorkDir)
	}
	parameters, err := newParameters(header.ParametersJson, header.SecretParameters)
	if err != nil {
		return nil, err
	}
	return &Operation{
		id: header.OperationId, workDir: header.WorkDir, image: header.Image, parameters: parameters,
		ctx: ctx, record: record, roles: map[string]bool{},
	}, nil
}

// ID returns the operation's id, unique for ever: a name or tag for what it creates elsewhere.
func (op *Operation) ID() string { return op.id }

// WorkDir returns the directory where artifacts and temporary files go: this operation's own, removed by the factory.
func (op *Operation) WorkDir() string { return op.workDir }

// Path returns the path of a file in the work directory.
func (op *Operation) Path(file string) string { return filepath.Join(op.workDir, file) }

// ImageID returns the id of the image being worked on.
func (op *Operation) ImageID() string { return op.image.GetId() }

// Attempt returns which try this is, from 1.
func (op *Operation) Attempt() int { return int(max(1, op.image.GetAttempt())) }

// Parameters returns the parameters.
func (op *Operation) Parameters() *Parameters { return op.parameters }

// Progress reports how far it is. At most ten reports a second go out; the newest wins.
func (op *Operation) Progress(progress Progress) {
	report := &pluginv1.Progress{Phase: valid(progress.Phase), Activity: valid(cut(progress.Activity, lineBytesMax))}
	if 0 < progress.Percent {
		report.Percent = &progress.Percent
	}
	if progress.Unit != "" {
		report.Amount = &pluginv1.Progress_Amount{
			Current: progress.Current, Total: progress.Total, Unit: valid(progress.Unit),
		}
	}
	op.record.progress(op.ctx, report)
}

// Property sets a property of the image to a value that JSON can hold; nil removes it.
func (op *Operation) Property(key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return Failf(FaultPlugin, "PROPERTY_VALUE", "the value of property %s is no JSON: %w", key, err)
	}
	property := &pluginv1.Property{Key: key, ValueJson: string(text)}
	return op.report(&pluginv1.Event{Kind: &pluginv1.Event_Property{Property: property}})
}

// Log adds a message to the build's log; source names the tool or part it comes from. One of several lines becomes several.
func (op *Operation) Log(level Level, source, message string) {
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, "\r\n")
		op.record.note(op.ctx, &pluginv1.Event{Kind: &pluginv1.Event_Log{Log: &pluginv1.LogLine{
			Level: pluginv1.LogLine_Level(level), Message: valid(cut(line, lineBytesMax)), Source: valid(source),
		}}})
	}
}

// Logf adds an ordinary message to the build's log.
func (op *Operation) Logf(format string, arguments ...any) {
	op.Log(Info, "", fmt.Sprintf(format, arguments...))
}

// Warn tells the user something worth knowing, and what to do about it.
func (op *Operation) Warn(message, hint string) {
	warning := &pluginv1.Warning{Message: valid(cut(message, lineBytesMax)), Hint: valid(cut(hint, lineBytesMax))}
	op.record.note(op.ctx, &pluginv1.Event{Kind: &pluginv1.Event_Warning{Warning: warning}})
}

// Artifact announces a file in the work directory. Its size, and its SHA-256 unless given, are read from it. From then on the
// file must not change. An error if it is not a regular file directly inside the work directory, can't be read, or its role
// was announced before; or if the operation is to stop.
func (op *Operation) Artifact(ctx context.Context, artifact Artifact) error {
	ctx, cancel := op.joined(ctx)
	defer cancel()
	if err := artifact.measure(ctx, op.workDir); err != nil {
		return err
	}
	if err := op.claimRole(artifact.Role); err != nil {
		return err
	}
	return op.report(&pluginv1.Event{Kind: &pluginv1.Event_Artifact{Artifact: artifact.proto()}})
}

// Packages announces the packages in the image; icicle is the same as an ICICLE document, or empty.
func (op *Operation) Packages(packages []InstalledPackage, icicle string) error {
	list := &pluginv1.PackageList{
		Packages: each(packages, func(p InstalledPackage) *pluginv1.InstalledPackage {
			return &pluginv1.InstalledPackage{Name: p.Name, Version: p.Version, Arch: p.Arch, Extra: p.Extra}
		}),
		IcicleXml: icicle,
	}
	return op.report(&pluginv1.Event{Kind: &pluginv1.Event_Packages{Packages: list}})
}

// identify announces what the provider calls the image. It exists now, so this goes out even if a cancellation came meanwhile.
func (op *Operation) identify(identifiers *Identifiers) {
	if identifiers == nil {
		identifiers = &Identifiers{}
	}
	op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_CloudIdentifiers{
		CloudIdentifiers: &pluginv1.CloudIdentifiers{
			IdentifierOnProvider:      valid(identifiers.Image),
			ProviderAccountIdentifier: valid(identifiers.Account),
		},
	}})
}

func (op *Operation) claimRole(role string) error {
	op.mutex.Lock()
	defer op.mutex.Unlock()
	if op.roles[role] {
		return Failf(FaultPlugin, "ARTIFACT_ROLE_REPEATED", "role %s was announced twice", role)
	}
	op.roles[role] = true
	return nil
}

func (op *Operation) report(event *pluginv1.Event) error {
	makeValid(event)
	if size := proto.Size(event); eventBytesMax < size {
		failure := Failf(FaultPlugin, "EVENT_TOO_LARGE", "an event of %d bytes is more than the %d allowed", size, eventBytesMax)
		failure.Hint = "write large data to a file and announce it as an artifact"
		return failure
	}
	_, err := op.record.report(op.ctx, event)
	return err
}

// joined returns a context that is done when the given one is, or the operation is to stop.
func (op *Operation) joined(ctx context.Context) (context.Context, context.CancelFunc) {
	joined, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(op.ctx, cancel)
	return joined, func() {
		stop()
		cancel()
	}
}
