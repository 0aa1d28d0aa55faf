"""The gRPC services of a plugin, over the author's class."""

from factory_plugin.server.services import Server

__all__ = ["Server"]
