"""Standard output after the handshake: whatever is printed there travels over gRPC, and can't break the protocol."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator

import grpc

from factory_plugin._proto.goplugin.plugin_pb2 import StdioData

_PIECE_BYTES = 4096
_KEPT_BYTES_MAX = 1024 * 1024
"""How much is kept for a factory that does not ask for it; of more, the oldest is dropped."""


class Stdio:
    """What the plugin and its programs print."""

    def __init__(self) -> None:
        """Captures nothing yet."""
        self._pieces: deque[bytes] = deque()
        self._kept = 0
        self._closed = False
        self._changed = threading.Condition()

    def capture(self) -> None:
        """Takes the place of standard output, for Python, for libraries and for programs that inherit it."""
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.close(writing)
        reader = threading.Thread(target=self._read, args=(reading,), name="stdout", daemon=True)
        reader.start()
        # What was printed before, and not written yet, goes the same way.
        sys.stdout.flush()
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True)

    def close(self) -> None:
        """Ends every stream."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def stream(
        self, closed: Callable[[], bool], on_close: Callable[[Callable[[], None]], object]
    ) -> Iterator[StdioData]:
        """Answers what is printed, until the stream is closed."""
        on_close(self._wake)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces or self._closed or closed())
                if not self._pieces:
                    return
                piece = self._pieces.popleft()
                self._kept -= len(piece)
            yield StdioData(channel=StdioData.STDOUT, data=piece)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _read(self, descriptor: int) -> None:
        while piece := os.read(descriptor, _PIECE_BYTES):
            with self._changed:
                self._pieces.append(piece)
                self._kept += len(piece)
                while _KEPT_BYTES_MAX < self._kept:
                    self._kept -= len(self._pieces.popleft())
                self._changed.notify_all()


def handler(stdio: Stdio) -> grpc.GenericRpcHandler:
    """Answers the service `plugin.GRPCStdio`."""

    def stream(request: object, context: grpc.ServicerContext) -> Iterator[StdioData]:
        return stdio.stream(lambda: not context.is_active(), context.add_callback)

    method: grpc.RpcMethodHandler[bytes, StdioData] = grpc.unary_stream_rpc_method_handler(
        stream, response_serializer=StdioData.SerializeToString
    )
    return grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": method})
