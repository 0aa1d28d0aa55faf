"""What one running operation has said so far, shared by the threads that write it and the streams that read it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from factory_plugin import proto
from factory_plugin.failure import Cancelled, Unimplemented
from factory_plugin.journal import BATCH_BYTES, Journal, Pending
from factory_plugin.pace import Pace

HEARTBEAT_INTERVAL = 5.0
"""After how long a silence a heartbeat goes out, in seconds. The contract allows 10."""


class Record:
    """The record of one operation.

    One lock guards everything; three conditions tell who waits for what, so that a writer wakes a reader only when a batch is
    ready for it.
    """

    def __init__(self) -> None:
        """Starts an empty record."""
        self._lock = threading.Lock()
        self._readers = threading.Condition(self._lock)
        self._writers = threading.Condition(self._lock)
        self._supervisor = threading.Condition(self._lock)
        self._journal = Journal()
        self._pace = Pace()
        self._last_event = time.monotonic()
        self._wake_readers_at = math.inf
        """How many bytes must have been written before a reader is woken."""
        self._supervisor_wakes = math.inf
        self.cancelled = threading.Event()
        """Set once the operation is to stop."""

    def cancel(self) -> None:
        """Asks the operation to stop, and says so in its events: the first time, unless it has ended."""
        with self._lock:
            if self.cancelled.is_set() or self._journal.has_ended:
                return
            state = proto.StateChanged(state=proto.StateChanged.STATE_CANCELLING)
            self._push("state", proto.Event(state=state))
            self.cancelled.set()
            self._writers.notify_all()
            self._supervisor.notify_all()

    def report(self, kind: str, event: proto.Event) -> int:
        """Writes an event, and waits before that while too much is unacknowledged. Answers its number.

        Raises `Cancelled` once the operation is to stop.
        """
        with self._lock:
            self._wait_for(lambda: not self._journal.is_full)
            return self._push(kind, event)

    def write(self, kind: str, event: proto.Event) -> int:
        """Writes an event, whether or not there is room for it. Answers its number."""
        with self._lock:
            return self._push(kind, event)

    def progress(self, progress: proto.Progress) -> None:
        """Takes a report of progress; it goes out now or soon.

        Raises `Cancelled` once the operation is to stop.
        """
        with self._lock:
            self._wait_for(lambda: not self._journal.is_full)
            self._pace.offer(progress)
            self._flush_due(time.monotonic())
            if self._pace.due() < self._supervisor_wakes:
                self._supervisor.notify_all()

    def refuse(self, why: Unimplemented) -> None:
        """Ends the operation without a terminal event: the plugin does not have the method."""
        with self._lock:
            self._journal.refuse(why)
            self._wake_readers()

    def acknowledge(self, up_to: int) -> bool:
        """Forgets the events up to a number, and answers whether the operation has ended and all of it is forgotten."""
        with self._lock:
            self._journal.acknowledge(up_to)
            self._writers.notify_all()
            return self._journal.is_settled

    def wait_acknowledged(self, seq: int) -> None:
        """Waits until an event is acknowledged. Raises `Cancelled` if the operation is to stop first."""
        with self._lock:
            self._wait_for(lambda: seq <= self._journal.acknowledged)

    def seqs(self) -> tuple[int, int]:
        """Answers the number of the last event and of the last acknowledged one."""
        with self._lock:
            return self._journal.last_seq, self._journal.acknowledged

    @property
    def has_ended(self) -> bool:
        """Whether nothing follows."""
        return self._journal.has_ended

    @property
    def refusal(self) -> Unimplemented | None:
        """Why the plugin refused the operation, if it did."""
        return self._journal.refusal

    def wait_for_batch(self, cursor: int, not_before: float, closed: Callable[[], bool]) -> tuple[bytes, int] | None:
        """Waits for a batch of the events after `cursor`: at once if it is full or urgent, else not before a moment.

        Answers the encoded batch and the number of its last event; `None` at the end, or once `closed`.
        """
        with self._lock:
            while not closed():
                pending, now = self._journal.pending(cursor), time.monotonic()
                if pending is Pending.END:
                    return None
                if pending is Pending.NOW or (pending is Pending.SOME and not_before <= now):
                    return self._journal.batch(cursor)
                some = pending is Pending.SOME
                wake_at = self._journal.read_by(cursor) + BATCH_BYTES if some else 0
                self._wake_readers_at = min(self._wake_readers_at, wake_at)
                self._readers.wait(not_before - now if some else None)
            return None

    def wake(self) -> None:
        """Has every reader look whether it is closed, and the supervisor whether what it waits for is there."""
        with self._lock:
            self._wake_readers()
            self._supervisor.notify_all()

    def supervise_until(self, done: Callable[[], bool], deadline: Callable[[], float]) -> bool:
        """Sends what time asks for (progress that waits, and heartbeats in silence) until `done`, or until the deadline.

        Both are asked whenever something happens. Answers whether it is done.
        """
        with self._lock:
            while not done():
                now, end = time.monotonic(), deadline()
                if end <= now:
                    return False
                self._supervisor_wakes = min(self._tick(now), end)
                self._supervisor.wait(max(self._supervisor_wakes - now, 0.0))
            return True

    def _tick(self, now: float) -> float:
        """Sends what is due, and answers when to look again."""
        self._flush_due(now)
        if self._last_event + HEARTBEAT_INTERVAL <= now:
            self._push("heartbeat", proto.Event(heartbeat=proto.Heartbeat()))
        return min(self._pace.due(), self._last_event + HEARTBEAT_INTERVAL)

    def _flush_due(self, now: float) -> None:
        progress = self._pace.take_due(now)
        if progress is not None:
            self._append("progress", proto.Event(progress=progress))

    def _push(self, kind: str, event: proto.Event) -> int:
        held = self._pace.take_held(time.monotonic())
        if held is not None:
            self._append("progress", proto.Event(progress=held))
        return self._append(kind, event)

    def _append(self, kind: str, event: proto.Event) -> int:
        self._last_event = time.monotonic()
        seq = self._journal.push(kind, event, time.time_ns())
        urgent = self._journal.has_ended or kind == "resource_intent"
        if urgent or self._wake_readers_at <= self._journal.written:
            self._wake_readers()
        return seq

    def _wake_readers(self) -> None:
        self._wake_readers_at = math.inf
        self._readers.notify_all()

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        while True:
            if self.cancelled.is_set():
                raise Cancelled
            if ready():
                return
            self._writers.wait()
