"""Running a program as part of an operation: its output into the build's log, its processes stopped with the operation, the last
lines of its output in the error.

A program gets a process group of its own. When the operation is cancelled the group is told to end, and it is killed when the method
has ended or its time is over. What outlives the plugin's own death the factory ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from factory_plugin.failure import Cancelled, Failure, Fault

_ADMINISTRATION_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_TAIL_LINES = 40
_LINE_BYTES_MAX = 64 * 1024
_OUTPUT_BYTES_MAX = 64 * 1024 * 1024

LogLine = Callable[[str], None]
"""Takes a line of a program's output."""


def find(program: str) -> str | None:
    """Answers where a program is; those of administrators are found too."""
    return shutil.which(program, path=_path())


class Tools:
    """The programs that run for one operation."""

    def __init__(self, cancelled: threading.Event) -> None:
        """None yet."""
        self._cancelled = cancelled
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(
        self,
        arguments: Sequence[str | os.PathLike[str]],
        log: LogLine,
        *,
        capture: bool = False,
        input: bytes | None = None,
        cwd: str | os.PathLike[str],
        env: Mapping[str, str] | None = None,
        package: str = "",
    ) -> bytes:
        """Runs a program to its end; answers its standard output if it is to be captured, and logs it otherwise.

        Raises `Failure` if it is missing or fails, with its last lines; `Cancelled` if the operation is to stop.
        """
        name = os.path.basename(os.fspath(arguments[0]))
        process = self._start(name, arguments, input is not None, cwd, env or {}, package)
        tail: deque[str] = deque(maxlen=_TAIL_LINES)

        def note(line: str) -> None:
            tail.append(line)
            log(line)

        try:
            output = _pump(process, note, capture, input)
            code = process.wait()
        finally:
            self._end(process)
        if self._cancelled.is_set():
            raise Cancelled
        if output is None:
            message = f"{name} wrote more than {_OUTPUT_BYTES_MAX} bytes"
            raise Failure(Fault.PLUGIN, "TOOL_OUTPUT_TOO_LARGE", message)
        if code != 0:
            message = f"{name} {_said(code)}"
            raise Failure(Fault.PLUGIN, "TOOL_FAILED", message, detail="\n".join(tail), metadata={"program": name})
        return output

    def terminate(self) -> None:
        """Tells every program to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends every program, and starts no more."""
        with self._lock:
            self._closed = True
        self._signal(signal.SIGKILL)

    def _start(
        self,
        name: str,
        arguments: Sequence[str | os.PathLike[str]],
        has_input: bool,
        cwd: str | os.PathLike[str],
        env: Mapping[str, str],
        package: str,
    ) -> subprocess.Popen[bytes]:
        found = find(os.fspath(arguments[0]))
        if found is None:
            hint = f"install it: apt-get install {package}" if package else ""
            message = f"program {name} is missing on this host"
            raise Failure(Fault.HOST, "TOOL_MISSING", message, hint=hint, metadata={"program": name})
        with self._lock:
            if self._closed or self._cancelled.is_set():
                raise Cancelled
            try:
                process = subprocess.Popen(
                    [found, *arguments[1:]],
                    stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=cwd,
                    env=_environment() | dict(env),
                    start_new_session=True,
                )
            except OSError as error:
                message = f"{name} can't be started: {error.strerror or error}"
                raise Failure(Fault.HOST, "TOOL_NOT_STARTED", message, metadata={"program": name}) from error
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ends what a program left running in its group."""
        _signal_group(process, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        with self._lock:
            self._running.discard(process)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            for process in self._running:
                _signal_group(process, number)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def _pump(process: subprocess.Popen[bytes], note: LogLine, capture: bool, input: bytes | None) -> bytes | None:
    """Reads both streams to their ends; answers what is captured, or `None` if that is too much."""
    captured: list[bytes] = []
    threads = [threading.Thread(target=_read_lines, args=(process.stderr, note), name="tool-stderr", daemon=True)]
    if input is not None:
        threads.append(threading.Thread(target=_feed, args=(process.stdin, input), name="tool-stdin", daemon=True))
    for thread in threads:
        thread.start()
    assert process.stdout is not None
    if capture:
        captured.append(process.stdout.read(_OUTPUT_BYTES_MAX + 1))
        if _OUTPUT_BYTES_MAX < len(captured[0]):
            _signal_group(process, signal.SIGKILL)
            return None
    else:
        _read_lines(process.stdout, note)
    for thread in threads:
        thread.join()
    return b"".join(captured)


def _read_lines(stream: IO[bytes] | None, note: LogLine) -> None:
    while stream is not None and (line := stream.readline(_LINE_BYTES_MAX)):
        note(line.decode(errors="replace").rstrip("\r\n"))


def _feed(stream: IO[bytes] | None, input: bytes) -> None:
    try:
        if stream is not None:
            with stream:
                stream.write(input)
    except BrokenPipeError:
        # A program need not read all of it.
        pass


def _said(code: int) -> str:
    if 0 <= code:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _environment() -> dict[str, str]:
    """What every program gets: no more than it needs, so that it behaves the same whoever started the factory."""
    home = os.environ.get("HOME", str(Path("/")))
    return {"PATH": _path(), "HOME": home, "LANG": "C.UTF-8"}


def _path() -> str:
    return f"{os.environ.get('PATH') or _DEFAULT_PATH}:{_ADMINISTRATION_PATH}"
