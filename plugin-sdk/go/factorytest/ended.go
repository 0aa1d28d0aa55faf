package factorytest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pluginv1 "factory.dev/plugin/v1"
)

// Ended is an operation that has ended.
type Ended struct {
	// Events are all events, in order.
	Events []*pluginv1.Event
	// Refused is why it never started or the plugin does not have it; nil otherwise.
	Refused error
	// WorkDir is the operation's work directory.
	WorkDir string

	t testing.TB
}

// Completed returns itself if the operation was completed; else the test fails with the reason.
func (e *Ended) Completed() *Ended {
	e.t.Helper()
	if e.Result() == nil {
		e.t.Fatalf("the operation was not completed: %v %v\n%s", e.last(), e.Refused, e.Log())
	}
	return e
}

// Result returns what the method returned; nil if it was not completed.
func (e *Ended) Result() *pluginv1.Completed { return e.last().GetCompleted() }

// Failed returns the failure; the test fails if the operation did not.
func (e *Ended) Failed() *pluginv1.Failure {
	e.t.Helper()
	failure := e.last().GetFailed()
	if failure == nil {
		e.t.Fatalf("the operation did not fail: %v %v", e.last(), e.Refused)
	}
	return failure
}

// Cancelled returns what a cancelled operation left behind; the test fails if it was not cancelled.
func (e *Ended) Cancelled() []string {
	e.t.Helper()
	cancelled := e.last().GetCancelled()
	if cancelled == nil {
		e.t.Fatalf("the operation was not cancelled: %v %v", e.last(), e.Refused)
	}
	return cancelled.LeftBehind
}

// Artifact returns the artifact of a role; the test fails if there is none.
func (e *Ended) Artifact(role string) *pluginv1.Artifact {
	e.t.Helper()
	for _, event := range e.Events {
		if artifact := event.GetArtifact(); artifact.GetRole() == role && artifact != nil {
			return artifact
		}
	}
	e.t.Fatalf("no artifact %s was announced", role)
	return nil
}

// ArtifactPath returns where the artifact of a role is.
func (e *Ended) ArtifactPath(role string) string {
	e.t.Helper()
	return filepath.Join(e.WorkDir, e.Artifact(role).Path)
}

// Properties returns the properties as they are at the end.
func (e *Ended) Properties() map[string]any {
	e.t.Helper()
	properties := map[string]any{}
	for _, event := range e.Events {
		property := event.GetProperty()
		if property == nil {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(property.ValueJson), &value); err != nil {
			e.t.Fatalf("the value of property %s is not JSON: %v", property.Key, err)
		}
		if properties[property.Key] = value; value == nil {
			delete(properties, property.Key)
		}
	}
	return properties
}

// Identifiers returns what the provider calls the image; nil if that was not announced.
func (e *Ended) Identifiers() *pluginv1.CloudIdentifiers {
	for _, event := range e.Events {
		if identifiers := event.GetCloudIdentifiers(); identifiers != nil {
			return identifiers
		}
	}
	return nil
}

// Percentages returns every percentage that was reported, in order.
func (e *Ended) Percentages() []float64 {
	var percentages []float64
	for _, event := range e.Events {
		if progress := event.GetProgress(); progress != nil && progress.Percent != nil {
			percentages = append(percentages, *progress.Percent)
		}
	}
	return percentages
}

// Log returns the log, a line each with its source.
func (e *Ended) Log() string {
	var log strings.Builder
	for _, event := range e.Events {
		if line := event.GetLog(); line != nil {
			fmt.Fprintf(&log, "%s: %s\n", line.Source, line.Message)
		}
	}
	return log.String()
}

// Warnings returns the warnings' messages.
func (e *Ended) Warnings() []string {
	var warnings []string
	for _, event := range e.Events {
		if warning := event.GetWarning(); warning != nil {
			warnings = append(warnings, warning.Message)
		}
	}
	return warnings
}

// Resources returns what was said of resources outside this machine, in order: `intent NAME`, `created NAME ID`, `deleted NAME` and
// `remains NAME REASON`.
func (e *Ended) Resources() []string {
	var lines []string
	for _, event := range e.Events {
		switch kind := event.Kind.(type) {
		case *pluginv1.Event_ResourceIntent:
			lines = append(lines, "intent "+kind.ResourceIntent.IntentId)
		case *pluginv1.Event_ResourceCreated:
			lines = append(lines, "created "+kind.ResourceCreated.IntentId+" "+kind.ResourceCreated.ResourceId)
		case *pluginv1.Event_ResourceDeleted:
			lines = append(lines, "deleted "+kind.ResourceDeleted.IntentId)
		case *pluginv1.Event_ResourceRemains:
			lines = append(lines, "remains "+kind.ResourceRemains.IntentId+" "+kind.ResourceRemains.Why.GetReason())
		}
	}
	return lines
}

// OpenIntents returns what was announced and not deleted, newest first, as it would be given to Reconcile. Of an operation that is
// completed, what is lasting is left out.
func (e *Ended) OpenIntents(operationID string) []*pluginv1.OpenIntent {
	var open []*pluginv1.OpenIntent
	for _, event := range e.Events {
		switch kind := event.Kind.(type) {
		case *pluginv1.Event_ResourceIntent:
			intent := &pluginv1.OpenIntent{OperationId: operationID, Intent: kind.ResourceIntent}
			open = slices.Insert(open, 0, intent)
		case *pluginv1.Event_ResourceCreated:
			for _, it := range open {
				if it.Intent.IntentId == kind.ResourceCreated.IntentId {
					it.ResourceId = kind.ResourceCreated.ResourceId
				}
			}
		case *pluginv1.Event_ResourceDeleted:
			open = slices.DeleteFunc(open, func(it *pluginv1.OpenIntent) bool {
				return it.Intent.IntentId == kind.ResourceDeleted.IntentId
			})
		}
	}
	return slices.DeleteFunc(open, func(it *pluginv1.OpenIntent) bool {
		return e.Result() != nil && it.Intent.Lasting
	})
}

func (e *Ended) last() *pluginv1.Event {
	if len(e.Events) == 0 {
		return &pluginv1.Event{}
	}
	return e.Events[len(e.Events)-1]
}
