"""The requests that start operations: what must be in them, and when two are the same."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from google.protobuf.message import Message

from factory_plugin import proto
from factory_plugin.failure import Failure, Fault
from factory_plugin.image import Image, image_of
from factory_plugin.secret import Secret
from factory_plugin.template import Template, secret_of, template_of

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")


def fingerprint(method: str, request: Message) -> bytes:
    """Answers what tells a request from others: not the request itself, which may be large, and hold secrets. Where its reader stands
    and who traces it make no difference."""
    same: Any = type(request)()
    same.CopyFrom(request)
    same.header.after_seq = 0
    same.header.traceparent = ""
    encoded: bytes = same.SerializeToString(deterministic=True)
    return hashlib.sha256(method.encode() + b"\0" + encoded).digest()


def checked_header(request: Any) -> proto.OperationHeader:
    """Answers a request's header. Raises `Failure` if it is missing, or its id is no id."""
    if not request.HasField("header"):
        raise missing("header")
    header: proto.OperationHeader = request.header
    if not _ID.match(header.operation_id):
        message = f'operation_id is "{header.operation_id}", but must be 1 to 128 of `[A-Za-z0-9._:-]`'
        raise invalid(message, "header.operation_id")
    return header


def template(request: Any) -> Template:
    """Answers a request's template, which has all that plugins rely on. Raises `Failure` if it, its `os` or its `os/install` is
    missing, or its disk size is no number."""
    if not request.HasField("template"):
        raise missing("template")
    message: proto.Template = request.template
    if not message.HasField("os"):
        raise missing("template/os")
    if not message.os.HasField("install"):
        raise missing("template/os/install")
    if message.disk_size_bytes and not (message.disk_size_bytes.isascii() and message.disk_size_bytes.isdigit()):
        raise invalid(f"disk size is {message.disk_size_bytes!r}, but must be a number of bytes", "template/disk/size")
    return template_of(message)


def image(request: Any, field: str) -> Image:
    """Answers a request's image. Raises `Failure` if it is missing."""
    if not request.HasField(field):
        raise missing(field)
    return image_of(getattr(request, field))


def account(request: Any) -> tuple[str, Secret]:
    """Answers the provider and the credentials, which are empty if none were given. Raises `Failure` if the account is missing."""
    if not request.HasField("account"):
        raise missing("account")
    return request.account.provider, secret_of(request.account.credentials)


def missing(field: str) -> Failure:
    """Makes the failure of a request without a field."""
    return Failure(Fault.USER, "MISSING_FIELD", f"{field} is missing from the request", path=field)


def invalid(message: str, path: str) -> Failure:
    """Makes the failure of a request with a field that makes no sense."""
    return Failure(Fault.USER, "INVALID_FIELD", message, path=path)
