"""An operation under way, as a test sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import grpc

from factory_plugin import proto
from factory_plugin.testing.client import Client
from factory_plugin.testing.ended import Ended, Outcome, Rules
from factory_plugin.testing.requests import Request


class Running:
    """An operation under way."""

    def __init__(self, client: Client, request: Request) -> None:
        """Calls the plugin."""
        self._client = client
        self.request = request
        """What was asked."""
        self._rules = Rules(request.message.header.after_seq)
        self._events: list[proto.Event] = []
        self._ready: deque[proto.Event] = deque()
        self._stream = client.stream(request)
        self._refused: grpc.RpcError | None = None

    @property
    def id(self) -> str:
        """The operation's id."""
        return self.request.id

    @property
    def work_dir(self) -> Path:
        """The operation's work directory."""
        return Path(self.request.message.header.work_dir)

    def next(self) -> proto.Event | None:
        """Waits for the next event and acknowledges it; `None` after the last. Fails if a rule of the event stream is broken."""
        if not self._ready:
            self._read_batch()
        if not self._ready:
            return None
        event = self._ready.popleft()
        self._events.append(event)
        return event

    def until(self, wanted: Callable[[proto.Event], bool]) -> proto.Event:
        """Waits until an event is as asked for, and answers it. Fails if the operation ends before."""
        while (event := self.next()) is not None:
            if wanted(event):
                return event
        raise AssertionError(f"the operation ended before: {self.end().outcome}")

    def cancel(self, grace: timedelta = timedelta(seconds=10)) -> None:
        """Asks the operation to stop."""
        self._client.cancel(self.id, grace)

    def hang_up(self) -> None:
        """Ends the connection, which cancels nothing."""
        self._stream.cancel()

    def reattach(self, seq: int) -> Running:
        """Hangs up and calls again for the events after a number."""
        self.hang_up()
        return Running(self._client, self.request.after(seq))

    def end(self) -> Ended:
        """Reads all events to the end."""
        while self.next() is not None:
            pass
        outcome = Outcome(refused=self._refused) if self._refused is not None else self._rules.outcome
        assert outcome is not None, "a stream ends with exactly one terminal event"
        return Ended(self.work_dir, outcome, self._events)

    def _read_batch(self) -> None:
        try:
            batch = next(self._stream)
        except StopIteration:
            return
        except grpc.RpcError as error:
            self._refused = error
            return
        for event in batch.events:
            self._rules.check(event)
        self._ready.extend(batch.events)
        self._client.acknowledge(self.id, batch.events[-1].seq)
