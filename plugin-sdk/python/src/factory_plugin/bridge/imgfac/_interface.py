"""zope's `Interface`, if it is installed: a plugin that uses it brings it along."""

from typing import Any

Interface: Any
try:
    from zope.interface import Interface as _Interface

    Interface = _Interface
except ImportError:
    Interface = object
