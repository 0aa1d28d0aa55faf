"""A cloud plugin whose cloud is a directory."""

from .MockCloud import MockCloud as delegate_class

__all__ = ["delegate_class"]
