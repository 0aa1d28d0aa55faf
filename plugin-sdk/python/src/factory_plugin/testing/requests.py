"""What a test asks of a plugin."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_plugin import proto
from factory_plugin.image import CloudIdentifiers
from factory_plugin.template import CloudContent, content_message

_NUMBERS = itertools.count(1)
"""Numbers the images of a test run, so that no two share an id."""


@dataclass(frozen=True)
class Request:
    """A call that starts an operation. Its header has all but the work directory, which the harness makes."""

    service: str
    """The service, such as `OSDelegate`."""
    method: str
    """The method, such as `CreateBaseImage`."""
    message: Any
    """The request as it travels; a test may change it."""

    @property
    def id(self) -> str:
        """The operation's id."""
        return str(self.message.header.operation_id)

    def after(self, seq: int) -> Request:
        """Answers the same request, for the events after a number."""
        message = type(self.message)()
        message.CopyFrom(self.message)
        message.header.after_seq = seq
        return Request(self.service, self.method, message)


def template(os: str = "Debian", version: str = "12", arch: str = "x86_64") -> proto.Template:
    """Makes a template with the least that a plugin can rely on; a test adds the rest."""
    install = proto.Install(url="apt:host")
    system = proto.OperatingSystem(name=os, version=version, arch=arch, install=install)
    return proto.Template(name="test", os=system)


def input_image(made_from: proto.Template, files: Sequence[tuple[str, Path, str]] = ()) -> proto.InputImage:
    """Makes an image that an operation reads, from files given as role, path and format."""
    artifacts = [
        proto.Artifact(role=role, path=str(path), format=format, size=path.stat().st_size)
        for role, path, format in files
    ]
    id = f"image-{next(_NUMBERS)}"
    image = proto.InputImage(id=id, artifacts=artifacts, template=made_from)
    image.properties_json = image.parameters_json = "{}"
    return image


def base_image(
    wanted: proto.Template, parameters: Mapping[str, Any] | None = None, secrets: Mapping[str, str] | None = None
) -> Request:
    """`CreateBaseImage`."""
    message = proto.CreateBaseImageRequest(header=_header("base", parameters, secrets), template=wanted)
    return Request("OSDelegate", "CreateBaseImage", message)


def target_image(
    target: str,
    base: proto.InputImage,
    content: CloudContent | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Request:
    """`CreateTargetImage`."""
    message = proto.CreateTargetImageRequest(
        header=_header("target", parameters),
        target=target,
        base_image=base,
        template=base.template,
        cloud_content=content_message(content or CloudContent()),
    )
    return Request("OSDelegate", "CreateTargetImage", message)


def should_create_target_image(
    target: str, base: proto.InputImage, parameters: Mapping[str, Any] | None = None
) -> Request:
    """`ShouldCreateTargetImage`."""
    message = proto.ShouldCreateTargetImageRequest(
        header=_header("target", parameters), target=target, base_image=base, template=base.template
    )
    return Request("CloudDelegate", "ShouldCreateTargetImage", message)


def will_create_target_image(
    target: str, base: proto.InputImage, parameters: Mapping[str, Any] | None = None
) -> Request:
    """`WillCreateTargetImage`."""
    message = proto.WillCreateTargetImageRequest(
        header=_header("target", parameters), target=target, base_image=base, template=base.template
    )
    return Request("CloudDelegate", "WillCreateTargetImage", message)


def did_create_target_image(
    target: str, image: proto.InputImage, parameters: Mapping[str, Any] | None = None
) -> Request:
    """`DidCreateTargetImage`."""
    message = proto.DidCreateTargetImageRequest(
        header=_header("target", parameters), target=target, target_image=image, template=image.template
    )
    return Request("CloudDelegate", "DidCreateTargetImage", message)


def push(
    target: str,
    provider: str,
    credentials: str,
    image: proto.InputImage,
    parameters: Mapping[str, Any] | None = None,
) -> Request:
    """`PushImageToProvider`."""
    message = proto.PushImageToProviderRequest(
        header=_header("provider", parameters),
        target=target,
        account=_account(provider, credentials),
        target_image=image,
    )
    return Request("CloudDelegate", "PushImageToProvider", message)


def snapshot(
    target: str,
    provider: str,
    credentials: str,
    wanted: proto.Template,
    parameters: Mapping[str, Any] | None = None,
) -> Request:
    """`SnapshotImageOnProvider`."""
    message = proto.SnapshotImageOnProviderRequest(
        header=_header("provider", parameters),
        target=target,
        account=_account(provider, credentials),
        template=wanted,
    )
    return Request("CloudDelegate", "SnapshotImageOnProvider", message)


def delete(
    target: str,
    provider: str,
    credentials: str,
    identifiers: CloudIdentifiers,
    image: proto.InputImage,
    parameters: Mapping[str, Any] | None = None,
) -> Request:
    """`DeleteFromProvider`."""
    message = proto.DeleteFromProviderRequest(
        header=_header("provider", parameters),
        target=target,
        account=_account(provider, credentials),
        identifiers=proto.CloudIdentifiers(
            identifier_on_provider=identifiers.identifier_on_provider,
            provider_account_identifier=identifiers.provider_account_identifier,
        ),
        provider_image=image,
    )
    return Request("CloudDelegate", "DeleteFromProvider", message)


def reconcile(
    provider: str,
    credentials: str,
    intents: Sequence[proto.OpenIntent],
    parameters: Mapping[str, Any] | None = None,
) -> Request:
    """`Reconcile`: settles what other operations left over, such as `Ended.open_intents`."""
    message = proto.ReconcileRequest(
        header=_header("provider", parameters), account=_account(provider, credentials), intents=intents
    )
    return Request("Operations", "Reconcile", message)


def _header(
    kind: str, parameters: Mapping[str, Any] | None, secrets: Mapping[str, str] | None = None
) -> proto.OperationHeader:
    number = next(_NUMBERS)
    return proto.OperationHeader(
        operation_id=f"operation-{number}",
        image=proto.ImageContext(id=f"image-{number}", kind=kind, attempt=1),
        parameters_json=json.dumps(dict(parameters or {})),
        secret_parameters={name: proto.Secret(value=value) for name, value in (secrets or {}).items()},
    )


def _account(provider: str, credentials: str) -> proto.ProviderAccount:
    return proto.ProviderAccount(provider=provider, credentials=proto.Secret(value=credentials))
