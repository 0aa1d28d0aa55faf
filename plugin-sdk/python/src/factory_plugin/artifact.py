"""What the factory must know of a file: its size and its SHA-256, read without reading its holes."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from factory_plugin import proto
from factory_plugin.failure import Cancelled, Failure, Fault

_BUFFER_BYTES = 1024 * 1024
_ZEROS = bytes(_BUFFER_BYTES)


def measure(work_dir: Path, artifact: proto.Artifact, cancelled: Callable[[], bool]) -> None:
    """Fills in an artifact's size and, unless it is known, its SHA-256.

    Raises `Failure` if the file is not a regular one directly inside `work_dir`, or can't be read; `Cancelled` if the operation is
    to stop meanwhile.
    """
    path = _checked_path(work_dir, artifact.path)
    try:
        descriptor = _open(path)
        try:
            artifact.size = os.fstat(descriptor).st_size
            if not artifact.sha256:
                artifact.sha256 = _sha256(descriptor, artifact.size, cancelled)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"artifact {artifact.path} can't be read: {error.strerror or error}"
        raise Failure(Fault.PLUGIN, "ARTIFACT_UNREADABLE", message) from error


def _checked_path(work_dir: Path, name: str) -> Path:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        message = f'artifact "{name}" must be the name of a file in the work directory'
        raise Failure(Fault.PLUGIN, "ARTIFACT_PATH", message)
    return work_dir / name


def _open(path: Path) -> int:
    """Opens a regular file, and neither what a link points to nor a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return descriptor


def _sha256(descriptor: int, size: int, cancelled: Callable[[], bool]) -> str:
    digest = hashlib.sha256()
    for start, end, is_data in _extents(descriptor, size):
        at = start
        while at < end:
            if cancelled():
                raise Cancelled
            length = min(end - at, _BUFFER_BYTES)
            piece = os.pread(descriptor, length, at) if is_data else _ZEROS[:length]
            if not piece:
                raise OSError(errno.EIO, "it became shorter while it was read")
            digest.update(piece)
            at += len(piece)
    return digest.hexdigest()


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int, bool]]:
    """Answers where a file's holes and its data start and end, in turn. A file system that knows no holes says that all is data."""
    at = 0
    while at < size:
        start, end = _next_data(descriptor, at, size)
        if at < start:
            yield at, start, False
        if start < end:
            yield start, end, True
        at = end


def _next_data(descriptor: int, at: int, size: int) -> tuple[int, int]:
    try:
        start = min(os.lseek(descriptor, at, os.SEEK_DATA), size)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size, size
        if error.errno == errno.EINVAL:
            return at, size
        raise
    return start, min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
