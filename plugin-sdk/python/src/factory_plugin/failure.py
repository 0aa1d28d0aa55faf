"""Why an operation failed, whose move is next and what to do; or that it was cancelled."""

from __future__ import annotations

import enum
import errno
import traceback
from collections.abc import Mapping
from datetime import timedelta

from factory_plugin import proto

_DETAIL_LEN_MAX = 256 * 1024
"""How many characters of detail a failure carries at most: it must always fit into a message, also as UTF-8."""
_TYPE_URL = "type.googleapis.com/factory.plugin.v1.Failure"


class Fault(enum.IntEnum):
    """Whose move is next."""

    USER = proto.Fault.FAULT_USER
    """The request is wrong: the user changes the template or the parameters."""
    AUTH = proto.Fault.FAULT_AUTH
    """The credentials are wrong, expired or not allowed to."""
    QUOTA = proto.Fault.FAULT_QUOTA
    """A limit is used up: disk, quota, number of instances."""
    HOST = proto.Fault.FAULT_HOST
    """This host lacks something: a program, a kernel feature, a device."""
    TRANSIENT = proto.Fault.FAULT_TRANSIENT
    """Something outside failed in a way that may pass: a network, a mirror, a service."""
    CONFLICT = proto.Fault.FAULT_CONFLICT
    """Something is there already, or changed meanwhile."""
    PLUGIN = proto.Fault.FAULT_PLUGIN
    """The plugin is wrong."""


class Failure(Exception):
    """Why an operation failed. Raise it from a plugin's method; the operation ends with it."""

    def __init__(
        self,
        fault: Fault,
        reason: str,
        message: str,
        *,
        hint: str = "",
        path: str = "",
        step: str = "",
        detail: str = "",
        metadata: Mapping[str, str] | None = None,
        retryable: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        """Says whose move is next, a stable name (`PACKAGE_NOT_FOUND`) and what failed, a lower-case fragment.

        `hint` is what to do about it, `path` where in the template or the parameters, `step` the step that failed, `detail`
        more for who must find the cause, `metadata` more for programs.
        """
        super().__init__(message)
        self.message = proto.Failure(
            reason=reason,
            message=message,
            fault=proto.Fault.Name(fault),
            hint=hint,
            path=path,
            step=step,
            detail=detail[-_DETAIL_LEN_MAX:],
            metadata=metadata or {},
        )
        if retryable or retry_after is not None:
            self.message.retry.retryable = True
        if retry_after is not None:
            self.message.retry.after.FromTimedelta(retry_after)

    @property
    def reason(self) -> str:
        """Its stable name."""
        return self.message.reason


class Cancelled(BaseException):
    """The operation is to stop. Every report of an operation raises it then; let it pass.

    No `Exception`, so that an `except Exception` of a plugin does not take it for a failure. `left_behind` is what could not be
    cleaned up: one sentence each.
    """

    def __init__(self, *left_behind: str) -> None:
        """Says what could not be cleaned up, if anything."""
        super().__init__("cancelled")
        self.left_behind = list(left_behind)


class NotCreated(Exception):
    """Nothing was created, for sure: the provider said so. Raise it inside `with operation.create(...)`, from a `Failure`."""

    def __init__(self, failure: Failure) -> None:
        """Says why."""
        super().__init__(str(failure))
        self.failure = failure


class Unimplemented(Exception):
    """The plugin does not have the method."""

    def __init__(self, method: str) -> None:
        """Names the method as the contract does."""
        super().__init__(f"the plugin does not have {method}")


def of_exception(error: BaseException) -> Failure:
    """Makes a failure of whatever a plugin raised."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, NotCreated):
        return error.failure
    detail = "".join(traceback.format_exception(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {error.filename}" if error.filename else ""
        hint = "free some space, or give the factory's store a larger file system"
        return Failure(Fault.QUOTA, "DISK_FULL", f"there is no room left{where}", hint=hint, detail=detail)
    said = f": {error}" if str(error) else ""
    hint = "report this to who keeps the plugin, with its log"
    return Failure(
        Fault.PLUGIN, "PLUGIN_EXCEPTION", f"the plugin raised {type(error).__name__}{said}", hint=hint, detail=detail
    )


def details(failure: Failure, code: int) -> tuple[tuple[str, bytes], ...]:
    """Packs a failure as the detail of a `google.rpc.Status`, into the trailers of a call that could not start."""
    # What most plugins never need is not loaded at their start.
    from google.protobuf.any_pb2 import Any
    from google.rpc.status_pb2 import Status

    packed = Any(type_url=_TYPE_URL, value=failure.message.SerializeToString())
    status = Status(code=code, message=failure.message.message, details=[packed])
    return (("grpc-status-details-bin", status.SerializeToString()),)


def failure_in(trailers: Mapping[str, str | bytes]) -> proto.Failure | None:
    """Reads the failure that `details` packed, if there is one."""
    from google.rpc.status_pb2 import Status

    packed = trailers.get("grpc-status-details-bin")
    if not isinstance(packed, bytes):
        return None
    for detail in Status.FromString(packed).details:
        if detail.type_url == _TYPE_URL:
            return proto.Failure.FromString(detail.value)
    return None
