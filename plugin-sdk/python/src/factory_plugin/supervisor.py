"""Watches over one running operation, from its first event to its terminal one.

    running ──────────────► the method returns or raises ─────────────────────► terminal event
       │ cancelled                        ▲
       ▼                                  │ within the grace
    cancelling ───────────────────────────┘
       │ the grace is over
       ▼
    given up: its programs are killed ────────────────────────────────────────► cancelled

Before the terminal event, what the operation created elsewhere and must not stay is deleted, newest first. So that there is time for
it, a cancelled method that has created something is given up at half of its grace. Python can't stop a thread: code that never looks
whether it is cancelled runs on until the process ends, and what it says is not heard.
"""

from __future__ import annotations

import contextvars
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from factory_plugin import operation as operations
from factory_plugin import proto
from factory_plugin.failure import Cancelled, Unimplemented, of_exception
from factory_plugin.ledger import Resource
from factory_plugin.operation import Operation
from factory_plugin.record import Record

ABORT_WAIT = 0.2
"""How long a method's code may take after its time is over, in seconds."""
DELETION_MAX = 300.0
"""How long the deletion of one thing may take, in seconds."""

T = TypeVar("T")
Answer = proto.Completed
Work = Callable[[], Answer]
"""A plugin's method with its operation, ready to run."""


class Deadline:
    """When a cancelled operation is given up, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        """Never, so far."""
        self.half = self.over = math.inf

    def bring_forward(self, grace: float) -> None:
        """Sets it, or brings it forward; never puts it off."""
        now = time.monotonic()
        if now + grace < self.over:
            self.half, self.over = now + grace / 2, now + grace


class Task(Generic[T]):
    """A piece of the plugin's code in a thread of its own."""

    def __init__(self, record: Record, name: str, code: Callable[[], T]) -> None:
        """Starts it."""
        self.done = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self._record, self._code = record, code
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            self.result = self._code()
        except BaseException as error:
            self.error = error
        self.done = True
        self._record.wake()


class Supervisor:
    """Watches over one running operation."""

    def __init__(self, record: Record, operation: Operation, deadline: Deadline, ended: Callable[[], None]) -> None:
        """Watches over this one; calls `ended` after its last event."""
        self._record, self._operation, self._deadline, self._ended = record, operation, deadline, ended
        self._left_behind: list[str] = []

    def start(self, work: Work) -> None:
        """Writes the first event and starts the method, in a thread of the operation's own."""
        running = proto.StateChanged(state=proto.StateChanged.STATE_RUNNING)
        self._record.write("state", proto.Event(state=running))
        threading.Thread(target=self._run, args=(work,), name="supervisor", daemon=True).start()

    def _run(self, work: Work) -> None:
        operations.current.set(self._operation)
        task = Task(self._record, f"operation-{self._operation.id}", work)
        self._record.supervise_until(lambda: task.done or self._is_cancelled(), lambda: math.inf)
        if self._is_cancelled() and not task.done:
            self._cancel(task)
        answer, error = (task.result, task.error) if task.done else (None, Cancelled())
        self._operation._tools.kill()
        self._clean_up(error is None)
        self._end(answer, error)
        self._ended()

    def _is_cancelled(self) -> bool:
        return self._record.cancelled.is_set()

    def _cancel(self, task: Task[Answer]) -> None:
        """Has the method stop within its grace; earlier if there is something to delete after it."""
        self._operation._tools.terminate()
        ledger = self._operation._ledger
        limit = lambda: self._deadline.over if ledger.is_empty else self._deadline.half  # noqa: E731
        if self._record.supervise_until(lambda: task.done, limit):
            return
        self._operation._tools.kill()
        end = time.monotonic() + ABORT_WAIT
        if not self._record.supervise_until(lambda: task.done, lambda: end):
            self._left_behind.append("the plugin's own code, which does not stop")

    def _clean_up(self, completed: bool) -> None:
        """Deletes what the operation created and must not stay. What can't be deleted stays in the factory's ledger."""
        while (resource := self._operation._ledger.next(completed)) is not None:
            why = self._delete(resource)
            if why and self._is_cancelled():
                self._left_behind.append(f"{resource.label}: {why}")
            elif why:
                message = f"{resource.label} was not deleted: {why}"
                hint = "the factory tries again: see `factory resources`"
                self._record.write("warning", proto.Event(warning=proto.Warning(message=message, hint=hint)))

    def _delete(self, resource: Resource) -> str:
        """Deletes something; answers why not, if it could not be deleted."""
        if resource.is_being_created:
            # Code that does not stop may yet create it: it would be said to be deleted, and exist.
            return "its creation may still be under way"
        task = Task(self._record, f"deletion-{resource.name}", resource.delete)
        latest = time.monotonic() + DELETION_MAX
        # Of what is still to be deleted, all is given a moment: it may take no more.
        soonest = time.monotonic() + ABORT_WAIT
        if not self._record.supervise_until(lambda: task.done, lambda: min(latest, max(self._deadline.over, soonest))):
            return "there was no time for it"
        return "" if task.error is None else str(of_exception(task.error))

    def _end(self, answer: Answer | None, error: BaseException | None) -> None:
        """Writes the terminal event; or says why there is none, if the plugin does not have the method."""
        if isinstance(error, Unimplemented):
            self._record.refuse(error)
        elif error is None:
            self._record.write("completed", proto.Event(completed=answer or proto.Completed()))
        elif isinstance(error, Cancelled):
            self._end_cancelled([*self._left_behind, *error.left_behind])
        elif self._is_cancelled():
            # A failure after the cancellation is its consequence, as a rule; it must not be lost where it is not.
            line = f"failed while being cancelled: {of_exception(error)}"
            event = proto.Event(log=proto.LogLine(level=proto.LogLine.LEVEL_WARN, message=line))
            self._record.write("log", event)
            self._end_cancelled(self._left_behind)
        else:
            self._record.write("failed", proto.Event(failed=of_exception(error).message))

    def _end_cancelled(self, left_behind: list[str]) -> None:
        self._record.write("cancelled", proto.Event(cancelled=proto.Cancelled(left_behind=left_behind)))
