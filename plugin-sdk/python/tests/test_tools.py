"""Programs that operations run."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Method, started

from factory_plugin import (
    BaseImageOperation,
)
from factory_plugin.testing import (
    Harness,
    base_image,
    template,
)

DEADLINE = 30.0
Serve = Callable[[Method], Harness]


def test_a_programs_output_is_in_the_log_and_its_failure_has_its_last_lines(serve: Serve) -> None:
    def method(operation: BaseImageOperation) -> None:
        assert operation.run(["cat"], input=b"piped", capture=True) == b"piped"
        operation.run(["sh", "-c", "pwd; echo $X; echo bad >&2; exit $CODE"], env=dict(operation.parameters))

    harness = serve(method)
    ended = harness.run(base_image(template(), {"X": "y", "CODE": "0"})).expect_completed()
    assert set(ended.log().splitlines()) == {f"sh: {ended.work_dir}", "sh: y", "sh: bad"}
    failure = harness.run(base_image(template(), {"X": "y", "CODE": "7"})).expect_failed()
    assert (failure.reason, failure.message) == ("TOOL_FAILED", "sh ended with exit code 7")
    assert "bad" in failure.detail


def test_a_program_that_is_missing_says_what_to_install(serve: Serve) -> None:
    def method(operation: BaseImageOperation) -> None:
        operation.run(["no-such-tool"], package="nothing")

    failure = serve(method).run(base_image(template())).expect_failed()
    assert (failure.reason, failure.hint) == ("TOOL_MISSING", "install it: apt-get install nothing")


@pytest.mark.parametrize("script", ["echo $$; sleep 60", "trap '' TERM; echo $$; sleep 60 & sleep 60"])
def test_a_program_ends_with_its_operation_and_so_does_what_it_started(serve: Serve, script: str) -> None:
    def method(operation: BaseImageOperation) -> None:
        operation.run(["sh", "-c", script])

    running = serve(method).start(base_image(template()))
    group = int(running.until(started).log.message)
    running.cancel(timedelta(seconds=1))
    assert running.end().expect_cancelled() == []
    end = time.monotonic() + DEADLINE
    while alive(group) and time.monotonic() < end:
        time.sleep(0.01)
    assert alive(group) == []


def alive(group: int) -> list[str]:
    """Answers the processes of a group, without those that have ended and that nobody has waited for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            # It has ended meanwhile.
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(path.parent.name)
    return found
