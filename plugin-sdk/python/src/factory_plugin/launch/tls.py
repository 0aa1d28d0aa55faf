"""Mutual TLS as go-plugin does it: each side makes a certificate of its own and accepts exactly the other's.

gRPC for Python has its own TLS, BoringSSL, which knows no signatures by P-521 keys: those of Go's hosts. For these, and for no
others, `tls_relay` does the same by OpenSSL.
"""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFE = datetime.timedelta(days=30 * 365)
_PAST = datetime.timedelta(hours=1)
_KNOWN_CURVES = (ec.SECP256R1, ec.SECP384R1)


@dataclass(frozen=True)
class Tls:
    """One side of mutual TLS: ours."""

    key: bytes
    """Our private key (PEM)."""
    certificate: bytes
    """Our certificate (PEM)."""
    handshake: str
    """The same, as the handshake line has it: base64 of the DER, without padding."""
    peer: bytes
    """The factory's certificate (PEM)."""
    peer_der: bytes
    """The factory's certificate (DER)."""
    relayed: bool
    """Whether gRPC's own TLS can't check the factory's signature."""

    @classmethod
    def accept_only(cls, peer: str) -> Tls:
        """Makes a certificate of our own, for a peer that proves to own the one in `peer` (PEM). Raises `ValueError` if that is none."""
        theirs = x509.load_pem_x509_certificate(peer.encode())
        public = theirs.public_key()
        relayed = isinstance(public, ec.EllipticCurvePublicKey) and not isinstance(public.curve, _KNOWN_CURVES)
        key = ec.generate_private_key(ec.SECP256R1())
        own = _certificate(key)
        der = own.public_bytes(serialization.Encoding.DER)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(
            key=private,
            certificate=own.public_bytes(serialization.Encoding.PEM),
            handshake=base64.b64encode(der).decode().rstrip("="),
            peer=peer.encode(),
            peer_der=theirs.public_bytes(serialization.Encoding.DER),
            relayed=relayed,
        )

    def server_credentials(self) -> grpc.ServerCredentials:
        """Answers what has gRPC do it."""
        return grpc.ssl_server_credentials([(self.key, self.certificate)], self.peer, require_client_auth=True)


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _PAST)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
    )
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    return builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False).sign(key, hashes.SHA256())


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_agreement=True,
        key_cert_sign=True,
        content_commitment=False,
        data_encipherment=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
