"""How often progress goes out: the newest wins, and percent never falls. Knows no clock."""

from __future__ import annotations

import math

from factory_plugin import proto

PROGRESS_INTERVAL = 0.1
"""The shortest time between two progress events of an operation, in seconds."""


class Pace:
    """Decides which reports of progress become events. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        """Holds nothing yet."""
        self._held: proto.Progress | None = None
        self._last_out = -math.inf
        self._percent_max = 0.0

    def offer(self, progress: proto.Progress) -> None:
        """Takes a report. It waits until `take_due` or `take_held` hands it out."""
        if progress.HasField("percent") and not math.isfinite(progress.percent):
            progress.ClearField("percent")
        if progress.HasField("percent"):
            self._percent_max = max(self._percent_max, min(progress.percent, 100.0))
            progress.percent = self._percent_max
        elif self._held is not None and self._held.HasField("percent"):
            progress.percent = self._held.percent
        self._held = progress

    def take_due(self, now: float) -> proto.Progress | None:
        """Answers the report that waits, if its time has come."""
        return self.take_held(now) if self.due() <= now else None

    def take_held(self, now: float) -> proto.Progress | None:
        """Answers the report that waits, whatever the time: something else goes out, and must come after it."""
        held, self._held = self._held, None
        if held is not None:
            self._last_out = now
        return held

    def due(self) -> float:
        """Answers when the report that waits may go out; infinity if none waits."""
        return math.inf if self._held is None else self._last_out + PROGRESS_INTERVAL
