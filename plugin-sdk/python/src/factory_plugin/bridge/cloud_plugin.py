"""An original cloud plugin as one of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from factory_plugin.bridge.call import call
from factory_plugin.bridge.content import Collector
from factory_plugin.bridge.images import Worked, image_read, parameters_of
from factory_plugin.bridge.imgfac.BaseImage import BaseImage
from factory_plugin.bridge.imgfac.Builder import Builder
from factory_plugin.bridge.imgfac.ProviderImage import ProviderImage
from factory_plugin.bridge.imgfac.TargetImage import TargetImage
from factory_plugin.bridge.imgfac.Template import Template
from factory_plugin.bridge.os_plugin import new_builder
from factory_plugin.delegate import CloudPlugin
from factory_plugin.description import Description
from factory_plugin.failure import Failure, Fault
from factory_plugin.image import CloudIdentifiers
from factory_plugin.ledger import Account, Deleted, Existing, LeftOver, Settled
from factory_plugin.operation import (
    DeleteOperation,
    Operation,
    ProviderOperation,
    PushOperation,
    SnapshotOperation,
    TargetOperation,
)
from factory_plugin.template import CloudContent

IMAGE = "image"
"""The name in the ledger of what a push or a snapshot makes."""


class BridgedCloud(CloudPlugin):
    """An original cloud plugin: a new object of its class for each operation."""

    def __init__(self, delegate_class: Any, description: Description) -> None:
        """Takes the plugin's class."""
        self._delegate_class, self._description = delegate_class, description

    def describe(self) -> Description:
        """Says what its `.info` file says."""
        return self._description

    def should_create_target_image(self, operation: TargetOperation) -> bool:
        """Asks it, if it can be asked. It may do all of the work itself."""
        if not hasattr(self._delegate_class, "builder_should_create_target_image"):
            return True
        builder, image = self._target_builder(operation)
        with Worked(operation, image, operation.image.template) as worked:
            should = bool(self._tell(operation, builder, "builder_should_create_target_image"))
            if not should:
                worked.finish()
        return should

    def will_create_target_image(self, operation: TargetOperation) -> CloudContent:
        """Tells it, and answers what it wants from the OS plugin."""
        collector = Collector()
        if hasattr(self._delegate_class, "builder_will_create_target_image"):
            builder, image = self._target_builder(operation)
            builder.os_plugin = collector
            with Worked(operation, image, operation.image.template):
                self._tell(operation, builder, "builder_will_create_target_image")
        return collector.content

    def did_create_target_image(self, operation: TargetOperation) -> None:
        """Has it change a copy of the target image's file; one that it leaves as it is stays the image's."""
        if not hasattr(self._delegate_class, "builder_did_create_target_image"):
            return
        builder, image = self._target_builder(operation)
        made = image_read(TargetImage, operation.image)
        image.icicle = made.icicle
        dict.update(image.properties, made.properties)
        worked = Worked(operation, image, operation.image.template)
        if made.data is not None:
            worked.starts_from(made.data)
        with worked:
            self._tell(operation, builder, "builder_did_create_target_image")
            worked.finish()

    def _target_builder(self, operation: TargetOperation) -> tuple[Builder, TargetImage]:
        builder, image = new_builder(), TargetImage(operation.image_id)
        builder.cloud_plugin = self._delegate_class()
        builder.base_image, builder.target_image = image_read(BaseImage, operation.image), image
        image.base_image_id, image.target = operation.image.id, operation.target
        return builder, image

    def _tell(self, operation: TargetOperation, builder: Builder, name: str) -> Any:
        assert builder.target_image is not None
        template, parameters = Template(operation.template.xml), parameters_of(operation)
        arguments = (builder, operation.target, builder.target_image.base_image_id, template, parameters)
        method = getattr(builder.cloud_plugin, name)
        return call(operation, builder.cloud_plugin, lambda: method(*arguments))

    def _push(self, operation: PushOperation) -> CloudIdentifiers:
        builder, image = self._provider_builder(operation, operation.image_id)
        builder.target_image = image_read(TargetImage, operation.image)
        image.target_image_id, image.icicle = operation.image.id, operation.image.icicle

        def push() -> None:
            account = (operation.provider, operation.credentials.reveal(), operation.target)
            method = builder.cloud_plugin.push_image_to_provider
            method(builder, *account, operation.image.id, parameters_of(operation))

        with Worked(operation, image, operation.image.template):
            return self._create(operation, builder, image, push)

    def _snapshot(self, operation: SnapshotOperation) -> CloudIdentifiers:
        builder, image = self._provider_builder(operation, operation.image_id)
        template = Template(operation.template.xml)

        def snapshot() -> None:
            account = (operation.provider, operation.credentials.reveal(), operation.target)
            method = builder.cloud_plugin.snapshot_image_on_provider
            method(builder, *account, template, parameters_of(operation))

        with Worked(operation, image, operation.template):
            return self._create(operation, builder, image, snapshot)

    def _create(
        self, operation: ProviderOperation, builder: Builder, image: ProviderImage, work: Callable[[], None]
    ) -> CloudIdentifiers:
        """Has the plugin make an image in an account: announced before, and deleted again by the plugin if the operation is not
        completed."""

        def delete(existing: Existing) -> None:
            account = Account(operation.target, operation.provider, operation.credentials)
            self._delete_left_over(operation, account, existing.id)

        with operation.create(IMAGE, operation.target, delete=delete, lasting=True) as resource:
            call(operation, builder.cloud_plugin, work)
            if not image.identifier_on_provider:
                message = "the plugin made an image without an `identifier_on_provider`"
                raise Failure(Fault.PLUGIN, "IMAGEFACTORY_NO_IDENTIFIER", message)
            resource.created(image.identifier_on_provider)
        return CloudIdentifiers(image.identifier_on_provider, image.provider_account_identifier or "")

    def _delete_from_provider(self, operation: DeleteOperation) -> None:
        builder, image = self._provider_builder(operation, operation.image_id)
        dict.update(image.properties, operation.image.properties)
        image.identifier_on_provider = operation.identifiers.identifier_on_provider
        image.provider_account_identifier = operation.identifiers.provider_account_identifier
        with Worked(operation, image, operation.image.template):
            self._delete(operation, builder, operation.provider, operation.credentials.reveal(), operation.target)

    def _reconcile(self, left_over: LeftOver, account: Account, operation: Operation) -> Settled:
        """Deletes what the plugin made, if it is known which; the plugin can't look for it."""
        self._delete_left_over(operation, account, left_over.id)
        return Deleted()

    def _delete_left_over(self, operation: Operation, account: Account, id: str | None) -> None:
        if id is None:
            message = "it is not known whether the plugin made an image, and it can't be asked"
            hint = f"look for an image of {operation.image_id} in {account.provider} and delete it"
            raise Failure(Fault.USER, "IMAGEFACTORY_UNKNOWN", message, hint=hint)
        if not hasattr(self._delegate_class, "delete_from_provider"):
            message = f"the plugin can't delete {id}"
            raise Failure(Fault.USER, "IMAGEFACTORY_NO_DELETE", message, hint=f"delete it in {account.provider}")
        builder, image = new_builder(), ProviderImage(operation.image_id)
        builder.provider_image, builder.cloud_plugin = image, self._delegate_class()
        image.identifier_on_provider, image.provider = id, account.provider
        self._delete(operation, builder, account.provider, account.credentials.reveal(), account.target)

    def _delete(self, operation: Operation, builder: Builder, provider: str, credentials: str, target: str) -> None:
        method = builder.cloud_plugin.delete_from_provider
        parameters = parameters_of(operation)
        try:
            method(builder, provider, credentials, target, parameters)
        except Exception as error:
            message = str(error) or type(error).__name__
            raise Failure(Fault.PLUGIN, "IMAGEFACTORY_DELETE", message) from error

    def _provider_builder(self, operation: ProviderOperation, id: str) -> tuple[Builder, ProviderImage]:
        builder, image = new_builder(), ProviderImage(id)
        builder.cloud_plugin, builder.provider_image = self._delegate_class(), image
        image.provider, image.credentials = operation.provider, operation.credentials.reveal()
        return builder, image


METHODS: dict[str, tuple[str, Callable[..., Any]]] = {
    "push_image_to_provider": ("push_image_to_provider", BridgedCloud._push),
    "snapshot_image_on_provider": ("snapshot_image_on_provider", BridgedCloud._snapshot),
    "delete_from_provider": ("delete_from_provider", BridgedCloud._delete_from_provider),
    "reconcile": ("delete_from_provider", BridgedCloud._reconcile),
}
"""Each method of ours that a plugin may lack, the original's that it needs, and what it does."""
