"""Takes TLS off connections and hands them on to gRPC's own socket, where gRPC's TLS can't check the peer's signature."""

from __future__ import annotations

import asyncio
import logging
import ssl
import tempfile
import threading
from pathlib import Path

from factory_plugin.launch.tls import Tls

_PIECE_BYTES = 256 * 1024
_HANDSHAKE_LIMIT = 10.0
_LOG = logging.getLogger(__name__)


class Relay:
    """Listens on the socket that the factory is told of, and connects each peer that is the factory to another one."""

    def __init__(self, tls: Tls, listen: Path, connect: Path) -> None:
        """Starts to listen; returns once it does. Raises what keeps it from that."""
        self._tls, self._listen, self._connect = tls, listen, connect
        self._ready = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="tls-relay", daemon=True).start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
            self._ready.set()

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(
            self._relay, self._listen, ssl=_context(self._tls), ssl_handshake_timeout=_HANDSHAKE_LIMIT
        )
        async with server:
            self._ready.set()
            await server.serve_forever()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = writer.get_extra_info("ssl_object")
        if session.getpeercert(binary_form=True) != self._tls.peer_der:
            _LOG.warning("a peer was refused in the TLS handshake: its certificate is not the factory's")
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._connect)
        directions = [_copy(reader, inner_writer), _copy(inner_reader, writer)]
        await asyncio.gather(*directions, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction to its end, no faster than it is taken."""
    try:
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    finally:
        writer.close()


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=tls.peer.decode())
    context.set_alpn_protocols(["h2"])
    # OpenSSL reads keys from files only.
    with tempfile.NamedTemporaryFile() as chain:
        chain.write(tls.key + tls.certificate)
        chain.flush()
        context.load_cert_chain(chain.name)
    return context
