"""`Operations.Reconcile`: one thing that was left over after the other."""

from __future__ import annotations

import json
from collections.abc import Callable

from factory_plugin import proto
from factory_plugin.delegate import Plugin
from factory_plugin.failure import Failure, Fault, Unimplemented, of_exception
from factory_plugin.ledger import Account, Adopted, LeftOver, token
from factory_plugin.operation import Operation
from factory_plugin.request import invalid
from factory_plugin.template import secret_of


def reconcile(plugin: Plugin, message: proto.ReconcileRequest, operation: Operation) -> Callable[[], None]:
    """Makes a piece of work of a request. Raises `Failure` if there is nothing to settle, or what is there has no intent."""
    given = message.account
    account = Account(message.target, given.provider, secret_of(given.credentials))
    all = [_left_over(intent) for intent in message.intents]
    if not all:
        raise invalid("intents is empty", "intents")

    def work() -> None:
        for left_over in all:
            operation.check()
            kind, event = _settle(plugin, left_over, account, operation)
            operation._record.write(kind, event)

    return work


def _settle(plugin: Plugin, left_over: LeftOver, account: Account, operation: Operation) -> tuple[str, proto.Event]:
    """Answers the event that says what became of it; a cancellation, or a plugin without the method, ends the operation instead."""
    try:
        settled = plugin.reconcile(left_over, account, operation)
    except Unimplemented:
        raise
    except Exception as error:
        return _remains(left_over, of_exception(error))
    if not isinstance(settled, Adopted):
        event = proto.Event(resource_deleted=proto.ResourceDeleted(intent_id=left_over.name))
        return "resource_deleted", event
    if left_over.adopt:
        created = proto.ResourceCreated(intent_id=left_over.name, resource_id=settled.id)
        return "resource_created", proto.Event(resource_created=created)
    message = "the plugin wants to keep what is to be deleted"
    return _remains(left_over, Failure(Fault.PLUGIN, "NOT_DELETED", message))


def _remains(left_over: LeftOver, why: Failure) -> tuple[str, proto.Event]:
    remains = proto.ResourceRemains(intent_id=left_over.name, why=why.message)
    return "resource_remains", proto.Event(resource_remains=remains)


def _left_over(open: proto.OpenIntent) -> LeftOver:
    intent = open.intent
    if not intent.intent_id:
        raise invalid("an intent has no id", "intents.intent.intent_id")
    return LeftOver(
        token=token(open.operation_id, intent.intent_id),
        operation_id=open.operation_id,
        name=intent.intent_id,
        kind=intent.kind,
        locator=_locator(intent.locator_json),
        id=open.resource_id or None,
        adopt=open.wanted == proto.OpenIntent.WANTED_ADOPT,
    )


def _locator(text: str) -> object:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None
