"""Operations from end to end within a process: events, cancellation, re-attachment, the ledger, programs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import grpc
import pytest
from conftest import Method, Scripted, code, started

from factory_plugin import (
    BaseImageOperation,
    Cancelled,
    Diagnostic,
    Failure,
    Fault,
    ValidateRequest,
    proto,
)
from factory_plugin.failure import failure_in
from factory_plugin.launch.log import ToOperation
from factory_plugin.testing import (
    Harness,
    base_image,
    input_image,
    target_image,
    template,
)

Serve = Callable[[Method], Harness]
DEADLINE = 30.0


def wait_for_cancellation(operation: BaseImageOperation) -> None:
    operation.log("waiting")
    operation.sleep(DEADLINE)


def test_a_plugin_reports_and_the_harness_reads(serve: Serve) -> None:
    def method(operation: BaseImageOperation) -> None:
        assert operation.template.os.install.url == "apt:host"
        operation.progress("install", percent=10, activity="BUILDING")
        operation.log("two\nlines", logging.ERROR, "tool")
        operation.property("list", [1, {"a": None}])
        operation.property("gone", 1)
        operation.property("gone", None)
        operation.warning("low on space", "free some")
        (operation.work_dir / "disk.raw").write_bytes(b"hello")
        operation.artifact("disk", "disk.raw", "raw", virtual_size=512)

    ended = serve(method).run(base_image(template())).expect_completed()
    assert ended.percentages() == [10.0] and ended.phases() == ["install"]
    assert ended.log() == "tool: two\ntool: lines\n"
    assert ended.properties() == {"list": [1, {"a": None}]}
    assert ended.warnings() == ["low on space"]
    disk = ended.artifact("disk")
    assert (disk.size, disk.virtual_size, disk.path) == (5, 512, "disk.raw")
    assert ended.events[0].state.state == proto.StateChanged.STATE_RUNNING


def test_what_logging_is_given_goes_to_the_build_that_logs_it(serve: Serve) -> None:
    logger, handler = logging.getLogger("some.library"), ToOperation()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False

    def method(operation: BaseImageOperation) -> None:
        logger.debug("a detail")
        operation.in_thread(lambda: logger.warning("from %s", operation.id)).join()

    try:
        harness = serve(method)
        one, other = (harness.start(base_image(template())) for _ in range(2))
        for running in (one, other):
            assert running.end().log() == f"some.library: from {running.id}\n"
        logger.warning("of no operation")
    finally:
        logger.removeHandler(handler)


def test_text_that_is_no_unicode_or_too_long_is_logged_as_far_as_it_goes(serve: Serve) -> None:
    lines = serve(lambda operation: operation.log("a\udc80b\n" + "ä" * 70_000)).run(base_image(template())).log()
    assert lines == f": a?b\n: {'ä' * 32_768}\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Failure(Fault.USER, "PACKAGE_NOT_FOUND", "no such package"), "PACKAGE_NOT_FOUND"),
        (ValueError("seven"), "PLUGIN_EXCEPTION"),
        (SystemExit(3), "PLUGIN_EXCEPTION"),
    ],
)
def test_what_a_method_raises_fails_its_operation_and_nothing_else(
    serve: Serve, error: BaseException, reason: str
) -> None:
    def method(operation: BaseImageOperation) -> None:
        if operation.parameters.boolean("fail"):
            raise error

    harness = serve(method)
    assert harness.run(base_image(template(), {"fail": True})).expect_failed().reason == reason
    harness.run(base_image(template())).expect_completed()


def test_an_artifact_is_announced_once_a_role(serve: Serve) -> None:
    def method(operation: BaseImageOperation) -> None:
        (operation.work_dir / "x").touch()
        for _ in range(2):
            operation.artifact("disk", "x", "raw")

    assert serve(method).run(base_image(template())).expect_failed().reason == "ARTIFACT_ROLE_REPEATED"


def test_an_event_that_no_message_can_hold_is_refused(serve: Serve) -> None:
    ended = serve(lambda operation: operation.property("x", "y" * 4_000_000)).run(base_image(template()))
    assert ended.expect_failed().reason == "EVENT_TOO_LARGE"


def test_a_cancelled_operation_cleans_up_and_ends_cancelled(serve: Serve) -> None:
    cleaned = threading.Event()

    def method(operation: BaseImageOperation) -> None:
        try:
            wait_for_cancellation(operation)
        except Exception:
            pytest.fail("a cancellation is no failure")
        finally:
            operation._log("cleaning up", logging.INFO, "")
            cleaned.set()

    running = serve(method).start(base_image(template()))
    running.until(started)
    running.cancel()
    running.cancel()
    ended = running.end()
    assert ended.expect_cancelled() == [] and cleaned.is_set()
    assert "cleaning up" in ended.log()
    states = [event.state.state for event in ended.events if event.HasField("state")]
    assert states == [proto.StateChanged.STATE_RUNNING, proto.StateChanged.STATE_CANCELLING]


def test_code_that_is_deaf_to_a_cancellation_is_left_behind(serve: Serve) -> None:
    go_on = threading.Event()

    def method(operation: BaseImageOperation) -> None:
        operation.log("deaf")
        go_on.wait(DEADLINE)

    running = serve(method).start(base_image(template()))
    running.until(started)
    running.cancel(timedelta(0))
    assert running.end().expect_cancelled() == ["the plugin's own code, which does not stop"]
    go_on.set()


def test_a_failure_while_cancelling_is_logged_and_what_is_left_behind_is_told(serve: Serve) -> None:
    def method(operation: BaseImageOperation) -> None:
        try:
            wait_for_cancellation(operation)
        except Cancelled:
            if operation.parameters.boolean("fail"):
                raise Failure(Fault.HOST, "UMOUNT", "busy") from None
            raise Cancelled("a mount") from None

    harness = serve(method)
    for fail, left_behind in [(True, []), (False, ["a mount"])]:
        running = harness.start(base_image(template(), {"fail": fail}))
        running.until(started)
        running.cancel()
        ended = running.end()
        assert ended.expect_cancelled() == left_behind
        assert ("failed while being cancelled: busy" in ended.log()) == fail


def test_a_dropped_stream_cancels_nothing_and_events_are_replayed(serve: Serve) -> None:
    go_on = threading.Event()

    def method(operation: BaseImageOperation) -> None:
        for line in range(5):
            operation.log(f"line {line}")
        go_on.wait(DEADLINE)
        operation.log("line 5")

    harness = serve(method)
    running = harness.start(base_image(template()))
    seen = running.until(lambda event: event.log.message == "line 4").seq
    running = running.reattach(seen)
    go_on.set()
    assert running.end().expect_completed().log() == ": line 5\n"


def test_an_ended_operation_is_known_until_its_last_event_is_acknowledged(serve: Serve) -> None:
    calls = []
    harness = serve(lambda operation: calls.append(operation.id))
    request = base_image(template())
    request.message.header.work_dir = harness._directory.name
    for _ in range(2):
        events = [event for batch in harness.client.stream(request) for event in batch.events]
        assert [event.seq for event in events] == [1, 2]
    assert len(calls) == 1
    listed = harness.operations()
    assert [(it.method, it.last_seq, it.ended) for it in listed] == [("CreateBaseImage", 2, True)]
    harness.client.acknowledge(request.id, 1)
    assert code(harness.run(request)) is grpc.StatusCode.OUT_OF_RANGE
    harness.client.acknowledge(request.id, 2)
    assert harness.operations() == []
    assert code(harness.run(request.after(2))) is grpc.StatusCode.NOT_FOUND


def test_an_id_runs_one_request_only(serve: Serve) -> None:
    harness = serve(wait_for_cancellation)
    running = harness.start(base_image(template()))
    running.until(started)
    other = running.request.after(0)
    other.message.template.name = "other"
    ended = harness.run(other)
    assert code(ended) is grpc.StatusCode.ALREADY_EXISTS
    error = ended.outcome.refused
    assert isinstance(error, grpc.Call)
    trailers = {it.key: it.value for it in error.trailing_metadata() or ()}
    failure = failure_in(trailers)
    assert failure is not None and failure.reason == "OPERATION_ID_REUSED"
    running.cancel(timedelta(0))
    running.end()


def test_a_request_that_can_not_be_carried_out_starts_nothing(serve: Serve) -> None:
    harness = serve(lambda _: pytest.fail("it was called"))
    requests = [base_image(template()) for _ in range(4)]
    requests[0].message.header.work_dir = "relative"
    requests[1].message.header.parameters_json = "[]"
    requests[2].message.ClearField("template")
    requests[3].message.header.operation_id = "a b"
    for request in requests:
        assert code(harness.run(request)) is grpc.StatusCode.INVALID_ARGUMENT
    assert harness.operations() == []


def test_no_more_operations_run_than_the_plugin_can() -> None:
    with Harness(Scripted(wait_for_cancellation, operations_max=1)) as harness:
        running = harness.start(base_image(template()))
        running.until(started)
        assert code(harness.run(base_image(template()))) is grpc.StatusCode.RESOURCE_EXHAUSTED
        running.cancel()
        running.end()


def test_a_method_that_a_class_does_not_have_is_unimplemented(serve: Serve) -> None:
    harness = serve(lambda _: None)
    assert code(harness.run(target_image("ec2", input_image(template())))) is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as error:
        harness.validate(proto.ValidateRequest())
    assert isinstance(error.value, grpc.Call) and error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_validate_answers_every_problem() -> None:
    class Strict(Scripted):
        def validate(self, request: ValidateRequest) -> list[Diagnostic]:
            assert request.template is not None and request.credentials is not None
            return [Diagnostic(f"no {request.template.os.name}", "template/os/name", "ask for another")]

    with Harness(Strict(lambda _: None)) as harness:
        request = proto.ValidateRequest(template=template(), credentials=proto.Secret(value="x"))
        found = harness.validate(request)
    assert [(it.message, it.path, it.severity) for it in found] == [
        ("no Debian", "template/os/name", proto.Diagnostic.SEVERITY_ERROR)
    ]
