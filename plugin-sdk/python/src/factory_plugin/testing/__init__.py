"""Runs a plugin inside a test, through the real protocol: within the test's own process, or as the executable that it is.

    from factory_plugin.testing import Harness, base_image, template

    def test_a_base_image_is_raw():
        with Harness(MyPlugin()) as harness:
            ended = harness.run(base_image(template("Debian", "12", "x86_64"), parameters={"size": 10}))
        assert ended.expect_completed().artifact("disk").format == "raw"

The harness checks the rules of the event stream on the way, and fails where a plugin (or the SDK) breaks one. It acknowledges every
event that it reads, so a plugin that announces a resource is not kept waiting.
"""

from factory_plugin.testing.ended import Ended, Outcome
from factory_plugin.testing.harness import Harness
from factory_plugin.testing.requests import (
    Request,
    base_image,
    delete,
    did_create_target_image,
    input_image,
    push,
    reconcile,
    should_create_target_image,
    snapshot,
    target_image,
    template,
    will_create_target_image,
)
from factory_plugin.testing.running import Running

__all__ = [
    "Ended",
    "Harness",
    "Outcome",
    "Request",
    "Running",
    "base_image",
    "delete",
    "did_create_target_image",
    "input_image",
    "push",
    "reconcile",
    "should_create_target_image",
    "snapshot",
    "target_image",
    "template",
    "will_create_target_image",
]
