"""Calling an original plugin's method as a part of an operation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from factory_plugin.bridge.imgfac.ImageFactoryException import ImageFactoryException
from factory_plugin.failure import Failure, Fault
from factory_plugin.operation import Operation

_LOG = logging.getLogger("imgfac")


def call(operation: Operation, delegate: Any, method: Callable[[], Any]) -> Any:
    """Calls a method of an original plugin, and its `abort`, if it has one, once the operation is to stop. Raises `Failure` if it raises
    an `ImageFactoryException`."""
    done = threading.Event()

    def abort() -> None:
        # Whoever is set first is noticed within a moment.
        while not done.wait(0.1):
            if operation.cancelled:
                try:
                    delegate.abort()
                except Exception:
                    _LOG.exception("the plugin could not abort")
                return

    if hasattr(delegate, "abort"):
        operation.in_thread(abort, "abort")
    try:
        return method()
    except ImageFactoryException as error:
        raise Failure(Fault.PLUGIN, "IMAGEFACTORY_EXCEPTION", str(error)) from error
    finally:
        done.set()
