"""What several plugins need, as far as it needs no guestfs."""

from __future__ import annotations

from typing import Any


def parameter_cast_to_bool(value: Any) -> bool | None:
    """Reads a truth: a boolean, a number, or one of `yes true 1 no false 0` in any case; `None` for anything else."""
    if isinstance(value, (bool, int)):
        return bool(value)
    text = value.lower() if isinstance(value, str) else ""
    if text in ("yes", "true", "1"):
        return True
    return False if text in ("no", "false", "0") else None
