"""Being started by a factory: the handshake, the connection, and the end.

socket bound ─► handshake line ─► serving ─► told to end ─► operations cancelled ─► streams drained ─► socket removed
"""

from factory_plugin.launch.serve import run

__all__ = ["run"]
