"""What each method of the contract makes of its request: an operation, and the call of the author's method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from factory_plugin import proto, request
from factory_plugin.delegate import CloudPlugin, OSPlugin, Plugin
from factory_plugin.image import identifiers_of
from factory_plugin.operation import (
    BaseImageOperation,
    Context,
    DeleteOperation,
    Operation,
    ProviderOperation,
    PushOperation,
    SnapshotOperation,
    TargetImageOperation,
    TargetOperation,
)
from factory_plugin.server.reconcile import reconcile
from factory_plugin.supervisor import Work
from factory_plugin.template import content_message, content_of

Call = Callable[[Any, Any, Context], tuple[Operation, Work]]
"""Takes the plugin, the request and what the operation is made of."""


def create_base_image(
    plugin: OSPlugin, message: proto.CreateBaseImageRequest, context: Context
) -> tuple[Operation, Work]:
    operation = BaseImageOperation(context)
    operation.template = request.template(message)
    return operation, _done(lambda: plugin.create_base_image(operation))


def create_target_image(
    plugin: OSPlugin, message: proto.CreateTargetImageRequest, context: Context
) -> tuple[Operation, Work]:
    operation = TargetImageOperation(context)
    operation.target = message.target
    operation.image = request.image(message, "base_image")
    operation.template = request.template(message)
    operation.cloud_content = content_of(message.cloud_content)
    return operation, _done(lambda: plugin.create_target_image(operation))


def should_create_target_image(
    plugin: CloudPlugin, message: proto.ShouldCreateTargetImageRequest, context: Context
) -> tuple[Operation, Work]:
    operation = _target(message, "base_image", context)
    return operation, lambda: proto.Completed(
        should_create_target_image=bool(plugin.should_create_target_image(operation))
    )


def will_create_target_image(
    plugin: CloudPlugin, message: proto.WillCreateTargetImageRequest, context: Context
) -> tuple[Operation, Work]:
    operation = _target(message, "base_image", context)
    return operation, lambda: proto.Completed(cloud_content=content_message(plugin.will_create_target_image(operation)))


def did_create_target_image(
    plugin: CloudPlugin, message: proto.DidCreateTargetImageRequest, context: Context
) -> tuple[Operation, Work]:
    operation = _target(message, "target_image", context)
    return operation, _done(lambda: plugin.did_create_target_image(operation))


def push_image_to_provider(
    plugin: CloudPlugin, message: proto.PushImageToProviderRequest, context: Context
) -> tuple[Operation, Work]:
    operation = PushOperation(context)
    _fill_in_account(operation, message)
    operation.image = request.image(message, "target_image")
    return operation, _announced(operation, lambda: plugin.push_image_to_provider(operation))


def snapshot_image_on_provider(
    plugin: CloudPlugin, message: proto.SnapshotImageOnProviderRequest, context: Context
) -> tuple[Operation, Work]:
    operation = SnapshotOperation(context)
    _fill_in_account(operation, message)
    operation.template = request.template(message)
    return operation, _announced(operation, lambda: plugin.snapshot_image_on_provider(operation))


def delete_from_provider(
    plugin: CloudPlugin, message: proto.DeleteFromProviderRequest, context: Context
) -> tuple[Operation, Work]:
    operation = DeleteOperation(context)
    _fill_in_account(operation, message)
    operation.identifiers = identifiers_of(message.identifiers)
    operation.image = request.image(message, "provider_image")
    return operation, _done(lambda: plugin.delete_from_provider(operation))


def reconcile_intents(plugin: Plugin, message: proto.ReconcileRequest, context: Context) -> tuple[Operation, Work]:
    operation = Operation(context)
    return operation, _done(reconcile(plugin, message, operation))


OS_CALLS: dict[str, Call] = {
    "CreateBaseImage": create_base_image,
    "CreateTargetImage": create_target_image,
}
CLOUD_CALLS: dict[str, Call] = {
    "ShouldCreateTargetImage": should_create_target_image,
    "WillCreateTargetImage": will_create_target_image,
    "DidCreateTargetImage": did_create_target_image,
    "PushImageToProvider": push_image_to_provider,
    "SnapshotImageOnProvider": snapshot_image_on_provider,
    "DeleteFromProvider": delete_from_provider,
}
NEEDED_CAPABILITY = {
    "CreateTargetImage": "target-customization",
    "PushImageToProvider": "push",
    "SnapshotImageOnProvider": "snapshot",
    "DeleteFromProvider": "delete",
    "Reconcile": "reconcile",
}
"""The capability without which a method is not there."""


def _done(method: Callable[[], None]) -> Work:
    def work() -> proto.Completed:
        method()
        return proto.Completed()

    return work


def _announced(operation: Operation, method: Callable[[], Any]) -> Work:
    """Announces what the provider calls the image. It exists now, so this goes out even if a cancellation came meanwhile."""

    def work() -> proto.Completed:
        answer = method()
        identifiers = proto.CloudIdentifiers(
            identifier_on_provider=answer.identifier_on_provider,
            provider_account_identifier=answer.provider_account_identifier,
        )
        operation._record.write("cloud_identifiers", proto.Event(cloud_identifiers=identifiers))
        return proto.Completed()

    return work


def _target(message: Any, field: str, context: Context) -> TargetOperation:
    operation = TargetOperation(context)
    operation.target = message.target
    operation.image = request.image(message, field)
    operation.template = request.template(message)
    return operation


def _fill_in_account(operation: ProviderOperation, message: Any) -> None:
    operation.target = message.target
    operation.provider, operation.credentials = request.account(message)
