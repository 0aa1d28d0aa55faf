"""Who is told of changes: of an image's status (`image.status`) and percentage (`image.percentage`)."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Any

from factory_plugin.bridge.imgfac.Singleton import Singleton

_LOG = logging.getLogger("imgfac")


@dataclass(frozen=True)
class Notification:
    """A change."""

    message: str
    """What: `image.status`, `image.percentage`, or a plugin's own."""
    sender: Any
    """Of what."""
    user_info: dict[str, Any]
    """From what to what."""


class NotificationCenter(Singleton):
    """Calls who wants to know, at once and in the thread that makes the change."""

    def _singleton_init(self, *arguments: Any, **named: Any) -> None:
        self._lock = threading.RLock()
        self._observers: list[tuple[Any, str, str, Any]] = []

    def add_observer(self, observer: Any, method: str, message: str = "all", sender: Any = None) -> None:
        """Has a method of an object called with each notification: of one message, of one sender."""
        with self._lock:
            self._observers.append((observer, method, message, sender))

    def remove_observer(self, observer: Any, method: str, message: str = "all", sender: Any = None) -> None:
        """Takes back what `add_observer` was asked with the same arguments."""
        with self._lock:
            self._observers = [it for it in self._observers if it != (observer, method, message, sender)]

    def post_notification(self, notification: Notification) -> None:
        """Tells who wants to know."""
        with self._lock:
            for observer, method, message, sender in list(self._observers):
                if message not in ("all", notification.message) or sender not in (None, notification.sender):
                    continue
                if not hasattr(observer, method):
                    _LOG.error("%r has no method %s to be notified by", observer, method)
                    continue
                getattr(observer, method)(notification)

    def post_notification_with_info(self, message: str, sender: Any, user_info: dict[str, Any] | None = None) -> None:
        """Tells who wants to know."""
        self.post_notification(Notification(message, sender, user_info or {}))
