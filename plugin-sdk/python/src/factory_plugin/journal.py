"""The events of one operation that the factory has not acknowledged yet. Knows no clock, lock or thread.

Events are kept as the bytes that they are on the wire, each with the head that makes it an element of an `EventBatch`: a batch
is then their concatenation, and an event is encoded once, however often it is replayed.
"""

from __future__ import annotations

import enum
from collections import deque
from itertools import islice

from factory_plugin import proto
from factory_plugin.failure import Unimplemented

FULL_BYTES = 32 * 1024 * 1024
"""How many bytes of unacknowledged events make a writer wait."""
BATCH_BYTES = 64 * 1024
"""How many bytes of events go into one batch."""
ENTRY_BYTES = 128
"""What an event takes up in memory besides its own bytes, roughly."""

_EVENTS_TAG = bytes([proto.EventBatch.EVENTS_FIELD_NUMBER << 3 | 2])
_TERMINAL = frozenset({"completed", "failed", "cancelled"})
_URGENT = _TERMINAL | {"resource_intent"}


class Pending(enum.Enum):
    """What a reader should do."""

    NOTHING = enum.auto()
    """Wait for something new."""
    SOME = enum.auto()
    """Wait a little, so that more can go into the batch."""
    NOW = enum.auto()
    """Send now: a batch is full, or something must not wait."""
    END = enum.auto()
    """Everything was read and nothing follows."""


class Journal:
    """The unacknowledged events, in order, and how the operation ended."""

    def __init__(self) -> None:
        """Starts empty."""
        self._entries: deque[tuple[bytes, int]] = deque()
        """Each event with the bytes written up to and with it, so that the bytes between two are a subtraction."""
        self._kept = 0
        self._last_urgent = 0
        self.acknowledged = 0
        """The number of the last event that was acknowledged."""
        self.last_seq = 0
        """The number of the last event."""
        self.written = 0
        """Bytes of all events ever written."""
        self._forgotten = 0
        self.has_ended = False
        """Whether nothing follows."""
        self.refusal: Unimplemented | None = None
        """Why the plugin refused the operation, if it did."""

    def push(self, kind: str, event: proto.Event, time_ns: int) -> int:
        """Adds an event of a kind, numbers it and answers its number; does nothing once the operation has ended."""
        if self.has_ended:
            return self.last_seq
        self.last_seq += 1
        event.seq = self.last_seq
        event.time.seconds, event.time.nanos = divmod(time_ns, 1_000_000_000)
        payload = event.SerializeToString()
        framed = _EVENTS_TAG + _varint(len(payload)) + payload
        self.written += len(framed)
        self._kept += len(framed) + ENTRY_BYTES
        self._entries.append((framed, self.written))
        self.has_ended = kind in _TERMINAL
        if kind in _URGENT:
            self._last_urgent = self.last_seq
        return self.last_seq

    def refuse(self, why: Unimplemented) -> None:
        """Ends the operation without a terminal event."""
        if not self.has_ended:
            self.has_ended, self.refusal = True, why

    def acknowledge(self, up_to: int) -> None:
        """Forgets all events up to a number."""
        while self._entries and self.acknowledged < up_to:
            framed, self._forgotten = self._entries.popleft()
            self._kept -= len(framed) + ENTRY_BYTES
            self.acknowledged += 1

    @property
    def is_full(self) -> bool:
        """Whether writers must wait for an acknowledgement."""
        return FULL_BYTES <= self._kept

    @property
    def is_settled(self) -> bool:
        """Whether it ended and all of it was acknowledged."""
        return self.has_ended and not self._entries

    def pending(self, cursor: int) -> Pending:
        """Says what a reader that has everything up to `cursor` should do."""
        if self.last_seq <= cursor:
            return Pending.END if self.has_ended else Pending.NOTHING
        full = BATCH_BYTES <= self.written - self.read_by(cursor)
        urgent = self.has_ended or cursor < self._last_urgent
        return Pending.NOW if full or urgent else Pending.SOME

    def read_by(self, cursor: int) -> int:
        """Answers the bytes written up to and with the event of that number."""
        index = self._index_after(cursor)
        return self._forgotten if index == 0 else self._entries[index - 1][1]

    def batch(self, cursor: int) -> tuple[bytes, int]:
        """Answers an encoded `EventBatch` of the events after `cursor`, and the number of its last one."""
        start, bytes_taken, frames = self._index_after(cursor), 0, []
        for framed, _ in islice(self._entries, start, None):
            frames.append(framed)
            bytes_taken += len(framed)
            if BATCH_BYTES <= bytes_taken:
                break
        return b"".join(frames), self.acknowledged + start + len(frames)

    def _index_after(self, cursor: int) -> int:
        return min(max(cursor - self.acknowledged, 0), len(self._entries))


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    encoded = bytearray()
    while 0x80 <= number:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
