"""An OS plugin that installs nothing."""

from .MockOS import MockOS as delegate_class

__all__ = ["delegate_class"]
