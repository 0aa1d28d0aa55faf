"""The socket that the plugin listens on, removed when it ends."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from factory_plugin.launch.handshake import SOCKET_DIR

PATH_BYTES_MAX = 107
"""How long the path of a socket may be."""


class Sockets:
    """Where the plugin's sockets go: the factory's directory, or where it gave none, one that only this user can enter."""

    def __init__(self) -> None:
        """Finds the directory. Raises `OSError` if it can't be made, or its path is too long for a socket."""
        given = os.environ.get(SOCKET_DIR, "")
        self._own = None if given else tempfile.mkdtemp(prefix="plugin")
        self._directory = Path(given or str(self._own))
        self._paths: list[Path] = []

    def path(self, name: str) -> Path:
        """Answers the path of a socket that does not exist yet. Other instances may share the directory, and in their own view of
        processes have our number."""
        path = self._directory / f"{name}-{os.getpid()}-{secrets.token_hex(4)}"
        if PATH_BYTES_MAX < len(os.fsencode(path)):
            raise OSError(f"the path of the socket, {path}, is longer than {PATH_BYTES_MAX} bytes")
        self._paths.append(path)
        return path

    def remove(self) -> None:
        """Removes them. The factory may have removed its directory already."""
        for path in self._paths:
            path.unlink(missing_ok=True)
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)


def address(path: Path) -> str:
    """Answers the address of a socket as gRPC writes it."""
    return f"unix:{quote(str(path))}"
