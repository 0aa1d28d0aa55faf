package plugin

import (
	"context"
	"encoding/json"
	"errors"

	pluginv1 "factory.dev/plugin/v1"
)

// reconcileWork makes a piece of work of a request to settle one thing that was left over after the other. An error if there
// is nothing to settle, or what is there has no intent.
func reconcileWork(plugin Reconciler, request *pluginv1.ReconcileRequest) (work, error) {
	account := Account{request.Target, request.Account.GetProvider(), secretOf(request.Account.GetCredentials())}
	if len(request.Intents) == 0 {
		return nil, invalid("intents", "intents is empty")
	}
	for _, open := range request.Intents {
		if open.Intent.GetIntentId() == "" {
			return nil, invalid("intents.intent.intent_id", "an intent has no id")
		}
	}
	all := each(request.Intents, leftOverOf)
	return func(ctx context.Context, op *Operation) (*pluginv1.Completed, error) {
		for _, leftOver := range all {
			if err := settle(ctx, plugin, leftOver, &account, op); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}, nil
}

// settle settles one thing, and says so. An error only if the operation is to stop, or the plugin does not have the method.
func settle(ctx context.Context, plugin Reconciler, it *LeftOver, account *Account, op *Operation) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	settled, err := plugin.Reconcile(ctx, it, account, op)
	switch {
	case errors.Is(err, ErrUnimplemented):
		return err
	case err != nil && ctx.Err() != nil:
		return err
	case err == nil && settled.gone:
		op.record.write(resourceDeleted(it.Name))
		return nil
	case err == nil && it.Adopt && settled.id != "":
		op.record.write(resourceCreated(it.Name, settled.id))
		return nil
	case err == nil:
		err = Failf(FaultPlugin, "NOT_DELETED", "the plugin wants to keep what is to be deleted")
	}
	op.record.write(&pluginv1.Event{Kind: &pluginv1.Event_ResourceRemains{
		ResourceRemains: &pluginv1.ResourceRemains{IntentId: it.Name, Why: failureOf(err)},
	}})
	return nil
}

func leftOverOf(open *pluginv1.OpenIntent) *LeftOver {
	return &LeftOver{
		Token:       Token(open.OperationId, open.Intent.IntentId),
		OperationID: open.OperationId,
		Name:        open.Intent.IntentId,
		Kind:        open.Intent.Kind,
		Locator:     json.RawMessage(open.Intent.LocatorJson),
		ID:          open.ResourceId,
		Adopt:       open.Wanted == pluginv1.OpenIntent_WANTED_ADOPT,
	}
}
