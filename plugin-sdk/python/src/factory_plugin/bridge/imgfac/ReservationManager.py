"""Named locks. Room on the disk, and how many builds run, are the factory's business here."""

from __future__ import annotations

import threading
from typing import Any

from factory_plugin.bridge.imgfac.Singleton import Singleton


class ReservationManager(Singleton):
    """Named locks, shared by the operations of the plugin."""

    def _singleton_init(self, *arguments: Any, **named: Any) -> None:
        self._lock = threading.Lock()
        self._named: dict[str, Any] = {}

    def get_named_lock(self, name: str) -> Any:
        """Answers the lock of a name, to be taken by its `acquire` and `release`, or in a `with`."""
        with self._lock:
            return self._named.setdefault(name, threading.RLock())

    def reserve_space_for_file(self, size: int, path: str) -> bool:
        """Says that there is room."""
        return True

    def cancel_reservation_for_file(self, path: str, quiet: bool = True) -> bool:
        """Gives up a reservation."""
        return True
