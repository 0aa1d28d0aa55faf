"""The plugin's own log: what `logging` is given, as hclog JSON on standard error, and as events of the operation that logs it."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from types import TracebackType

from factory_plugin import operation

_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PLAIN = (str, int, float, bool, type(None))


def install() -> None:
    """Sends what `logging` is given to standard error and to the operation that logs it, and what kills a thread to standard error."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(Hclog())
    root.addHandler(ToOperation())
    logging.captureWarnings(True)
    sys.excepthook = _excepthook
    threading.excepthook = lambda it: _excepthook(it.exc_type, it.exc_value, it.exc_traceback)


def set_level(name: str) -> None:
    """Sets the least important level that is written; an unknown name changes nothing."""
    if name in _LEVELS:
        logging.getLogger().setLevel(_LEVELS[name])


class Hclog(logging.Handler):
    """Writes each record as a line of JSON to standard error. If nobody reads it any more, nobody misses it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record."""
        try:
            sys.stderr.write(line(record))
            sys.stderr.flush()
        except (OSError, ValueError):
            pass


class ToOperation(logging.Handler):
    """Adds each record of an operation's code to its build's log."""

    def __init__(self) -> None:
        """Takes what is at least informative: details are for who looks for a fault in the plugin."""
        super().__init__(logging.INFO)

    def createLock(self) -> None:
        """Has no lock: operations that wait for room must not wait for each other."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Adds a record."""
        current = operation.current.get()
        if current is not None:
            current._log(_message(record), record.levelno, record.name)


def line(record: logging.LogRecord) -> str:
    """Answers a record as a line of hclog JSON, with what it was given in `extra`."""
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    written: dict[str, object] = {
        "@level": next((name for name in ("error", "warn", "info") if _LEVELS[name] <= record.levelno), "debug"),
        "@message": _message(record),
        "@module": record.name,
        "@timestamp": f"{second}.{int(record.created % 1 * 1_000_000):06}Z",
    }
    extra = {name: value for name, value in vars(record).items() if name not in _RESERVED}
    written |= {name: value if isinstance(value, _PLAIN) else repr(value) for name, value in extra.items()}
    return json.dumps(written) + "\n"


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception as error:
        message = f"{record.msg!r} can't be formatted with {record.args!r}: {error}"
    if record.exc_info and record.exc_info[0] is not None:
        message = f"{message}\n{''.join(traceback.format_exception(*record.exc_info)).rstrip()}"
    return message


def _excepthook(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Writes what ends a thread in lines of which the first starts as Go's do, by which hosts know them."""
    text = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(f"panic: {kind.__name__}: {error}\n{text}")
    sys.stderr.flush()
