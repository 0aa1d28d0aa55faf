"""What operations create elsewhere: announced, confirmed, deleted again, reconciled. And what else clouds are asked."""

from __future__ import annotations

import threading
from datetime import timedelta

import grpc
import pytest
from conftest import Cloud, code, started

from factory_plugin import (
    Account,
    Adopted,
    CloudContent,
    CloudIdentifiers,
    Command,
    Deleted,
    DeleteOperation,
    Existing,
    Failure,
    Fault,
    File,
    LeftOver,
    NotCreated,
    NotThere,
    Operation,
    PushOperation,
    Settled,
    TargetOperation,
    proto,
)
from factory_plugin.testing import (
    Ended,
    Harness,
    delete,
    did_create_target_image,
    input_image,
    push,
    reconcile,
    should_create_target_image,
    snapshot,
    template,
    will_create_target_image,
)

DEADLINE = 30.0


class Leaky(Cloud):
    """Creates a volume and an image in a cloud that is a set."""

    def __init__(self) -> None:
        self.cloud: set[str] = set()

    def remove(self, existing: Existing) -> None:
        if existing.token.endswith("stuck"):
            raise Failure(Fault.TRANSIENT, "BUSY", "it is in use")
        self.cloud.discard(existing.id or existing.token)

    def push_image_to_provider(self, operation: PushOperation) -> CloudIdentifiers:
        assert operation.credentials.reveal() == "hunter2"
        ask = operation.parameters.text("ask") or ""
        with operation.create("volume", "volume", delete=self.remove, locator={"region": "r"}) as volume:
            self.cloud.add(volume.created("vol-1"))
        with operation.create("image", "image", delete=self.remove, lasting=True) as image:
            if ask == "refused":
                raise NotCreated(Failure(Fault.QUOTA, "QUOTA", "no more images"))
            if ask == "lost":
                raise Failure(Fault.TRANSIENT, "TIMEOUT", "no answer")
            if ask != "forgotten":
                self.cloud.add(image.created("img-1"))
        if ask == "wait":
            operation.log("waiting")
            operation.sleep(DEADLINE)
        if ask == "early":
            operation.delete("volume")
        if ask == "stuck":
            with operation.create("stuck", "port", delete=self.remove) as port:
                port.created("port-1")
        return CloudIdentifiers("img-1", "me")

    def reconcile(self, left_over: LeftOver, account: Account, operation: Operation) -> Settled:
        if left_over.kind == "strange":
            raise Failure(Fault.AUTH, "DENIED", "not yours")
        if left_over.adopt or left_over.kind == "kept":
            return Adopted("img-9")
        return Deleted() if left_over.id else NotThere()

    def delete_from_provider(self, operation: DeleteOperation) -> None:
        self.cloud.discard(operation.identifiers.identifier_on_provider)


def pushed(ask: str, harness: Harness) -> Ended:
    return harness.run(push("test", "here", "hunter2", input_image(template()), {"ask": ask}))


@pytest.mark.parametrize(
    ("ask", "resources", "left"),
    [
        ("", ["created volume vol-1", "intent image", "created image img-1", "deleted volume"], {"img-1"}),
        ("early", ["created volume vol-1", "intent image", "created image img-1", "deleted volume"], {"img-1"}),
        ("refused", ["created volume vol-1", "intent image", "deleted image", "deleted volume"], set()),
        ("lost", ["created volume vol-1", "intent image", "deleted image", "deleted volume"], set()),
        ("forgotten", ["created volume vol-1", "intent image", "deleted image", "deleted volume"], set()),
    ],
)
def test_what_is_created_elsewhere_is_announced_confirmed_and_deleted_again(
    ask: str, resources: list[str], left: set[str]
) -> None:
    plugin = Leaky()
    with Harness(plugin) as harness:
        ended = pushed(ask, harness)
        assert ended.resources() == ["intent volume", *resources]
        assert plugin.cloud == left
        assert ended.open_intents("op") == []
        identifiers = ended.identifiers()
        assert (identifiers is not None) == bool(left)


def test_nothing_is_created_before_the_intent_is_durable() -> None:
    plugin = Leaky()
    with Harness(plugin) as harness:
        request = push("test", "here", "hunter2", input_image(template()))
        request.message.header.work_dir = harness._directory.name
        stream = harness.client.stream(request)
        events = (event for batch in stream for event in batch.events)
        intent = next(event.resource_intent for event in events if event.HasField("resource_intent"))
        assert intent.locator_json == '{"region": "r"}'
        assert plugin.cloud == set()
        harness.client.cancel(request.id, timedelta(seconds=5))
        kinds = [event.WhichOneof("kind") for event in events]
        assert "resource_deleted" in kinds and "resource_created" not in kinds and kinds[-1] == "cancelled"
        assert plugin.cloud == set()


def test_a_cancelled_operation_deletes_even_what_would_last() -> None:
    plugin = Leaky()
    with Harness(plugin) as harness:
        running = harness.start(push("test", "here", "hunter2", input_image(template()), {"ask": "wait"}))
        running.until(started)
        running.cancel()
        ended = running.end()
    assert ended.expect_cancelled() == []
    assert ended.resources()[-2:] == ["deleted image", "deleted volume"]
    assert plugin.cloud == set()


def test_what_is_still_being_created_is_not_said_to_be_deleted() -> None:
    go_on = threading.Event()

    class Deaf(Leaky):
        def push_image_to_provider(self, operation: PushOperation) -> CloudIdentifiers:
            with operation.create("image", "image", delete=self.remove, lasting=True) as image:
                operation.log("creating")
                go_on.wait(DEADLINE)
                return CloudIdentifiers(image.created("img-1"))

    with Harness(Deaf()) as harness:
        running = harness.start(push("test", "here", "hunter2", input_image(template())))
        running.until(started)
        running.cancel(timedelta(0))
        ended = running.end()
        assert "the plugin's own code, which does not stop" in ended.expect_cancelled()
        assert [it.intent.intent_id for it in ended.open_intents("op")] == ["image"]
        go_on.set()


def test_what_can_not_be_deleted_is_told_and_left_to_the_factory() -> None:
    with Harness(Leaky()) as harness:
        ended = pushed("stuck", harness).expect_completed()
        assert ended.warnings() == ["port port-1 was not deleted: it is in use"]
        assert [it.intent.intent_id for it in ended.open_intents("op")] == ["stuck"]


def test_reconcile_settles_one_thing_after_the_other_and_tells_what_remains() -> None:
    def open(name: str, kind: str, id: str = "", adopt: bool = False) -> proto.OpenIntent:
        intent = proto.ResourceIntent(intent_id=name, kind=kind)
        wanted = proto.OpenIntent.WANTED_ADOPT if adopt else proto.OpenIntent.WANTED_DELETE
        return proto.OpenIntent(operation_id="op", intent=intent, resource_id=id, wanted=wanted)

    intents = [open("a", "x", "1"), open("b", "x"), open("c", "x", adopt=True), open("d", "kept"), open("e", "strange")]
    with Harness(Leaky()) as harness:
        ended = harness.run(reconcile("here", "hunter2", intents)).expect_completed()
        assert code(harness.run(reconcile("here", "hunter2", []))) is grpc.StatusCode.INVALID_ARGUMENT
    told = ["deleted a", "deleted b", "created c img-9", "remains d NOT_DELETED", "remains e DENIED"]
    assert ended.resources() == told


def test_the_methods_of_a_cloud_answer_what_they_return() -> None:
    class Full(Cloud):
        def should_create_target_image(self, operation: TargetOperation) -> bool:
            return operation.target != "done"

        def will_create_target_image(self, operation: TargetOperation) -> CloudContent:
            return CloudContent((File("/etc/x", b"1"),), (Command("c", b"true"),))

        def did_create_target_image(self, operation: TargetOperation) -> None:
            operation.log(f"{operation.image.id} of {operation.template.name}")

    image = input_image(template())
    with Harness(Full()) as harness:
        for target, expected in [("test", True), ("done", False)]:
            should = harness.run(should_create_target_image(target, image)).expect_completed().outcome.completed
            assert should is not None and should.should_create_target_image is expected
            assert should.WhichOneof("result") == "should_create_target_image"
        will = harness.run(will_create_target_image("test", image)).outcome.completed
        assert will is not None and will.cloud_content.files[0].content == b"1"
        assert image.id in harness.run(did_create_target_image("test", image)).expect_completed().log()
        for request in (
            snapshot("test", "p", "c", template()),
            delete("test", "p", "c", CloudIdentifiers("x"), image),
        ):
            assert code(harness.run(request)) is grpc.StatusCode.UNIMPLEMENTED
