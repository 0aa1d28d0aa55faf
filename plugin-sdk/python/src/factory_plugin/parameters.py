"""The parameters of a request, read by name and type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from factory_plugin.failure import Failure, Fault
from factory_plugin.secret import Secret

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class Parameters(Mapping[str, Any]):
    """The parameters of a request, without the sensitive ones: those are answered by `secret` alone.

    From a command line every value is text, so `boolean` and `number` read text too. A parameter that is `null` counts as absent.
    """

    def __init__(self, values: Mapping[str, Any] | None = None, secrets: Mapping[str, Secret] | None = None) -> None:
        """Takes values that were read, and sensitive ones."""
        self._values = {name: value for name, value in (values or {}).items() if value is not None}
        self._secrets = dict(secrets or {})

    @classmethod
    def read(cls, text: str, secrets: Mapping[str, Secret]) -> Parameters:
        """Reads them from a JSON object; an empty text is an empty object. Raises `Failure` if the text is something else."""
        try:
            values = json.loads(text or "{}")
        except ValueError as error:
            raise _no_object(str(error)) from error
        if not isinstance(values, dict):
            raise _no_object(f"it is a {type(values).__name__}")
        return cls(values, secrets)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Parameters({self._values!r}, {self._secrets!r})"

    def secret(self, name: str) -> Secret | None:
        """Answers a sensitive parameter."""
        return self._secrets.get(name)

    def secret_names(self) -> list[str]:
        """Answers the names of the sensitive parameters."""
        return list(self._secrets)

    def text(self, name: str) -> str | None:
        """Answers a text. Raises `Failure` if it is a list or an object."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (bool, int, float)):
            return json.dumps(value)
        raise _wrong(name, value, "a text")

    def boolean(self, name: str) -> bool | None:
        """Answers a boolean; as text `true yes 1 false no 0` in any case. Raises `Failure` if it is none."""
        value = self._values.get(name)
        if value is None:
            return None
        text = value.lower() if isinstance(value, str) else json.dumps(value)
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise _wrong(name, value, "true or false")

    def number(self, name: str) -> int | None:
        """Answers a number that is not negative. Raises `Failure` if it is none."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value:
            return value
        raise _wrong(name, value, "a whole number")


def _no_object(why: str) -> Failure:
    message = f"the parameters are not a JSON object: {why}"
    return Failure(Fault.USER, "INVALID_PARAMETERS", message, path="parameters")


def _wrong(name: str, value: object, expected: str) -> Failure:
    message = f"parameter {name} is {json.dumps(value)}, but must be {expected}"
    return Failure(Fault.USER, "INVALID_PARAMETER", message, path=f"parameters.{name}")
