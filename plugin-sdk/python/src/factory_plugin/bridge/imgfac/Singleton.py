"""Classes of which there is one object."""

from __future__ import annotations

import threading
from typing import Any

_LOCK = threading.RLock()


class Singleton:
    """A class of which there is one object; its `_singleton_init` runs once, with what the first call was given."""

    _instance: Singleton | None = None

    def __new__(cls, *arguments: Any, **named: Any) -> Singleton:
        """Answers the object, which is made by the first call."""
        with _LOCK:
            if cls.__dict__.get("_instance") is None:
                made = super().__new__(cls)
                made._singleton_init(*arguments, **named)
                cls._instance = made
            assert cls._instance is not None
            return cls._instance

    def _singleton_init(self, *arguments: Any, **named: Any) -> None:
        """Does what a constructor does."""
