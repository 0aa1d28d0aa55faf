"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from factory_plugin import BaseImageOperation, CloudPlugin, Description, Failure, OSPlugin, proto
from factory_plugin.testing import Ended, Harness

OS_INFO = '{"type": "os", "targets": [["Test", null, null]], "version": "1.0", "license": "Apache-2.0"}'
CLOUD_INFO = '{"type": "cloud", "targets": [["test"]], "version": "1.0"}'

# The programs that tests start find what is tested, and not what is installed.
os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent / "src")

Method = Callable[[BaseImageOperation], None]


class Scripted(OSPlugin):
    """An OS plugin whose method is given by a test."""

    def __init__(self, method: Method, operations_max: int = 0) -> None:
        self.method = method
        self.operations_max = operations_max

    def describe(self) -> Description:
        return Description.from_info(OS_INFO, name="test", operations_max=self.operations_max)

    def create_base_image(self, operation: BaseImageOperation) -> None:
        self.method(operation)


class Cloud(CloudPlugin):
    """A cloud plugin that can be asked what it is."""

    def describe(self) -> Description:
        return Description.from_info(CLOUD_INFO, name="cloud")


@pytest.fixture
def serve() -> Iterator[Callable[[Method], Harness]]:
    """Serves OS plugins, each by the method that makes base images."""
    harnesses: list[Harness] = []

    def start(method: Method) -> Harness:
        harnesses.append(Harness(Scripted(method)))
        return harnesses[-1]

    yield start
    for harness in harnesses:
        harness.close()


def reason(error: pytest.ExceptionInfo[Failure]) -> str:
    """Answers the stable name of a failure."""
    return error.value.reason


def code(ended: Ended) -> grpc.StatusCode:
    """Answers with which code a call was refused."""
    error = ended.outcome.refused
    assert isinstance(error, grpc.Call)
    return error.code()


def started(event: proto.Event) -> bool:
    """Tells whether a method has logged something."""
    return event.HasField("log")
