"""What an operation creates outside this machine: announced before, confirmed after, and deleted again unless it is to stay.

    with operation.create("builder", "instance", delete=self.terminate) as instance:
        instance.created(self.cloud.launch(tag=instance.token))

On entry the intent is announced, and waited until the factory has made it durable. From then on `delete` is bound to run: when the
operation is completed if the resource is temporary, and in any case when it fails or is cancelled. What it can't delete stays in the
factory's ledger, and `reconcile` gets it later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

from factory_plugin import proto
from factory_plugin.failure import Failure, Fault, NotCreated
from factory_plugin.record import Record
from factory_plugin.secret import Secret


@dataclass(frozen=True)
class Existing:
    """Something to be deleted, which may exist."""

    token: str
    """What it was tagged with, see `token`."""
    id: str | None
    """The provider's identifier, if the creation got as far."""


@dataclass(frozen=True)
class Account:
    """An account of a provider, in which something was left over."""

    target: str
    """The cloud target; empty for an OS plugin that was asked for none."""
    provider: str
    """The provider: a name or a definition; empty if there is none."""
    credentials: Secret
    """The credentials; empty if none were given."""


@dataclass(frozen=True)
class LeftOver:
    """Something that may exist outside this machine, and that nobody works with any more."""

    token: str
    """What it was tagged with, see `token`."""
    operation_id: str
    """The operation that announced it."""
    name: str
    """Its name in that operation."""
    kind: str
    """What it is."""
    locator: Any
    """How to find it again, as it was announced."""
    id: str | None
    """The provider's identifier, if that much is known."""
    adopt: bool
    """Whether it is to stay if it exists (`Adopted`); else it is to be deleted."""


@dataclass(frozen=True)
class Deleted:
    """It existed and is gone now."""


@dataclass(frozen=True)
class NotThere:
    """It never existed, or was gone before."""


@dataclass(frozen=True)
class Adopted:
    """It exists under this identifier, and stays."""

    id: str
    """The provider's identifier."""


Settled = Deleted | NotThere | Adopted
"""What became of something that was left over."""

Delete = Callable[[Existing], None]
"""Deletes what may exist; what is gone already counts as deleted."""


def token(operation_id: str, name: str) -> str:
    """Makes the text that tells a resource from all others for ever: a tag for it, and an idempotency token where the provider
    takes one."""
    return f"{operation_id}/{name}"


class Resource:
    """Something that an operation creates outside this machine."""

    def __init__(self, ledger: Ledger, intent: proto.ResourceIntent, operation_id: str, delete: Delete) -> None:
        """Made by `Operation.create`."""
        self._ledger = ledger
        self._intent = intent
        self._delete = delete
        self.token = token(operation_id, intent.intent_id)
        """What to tag it with."""
        self.id: str | None = None
        """The provider's identifier, once it was `created`."""
        self.is_being_created = False
        """Whether the plugin's code is in its context now."""

    @property
    def name(self) -> str:
        """Its name in the operation."""
        return self._intent.intent_id

    @property
    def is_lasting(self) -> bool:
        """Whether it stays once the operation is completed."""
        return self._intent.lasting

    @property
    def label(self) -> str:
        """What a person is told that it is."""
        exists = self.id if self.id is not None else f"{self.token}, which may exist"
        return f"{self._intent.kind} {exists}"

    def created(self, id: str) -> str:
        """Confirms that it exists, under the provider's identifier, which is answered. Goes out even from an operation that is to
        stop."""
        self.id = id
        event = proto.ResourceCreated(intent_id=self.name, resource_id=id)
        self._ledger.record.write("resource_created", proto.Event(resource_created=event))
        return id

    def delete(self) -> None:
        """Deletes it, as the plugin said, and confirms that."""
        self._delete(Existing(self.token, self.id))
        self._ledger.confirm_deleted(self.name)

    def __enter__(self) -> Resource:
        self.is_being_created = True
        try:
            self._ledger.announce(self, self._intent)
        except BaseException:
            self.is_being_created = False
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self.is_being_created = False
        if isinstance(error, NotCreated) and self.id is None and self._ledger.take(self.name):
            self._ledger.confirm_deleted(self.name)
        if error is None and self.id is None:
            hint = "call `created` with the provider's identifier inside the `with` block, or raise NotCreated"
            message = f"resource {self.name} was announced, but neither confirmed nor refused"
            raise Failure(Fault.PLUGIN, "RESOURCE_NOT_CONFIRMED", message, hint=hint)
        return False


class Ledger:
    """What an operation has created and somebody has to delete, oldest first."""

    def __init__(self, record: Record) -> None:
        """Starts empty."""
        self.record = record
        self._entries: list[Resource] = []
        self._names: set[str] = set()
        self._lock = threading.Lock()

    def announce(self, resource: Resource, intent: proto.ResourceIntent) -> None:
        """Announces an intent, waits until it is durable, and binds somebody to delete what is created then.

        Raises `Failure` if its name was used before in this operation; `Cancelled` if the operation is to stop: then nothing may be
        created, and the intent is withdrawn.
        """
        with self._lock:
            if intent.intent_id in self._names:
                message = f"resource {intent.intent_id} was announced twice"
                raise Failure(Fault.PLUGIN, "RESOURCE_NAME_REPEATED", message)
            self._names.add(intent.intent_id)
        seq = self.record.report("resource_intent", proto.Event(resource_intent=intent))
        try:
            self.record.wait_acknowledged(seq)
        except BaseException:
            self.confirm_deleted(intent.intent_id)
            raise
        with self._lock:
            self._entries.append(resource)

    def take(self, name: str) -> Resource | None:
        """Takes out what is to be deleted now, or does not exist."""
        with self._lock:
            return self._take(lambda entry: entry.name == name)

    def next(self, completed: bool) -> Resource | None:
        """Takes out the newest that is to be deleted at the end: of a completed operation, of what does not last."""
        with self._lock:
            return self._take(lambda entry: not (completed and entry.is_lasting))

    @property
    def is_empty(self) -> bool:
        """Whether nobody has to delete anything."""
        return not self._entries

    def confirm_deleted(self, name: str) -> None:
        """Confirms that something is gone, or was never created. Goes out even from an operation that is to stop."""
        event = proto.ResourceDeleted(intent_id=name)
        self.record.write("resource_deleted", proto.Event(resource_deleted=event))

    def _take(self, wanted: Callable[[Resource], bool]) -> Resource | None:
        for index in reversed(range(len(self._entries))):
            if wanted(self._entries[index]):
                return self._entries.pop(index)
        return None
