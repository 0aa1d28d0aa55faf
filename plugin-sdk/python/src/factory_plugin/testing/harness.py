"""A plugin under test, and a connection to it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from factory_plugin import proto, stdout
from factory_plugin.delegate import Plugin
from factory_plugin.launch import handshake
from factory_plugin.launch.serve import grpc_server
from factory_plugin.launch.sockets import address
from factory_plugin.server import Server
from factory_plugin.testing.client import Client
from factory_plugin.testing.ended import Ended
from factory_plugin.testing.requests import Request
from factory_plugin.testing.running import Running


class Harness:
    """A plugin under test, and a connection to it. A context: what it made ends with it."""

    def __init__(self, plugin: Plugin | Sequence[str | os.PathLike[str]]) -> None:
        """Serves a plugin in this process, or starts an executable with its arguments as a factory does, without TLS."""
        self._directory = tempfile.TemporaryDirectory(prefix="plugin-test-", ignore_cleanup_errors=True)
        self._server: Server | None = None
        self.process: subprocess.Popen[str] | None = None
        """The plugin's process, if it has one of its own."""
        try:
            socket = self._serve(plugin) if isinstance(plugin, Plugin) else self._start(plugin)
        except BaseException:
            self.close()
            raise
        self.client = Client(socket)
        """The connection, for a test that says what the harness does not."""

    def describe(self) -> proto.DescribeResponse:
        """Answers what the plugin says about itself."""
        return self.client.describe()

    def validate(self, request: proto.ValidateRequest) -> list[proto.Diagnostic]:
        """Answers what the plugin finds wrong with a request."""
        return self.client.validate(request)

    def operations(self) -> list[proto.OperationStatus]:
        """Lists the operations that the plugin knows."""
        return self.client.operations()

    def start(self, request: Request) -> Running:
        """Starts an operation, in a work directory of its own unless the request names one."""
        if not request.message.header.work_dir:
            request.message.header.work_dir = tempfile.mkdtemp(dir=self._directory.name)
        return Running(self.client, request)

    def run(self, request: Request) -> Ended:
        """Runs an operation to its end. Fails if a rule of the event stream is broken."""
        return self.start(request).end()

    def close(self) -> None:
        """Ends the plugin and removes its work directories."""
        if hasattr(self, "client"):
            self.client.close()
        if self._server is not None:
            self._server.operations.stop(1.0)
            self._serving.stop(0)
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self._directory.cleanup()

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, plugin: Plugin) -> Path:
        self._server = Server(plugin)
        socket = Path(self._directory.name) / "plugin"
        self._serving = grpc_server(self._server)
        self._serving.add_insecure_port(address(socket))
        self._serving.start()
        return socket

    def _start(self, command: Sequence[str | os.PathLike[str]]) -> Path:
        environment = os.environ | {
            stdout.COOKIE_KEY: stdout.COOKIE_VALUE,
            handshake.VERSIONS: str(handshake.APP_VERSION),
            handshake.SOCKET_DIR: self._directory.name,
        }
        environment.pop(handshake.CLIENT_CERT, None)
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        printed = self.process.stdout
        assert printed is not None
        line = printed.readline()
        fields = line.split("|")
        assert fields[2:3] == ["unix"], f"the first line is no handshake: {line!r}"
        # What else is printed is read, so that nobody waits for room.
        threading.Thread(target=printed.read, name="plugin-stdout", daemon=True).start()
        return Path(fields[3])
