"""The factory that started the plugin: what it says on standard input, and when it wants the plugin to end."""

from __future__ import annotations

import json
import logging
import signal
import threading
from typing import IO

import grpc

from factory_plugin.launch import log

_LOG = logging.getLogger(__name__)


class Host:
    """Watches the factory that started the plugin."""

    def __init__(self) -> None:
        """Watches nothing yet."""
        self._end = threading.Event()

    def watch(self) -> None:
        """Starts to watch signals and standard input. From the main thread."""
        signal.signal(signal.SIGTERM, lambda number, frame: self.end())
        # A terminal's ^C is for the factory, which then ends its plugins in order.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        threading.Thread(target=self._watch_stdin, name="stdin", daemon=True).start()

    def end(self) -> None:
        """Notes that the plugin is to end."""
        self._end.set()

    def wait(self) -> None:
        """Waits until there is a reason to end."""
        self._end.wait()

    def controller(self) -> grpc.GenericRpcHandler:
        """Answers the service `plugin.GRPCController`, by which the factory asks the plugin to end."""

        def shutdown(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.end()
            return b""

        method: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(shutdown)
        return grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": method})

    def _watch_stdin(self) -> None:
        with open(0, "rb", closefd=False) as stdin:
            if outlived_by_us(stdin):
                self.end()


def outlived_by_us(stdin: IO[bytes]) -> bool:
    """Reads the bootstrap document, waits for the end of the stream, and answers whether that means that the factory is gone. It does
    not if nothing was ever written: then the stream is `/dev/null`, or of a factory that does not use it."""
    try:
        line = stdin.readline()
        if not line:
            return False
        log.set_level(str(json.loads(line)["log_level"]))
    except OSError:
        return False
    except (ValueError, TypeError, KeyError) as error:
        _LOG.warning("standard input does not start with a bootstrap document: %s", error)
    # What else comes is for later versions.
    while stdin.read(65536):
        pass
    return True
