package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	pluginv1 "factory.dev/plugin/v1"
)

// Resource is something that is about to be created outside this machine.
type Resource struct {
	// Name is the plugin's own name for it, unique in the operation.
	Name string
	// Kind is what a provider calls such a thing: `instance`, `volume`, `object`, `key-pair`, …
	Kind string
	// Description says what it is for, for a person.
	Description string
	// Locator is what it takes to find it again without its id: region, bucket, tags. Written as JSON; never a secret.
	Locator any
	// Lasting says that it is what the image is, or a part of that: it stays once the operation is completed, until the image
	// is deleted. Otherwise it is a means to an end, and is deleted when the operation ends.
	Lasting bool
	// Delete deletes it at the end of the operation, if it must not stay. What is gone already counts as deleted. Its context
	// is not the operation's: it outlives a cancellation.
	Delete func(ctx context.Context, it Existing) error
}

// Existing is something to be deleted, which may exist.
type Existing struct {
	// Token is what it was tagged with, see [Token].
	Token string
	// ID is the provider's identifier; empty if the creation did not get as far.
	ID string
}

// Token makes the text that tells a resource from all others for ever: a tag for it, and an idempotency token where the
// provider takes one.
func Token(operationID, name string) string { return operationID + "/" + name }

// NotCreated wraps the error of a creation after which surely nothing exists, because the provider said so. After any other
// error something may exist, and is looked for and deleted.
func NotCreated(err error) error { return &notCreated{err} }

type notCreated struct{ err error }

func (n *notCreated) Error() string { return n.err.Error() }
func (n *notCreated) Unwrap() error { return n.err }

// ledger has what an operation has created and somebody has to delete, oldest first.
//
//	intent ─► durable ─► create ─► confirmed        the operation ends ─► delete, newest first ─► confirmed
//
// From the moment that the intent is durable, Delete is bound to run: when the operation is completed if the resource is not
// lasting, and in any case when it fails, is cancelled or panics. What it can't delete stays in the factory's ledger, and
// [Reconciler] gets it later.
type ledger struct {
	mutex   sync.Mutex
	entries []*resource
	names   map[string]bool
}

// resource is something that was announced.
type resource struct {
	Resource
	existing Existing
	// creating says that its creation has not returned yet.
	creating bool
}

// label is what a person is told that it is.
func (r *resource) label() string {
	if r.existing.ID != "" {
		return r.Kind + " " + r.existing.ID
	}
	return r.Kind + " " + r.existing.Token + ", which may exist"
}

// claim reserves a name.
func (l *ledger) claim(name string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.names[name] {
		return Failf(FaultPlugin, "RESOURCE_REPEATED", "a resource %s was announced before", name)
	}
	if l.names == nil {
		l.names = map[string]bool{}
	}
	l.names[name] = true
	return nil
}

// enter binds somebody to delete what is about to be created.
func (l *ledger) enter(it *resource) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.entries = append(l.entries, it)
}

// created notes how a creation ended.
func (l *ledger) created(it *resource, id string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	it.creating, it.existing.ID = false, id
}

// take takes out the newest that is so, or returns nil.
func (l *ledger) take(is func(*resource) bool) *resource {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for index, it := range slices.Backward(l.entries) {
		if is(it) {
			l.entries = slices.Delete(l.entries, index, index+1)
			return it
		}
	}
	return nil
}

// next takes out the newest that is to be deleted at the end: of a completed operation, of what does not last.
func (l *ledger) next(completed bool) *resource {
	return l.take(func(it *resource) bool { return !completed || !it.Lasting })
}

// isCreating tells whether something's creation has not returned.
func (l *ledger) isCreating(it *resource) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return it.creating
}

// isEmpty tells whether nobody has to delete anything.
func (l *ledger) isEmpty() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.entries) == 0
}

// Create creates something outside this machine, and returns the provider's identifier that create returns.
//
// create runs once the factory has made the intent durable, and gets what to tag the resource with. If it returns an error,
// what may exist is deleted at the end of the operation, unless [NotCreated] says that nothing does.
func (op *Operation) Create(
	ctx context.Context, it Resource, create func(ctx context.Context, token string) (id string, err error),
) (string, error) {
	intent, err := it.intent()
	if err == nil {
		err = op.ledger.claim(it.Name)
	}
	if err != nil {
		return "", err
	}
	ctx, cancel := op.joined(ctx)
	defer cancel()
	if err := op.announce(ctx, intent); err != nil {
		return "", err
	}
	entry := &resource{Resource: it, existing: Existing{Token: Token(op.id, it.Name)}, creating: true}
	op.ledger.enter(entry)
	id := ""
	// A panic leaves what may exist.
	defer func() { op.ledger.created(entry, id) }()
	id, err = create(ctx, entry.existing.Token)
	var surely *notCreated
	switch {
	case errors.As(err, &surely):
		op.ledger.take(func(it *resource) bool { return it == entry })
		op.record.write(resourceDeleted(it.Name))
		return "", surely.err
	case err != nil:
		return "", err
	}
	op.record.write(resourceCreated(it.Name, id))
	return id, nil
}

// Delete deletes now what [Operation.Create] created under a name, and would delete at the end. If that fails, the factory's
// ledger keeps it.
func (op *Operation) Delete(ctx context.Context, name string) error {
	entry := op.ledger.take(func(it *resource) bool { return it.Name == name })
	if entry == nil {
		return nil
	}
	if err := entry.Delete(ctx, entry.existing); err != nil {
		return err
	}
	op.record.write(resourceDeleted(name))
	return nil
}

// announce announces an intent and waits until the factory has made it durable. If the operation is to stop first, nothing
// is created, and the intent is withdrawn.
func (op *Operation) announce(ctx context.Context, intent *pluginv1.ResourceIntent) error {
	event := &pluginv1.Event{Kind: &pluginv1.Event_ResourceIntent{ResourceIntent: intent}}
	seq, err := op.record.report(ctx, event)
	if err != nil {
		return err
	}
	if err := op.record.acknowledged(ctx, seq); err != nil {
		op.record.write(resourceDeleted(intent.IntentId))
		return err
	}
	return nil
}

func (r *Resource) intent() (*pluginv1.ResourceIntent, error) {
	if r.Name == "" || r.Kind == "" || r.Delete == nil {
		return nil, Failf(FaultPlugin, "RESOURCE_INCOMPLETE", "a resource needs a name, a kind and a way to delete it")
	}
	locator, err := json.Marshal(r.Locator)
	if err != nil {
		return nil, Failf(FaultPlugin, "RESOURCE_LOCATOR", "the locator of %s is no JSON: %w", r.Name, err)
	}
	if r.Locator == nil {
		locator = []byte("{}")
	}
	intent := &pluginv1.ResourceIntent{
		IntentId: r.Name, Kind: r.Kind, Description: r.Description, LocatorJson: string(locator), Lasting: r.Lasting,
	}
	makeValid(intent)
	return intent, nil
}

// resourceDeleted confirms that something is gone, or was never created.
func resourceDeleted(name string) *pluginv1.Event {
	return &pluginv1.Event{Kind: &pluginv1.Event_ResourceDeleted{
		ResourceDeleted: &pluginv1.ResourceDeleted{IntentId: valid(name)},
	}}
}

// resourceCreated confirms that something exists.
func resourceCreated(name, id string) *pluginv1.Event {
	return &pluginv1.Event{Kind: &pluginv1.Event_ResourceCreated{
		ResourceCreated: &pluginv1.ResourceCreated{IntentId: valid(name), ResourceId: valid(id)},
	}}
}
