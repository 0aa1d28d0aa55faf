"""Values that must not be seen."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A value that is never printed: not by `print`, not by `repr`, not in a log line or a traceback.

    Give what `reveal` answers only to who needs it; never to a command line, an environment, a log or an error.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        """Hides a value."""
        self._value = value

    def reveal(self) -> str:
        """Answers the value; empty if none was given."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return "Secret(***)" if self._value else "Secret()"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down: reveal it to who needs it")
