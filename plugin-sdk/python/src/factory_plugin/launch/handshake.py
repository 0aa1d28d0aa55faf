"""What a factory puts into a plugin's environment, and the one line that it expects back: HashiCorp's go-plugin protocol, core
version 1, gRPC only. The contract's `proto/handshake.rs` says the same for Rust."""

from __future__ import annotations

from pathlib import Path

VERSIONS = "PLUGIN_PROTOCOL_VERSIONS"
"""Environment variable: the contract versions that the factory speaks, separated by commas."""
SOCKET_DIR = "PLUGIN_UNIX_SOCKET_DIR"
"""Environment variable: the directory for the plugin's socket."""
CLIENT_CERT = "PLUGIN_CLIENT_CERT"
"""Environment variable: the factory's certificate (PEM), which asks for mutual TLS."""
CORE_VERSION = 1
"""The version of go-plugin's own protocol."""
APP_VERSION = 1
"""The version of our contract: package `factory.plugin.v1`."""
HEALTH_SERVICE = "plugin"
"""The service name that a plugin reports as SERVING to `grpc.health.v1`."""
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
"""How large a message may be."""


def line(socket: Path, certificate: str) -> str:
    """Answers the handshake line; `certificate` is empty without TLS."""
    return f"{CORE_VERSION}|{APP_VERSION}|unix|{socket}|grpc|{certificate}\n"
