"""The real standard output, which belongs to the handshake: kept from what a plugin prints while it is imported.

`import factory_plugin` comes first in a plugin, so this is where it is claimed, in a process that a factory started. Until the
handshake is out, what is printed goes to standard error.
"""

from __future__ import annotations

import os

COOKIE_KEY = "FACTORY_PLUGIN_MAGIC_COOKIE"
"""Environment variable that tells a plugin that a factory started it, and not a person."""
COOKIE_VALUE = "9f3c1b7e54a84dd0b3f2c86d1a7e90f5"
"""Its value. It protects from mistakes, not from attackers."""

_real: int | None = None


def claim() -> None:
    """Takes standard output if a factory started this process. The programs that it starts are not started by a factory: they are not
    given its cookie."""
    global _real
    if _real is None and os.environ.get(COOKIE_KEY) == COOKIE_VALUE:
        del os.environ[COOKIE_KEY]
        _real = os.dup(1)
        os.dup2(2, 1)


def is_claimed() -> bool:
    """Whether a factory started this process, and waits for a handshake."""
    return _real is not None


def release() -> None:
    """Gives it back, to who only wants to be told something."""
    global _real
    if _real is not None:
        os.dup2(_real, 1)
        os.close(_real)
        _real = None


def write_handshake(line: str) -> None:
    """Writes the line that the factory waits for, and nothing ever after it."""
    global _real
    if _real is not None:
        os.write(_real, line.encode())
        os.close(_real)
        _real = None
