"""Serves a plugin to the factory that started it, until it is told to end."""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from factory_plugin import stdout
from factory_plugin.delegate import Plugin
from factory_plugin.launch import handshake, log
from factory_plugin.launch.host import Host
from factory_plugin.launch.sockets import Sockets, address
from factory_plugin.launch.stdio import Stdio
from factory_plugin.launch.stdio import handler as stdio_handler
from factory_plugin.server import Server

GRACE = 1.0
"""How long operations may clean up when the plugin is told to end or nobody is left to work for, in seconds. The factory expects all
to be over within 2 seconds."""
DRAIN_LIMIT = 0.3
"""How long open streams may take to be read to their end: a peer that does not read could hold them for ever."""
_CALLS_MAX = 1024
"""How many calls are served at once: each reader of an operation is one. Threads are started when they are needed."""
_LOG = logging.getLogger(__name__)
_OPTIONS = (
    ("grpc.max_receive_message_length", handshake.MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", handshake.MESSAGE_BYTES_MAX),
    ("grpc.so_reuseport", 0),
    # A factory may look whether a quiet connection is alive.
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def run(plugin: Plugin) -> NoReturn:
    """Serves the plugin and ends the process: at once, whatever still runs was told to end and had its time."""
    log.install()
    try:
        _serve(plugin)
        code = 0
    except Exception:
        _LOG.exception("serving broke off")
        code = 1
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)


def grpc_server(server: Server) -> grpc.Server:
    """Makes a gRPC server with the services of the contract."""
    executor = ThreadPoolExecutor(_CALLS_MAX, thread_name_prefix="call")
    return grpc.server(executor, handlers=server.handlers(), options=_OPTIONS)


def _serve(plugin: Plugin) -> None:
    server, host, stdio, sockets = Server(plugin), Host(), Stdio(), Sockets()
    try:
        serving = grpc_server(server)
        serving.add_generic_rpc_handlers((host.controller(), stdio_handler(stdio)))
        _add_health(serving)
        line = _listen(serving, sockets)
        host.watch()
        stdout.write_handshake(line)
        stdio.capture()
        host.wait()
        for late in server.operations.stop(GRACE):
            _LOG.error("operation did not end in time", extra={"operation": late})
        stdio.close()
        serving.stop(DRAIN_LIMIT).wait(DRAIN_LIMIT + 0.2)
    finally:
        sockets.remove()


def _add_health(serving: grpc.Server) -> None:
    servicer = health.HealthServicer()
    servicer.set(handshake.HEALTH_SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, serving)


def _listen(serving: grpc.Server, sockets: Sockets) -> str:
    """Binds the socket that the factory is told of, starts serving, and answers the handshake line."""
    before = os.umask(0o077)
    try:
        socket = sockets.path("plugin")
        peer = os.environ.get(handshake.CLIENT_CERT, "")
        if not peer:
            serving.add_insecure_port(address(socket))
            serving.start()
            return handshake.line(socket, "")
        return handshake.line(socket, _listen_with_tls(serving, sockets, socket, peer))
    finally:
        os.umask(before)


def _listen_with_tls(serving: grpc.Server, sockets: Sockets, socket: Path, peer: str) -> str:
    # What is only needed for TLS is only loaded for it.
    from factory_plugin.launch.tls import Tls

    tls = Tls.accept_only(peer)
    if not tls.relayed:
        serving.add_secure_port(address(socket), tls.server_credentials())
        serving.start()
        return tls.handshake
    from factory_plugin.launch.tls_relay import Relay

    inner = sockets.path("inner")
    serving.add_insecure_port(address(inner))
    serving.start()
    Relay(tls, socket, inner)
    return tls.handshake
