"""The two classes that a plugin author writes one of."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from factory_plugin import proto
from factory_plugin.description import Description
from factory_plugin.failure import Unimplemented
from factory_plugin.image import CloudIdentifiers
from factory_plugin.ledger import Account, LeftOver, Settled
from factory_plugin.operation import (
    BaseImageOperation,
    DeleteOperation,
    Operation,
    PushOperation,
    SnapshotOperation,
    TargetImageOperation,
    TargetOperation,
)
from factory_plugin.parameters import Parameters
from factory_plugin.secret import Secret
from factory_plugin.template import CloudContent, Template


class Severity(enum.IntEnum):
    """How bad a problem with a request is."""

    WARNING = proto.Diagnostic.SEVERITY_WARNING
    """The request will work, perhaps not as meant."""
    ERROR = proto.Diagnostic.SEVERITY_ERROR
    """The request can't work."""


@dataclass(frozen=True)
class Diagnostic:
    """One problem with a request."""

    message: str
    """What is wrong: one lower-case fragment."""
    path: str = ""
    """Where: `template/packages/package[3]`, `parameters.size`."""
    hint: str = ""
    """What to do about it."""
    severity: Severity = Severity.ERROR
    """How bad it is."""


@dataclass(frozen=True)
class ValidateRequest:
    """A request to be judged; what is `None` is not judged."""

    method: str
    """The method that would be called, such as `CreateBaseImage`."""
    template: Template | None
    """The template."""
    parameters: Parameters
    """The parameters."""
    target: str | None = None
    """The cloud target."""
    provider: str | None = None
    """The provider."""
    credentials: Secret | None = None
    """The credentials."""


class Plugin:
    """What both kinds of plugin have. Its methods are called from several threads at once: one for each operation."""

    def describe(self) -> Description:
        """Says what the plugin is. No side effects, no waiting."""
        raise NotImplementedError(f"{type(self).__name__} has no method `describe`")

    def validate(self, request: ValidateRequest) -> Sequence[Diagnostic]:
        """Finds every problem with a request, not only the first."""
        raise Unimplemented("Validate")

    def reconcile(self, left_over: LeftOver, account: Account, operation: Operation) -> Settled:
        """Settles something that another operation left over: a crash, or a deletion that failed.

        Called for one thing after the other, newest first, and again later for those that fail. What is gone already, or never was,
        is no failure (`NotThere`). What can't be told from others' things must not be touched: that is one.
        """
        raise Unimplemented("Reconcile")

    @classmethod
    def main(cls) -> int:
        """Serves the plugin: the whole of its console script, `factory-plugin-NAME = "package:Class.main"`."""
        from factory_plugin.command_line import run

        return run(cls())


class OSPlugin(Plugin):
    """A plugin that installs operating systems.

    Every method but `describe` and `validate` is an operation: it reports through its argument, may take hours, and should end soon
    once it is cancelled (every report then raises `Cancelled`). A method that a class does not have is not supported.
    """

    def create_base_image(self, operation: BaseImageOperation) -> None:
        """Installs an operating system and announces its files."""
        raise Unimplemented("CreateBaseImage")

    def create_target_image(self, operation: TargetImageOperation) -> None:
        """Applies cloud content to a base image and announces what changed."""
        raise Unimplemented("CreateTargetImage")


class CloudPlugin(Plugin):
    """A plugin for a cloud or hypervisor. Methods are operations, as with `OSPlugin`."""

    def should_create_target_image(self, operation: TargetOperation) -> bool:
        """Says whether the OS plugin and the rest of the sequence are needed. Yes by default."""
        return True

    def will_create_target_image(self, operation: TargetOperation) -> CloudContent:
        """Says what the cloud needs inside the image. Nothing by default."""
        return CloudContent()

    def did_create_target_image(self, operation: TargetOperation) -> None:
        """Makes the target's files from the customised image. Leaves the image as it is by default."""

    def push_image_to_provider(self, operation: PushOperation) -> CloudIdentifiers:
        """Puts a target image into an account."""
        raise Unimplemented("PushImageToProvider")

    def snapshot_image_on_provider(self, operation: SnapshotOperation) -> CloudIdentifiers:
        """Builds an image inside an account from a running instance."""
        raise Unimplemented("SnapshotImageOnProvider")

    def delete_from_provider(self, operation: DeleteOperation) -> None:
        """Deletes an image from an account. One that is gone already is success."""
        raise Unimplemented("DeleteFromProvider")


_CAPABILITIES = {
    "validate": "validate",
    "create_target_image": "target-customization",
    "push_image_to_provider": "push",
    "snapshot_image_on_provider": "snapshot",
    "delete_from_provider": "delete",
    "reconcile": "reconcile",
}


def capabilities(plugin: Plugin) -> list[str]:
    """Answers what a plugin can do beyond the minimum: the methods that its class has of its own."""
    bases = (Plugin, OSPlugin, CloudPlugin)
    own = (
        name
        for name in _CAPABILITIES
        if hasattr(type(plugin), name)
        and not any(vars(base).get(name) is getattr(type(plugin), name) for base in bases)
    )
    return [_CAPABILITIES[name] for name in own]
