"""The operations that a plugin knows: started once per id, attached to any number of times, cancelled, acknowledged, and forgotten when
the factory has all of their events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from factory_plugin import proto
from factory_plugin.failure import Failure, Fault
from factory_plugin.operation import Context, Operation
from factory_plugin.parameters import Parameters
from factory_plugin.record import Record
from factory_plugin.request import checked_header, fingerprint, invalid
from factory_plugin.supervisor import Deadline, Supervisor, Work
from factory_plugin.template import secret_of

ENDED_MAX = 64
"""How many ended operations are kept for a factory that has not acknowledged them."""
ENDED_AGE_MAX = 600.0
"""How long an ended operation is kept for a factory that has not acknowledged it, in seconds."""
_STOP_EXTRA = 0.5

Prepare = Callable[[Context], tuple[Operation, Work]]
"""Makes an operation of a request, and what runs it. Raises `Failure` if something is missing from the request."""


class Refused(Exception):
    """A call that could not start."""

    def __init__(self, code: grpc.StatusCode, why: str | Failure) -> None:
        """Says with which gRPC code, and why."""
        super().__init__(str(why))
        self.code = code
        self.failure = why if isinstance(why, Failure) else None


@dataclass
class _Entry:
    record: Record
    method: str
    fingerprint: bytes
    deadline: Deadline
    ended: float | None = None

    def cancel(self, grace: float) -> None:
        if self.ended is None and not self.record.has_ended:
            self.deadline.bring_forward(grace)
            self.record.cancel()


class Operations:
    """The operations that a plugin knows."""

    def __init__(self, concurrent_max: int) -> None:
        """Knows none yet; runs at most `concurrent_max` at once (0: any number)."""
        self._concurrent_max = concurrent_max
        self._entries: dict[str, _Entry] = {}
        self._closed = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def call(self, method: str, request: Message, prepare: Prepare) -> Record:
        """Starts the operation that a request asks for, or attaches to it if it is known; answers its record.

        Raises `Refused` if the request can't be carried out, its id runs another request, or the plugin is ending or busy.
        """
        try:
            header = checked_header(request)
            record = self._attach_or_start(method, request, header, prepare)
        except Failure as failure:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, failure) from failure
        _, acknowledged = record.seqs()
        if header.after_seq < acknowledged:
            message = f"events up to {acknowledged} were acknowledged and are forgotten"
            raise Refused(grpc.StatusCode.OUT_OF_RANGE, message)
        return record

    def cancel(self, id: str, grace: float) -> None:
        """Asks an operation to stop within `grace` seconds. Raises `Refused` if it is not known."""
        with self._lock:
            self._entry(id).cancel(grace)

    def acknowledge(self, id: str, up_to: int) -> None:
        """Forgets the events of an operation up to a number, and the operation if it has ended and that was its last one. Raises
        `Refused` if it is not known."""
        with self._lock:
            entry = self._entry(id)
            if entry.record.acknowledge(up_to) and entry.ended is not None:
                del self._entries[id]

    def known(self) -> list[proto.OperationStatus]:
        """Lists what is known, by id."""
        with self._lock:
            self._forget_old()
            return [
                proto.OperationStatus(
                    operation_id=id,
                    method=entry.method,
                    last_seq=entry.record.seqs()[0],
                    ended=entry.record.has_ended,
                )
                for id, entry in sorted(self._entries.items())
            ]

    def stop(self, grace: float) -> list[str]:
        """Starts no more operations, cancels all, and waits until they have ended; at most a little longer than `grace` seconds.
        Answers the ids of those that have not."""

        def late() -> list[str]:
            return [id for id, entry in self._entries.items() if entry.ended is None]

        with self._lock:
            self._closed = True
            for entry in self._entries.values():
                entry.cancel(grace)
            self._changed.wait_for(lambda: not late(), grace + _STOP_EXTRA)
            return late()

    def _attach_or_start(
        self, method: str, request: Message, header: proto.OperationHeader, prepare: Prepare
    ) -> Record:
        print_ = fingerprint(method, request)
        with self._lock:
            entry = self._entries.get(header.operation_id)
            if entry is None:
                return self._start(method, print_, header, prepare)
            if entry.fingerprint != print_:
                message = "the operation's id is in use for a different request"
                failure = Failure(Fault.CONFLICT, "OPERATION_ID_REUSED", message)
                raise Refused(grpc.StatusCode.ALREADY_EXISTS, failure)
            return entry.record

    def _start(self, method: str, print_: bytes, header: proto.OperationHeader, prepare: Prepare) -> Record:
        """Runs a method and its supervisor. The caller holds the lock until the operation is known, so that it can't end before."""
        self._admit(header.after_seq)
        record, id = Record(), header.operation_id
        operation, work = prepare(_context(header, record))
        deadline = Deadline()
        Supervisor(record, operation, deadline, lambda: self._ended(id)).start(work)
        self._entries[id] = _Entry(record, method, print_, deadline)
        return record

    def _admit(self, after_seq: int) -> None:
        if self._closed:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "the plugin is ending")
        if 0 < after_seq:
            message = "the operation is not known (any more), so its events can't be replayed"
            raise Refused(grpc.StatusCode.NOT_FOUND, message)
        self._forget_old()
        running = sum(entry.ended is None for entry in self._entries.values())
        if 0 < self._concurrent_max <= running:
            message = f"{running} operations are running, and no more can"
            failure = Failure(Fault.QUOTA, "TOO_MANY_OPERATIONS", message, retryable=True)
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, failure)

    def _ended(self, id: str) -> None:
        with self._lock:
            entry = self._entries[id]
            entry.ended = time.monotonic()
            if entry.record.acknowledge(0):
                del self._entries[id]
            self._forget_old()
            self._changed.notify_all()

    def _forget_old(self) -> None:
        """Forgets ended operations that nobody acknowledged: those that are too old, and the oldest of too many."""
        ended = sorted((entry.ended, id) for id, entry in self._entries.items() if entry.ended is not None)
        oldest = time.monotonic() - ENDED_AGE_MAX
        for index, (when, id) in enumerate(ended):
            if when <= oldest or index < len(ended) - ENDED_MAX:
                del self._entries[id]

    def _entry(self, id: str) -> _Entry:
        entry = self._entries.get(id)
        if entry is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, f'no operation "{id}"')
        return entry


def _context(header: proto.OperationHeader, record: Record) -> Context:
    """Reads the head of a request. Raises `Failure` if the work directory is none, or the parameters are no JSON object."""
    work_dir = Path(header.work_dir)
    if not work_dir.is_absolute() or not work_dir.is_dir():
        message = f'work_dir is "{header.work_dir}", but must be an absolute directory'
        raise invalid(message, "header.work_dir")
    secrets: dict[str, Any] = {name: secret_of(value) for name, value in header.secret_parameters.items()}
    return Context(
        id=header.operation_id,
        work_dir=work_dir,
        image_id=header.image.id,
        attempt=max(header.image.attempt, 1),
        parameters=Parameters.read(header.parameters_json, secrets),
        record=record,
    )
