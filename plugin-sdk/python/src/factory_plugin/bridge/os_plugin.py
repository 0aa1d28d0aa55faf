"""An original OS plugin as one of ours."""

from __future__ import annotations

from typing import Any

from factory_plugin.bridge.call import call
from factory_plugin.bridge.content import original_form
from factory_plugin.bridge.images import Worked, image_read, parameters_of
from factory_plugin.bridge.imgfac.ApplicationConfiguration import ApplicationConfiguration
from factory_plugin.bridge.imgfac.BaseImage import BaseImage
from factory_plugin.bridge.imgfac.Builder import Builder
from factory_plugin.bridge.imgfac.TargetImage import TargetImage
from factory_plugin.bridge.imgfac.Template import Template
from factory_plugin.delegate import OSPlugin
from factory_plugin.description import Description
from factory_plugin.operation import BaseImageOperation, TargetImageOperation


class BridgedOS(OSPlugin):
    """An original OS plugin: a new object of its class for each operation."""

    def __init__(self, delegate_class: Any, description: Description) -> None:
        """Takes the plugin's class."""
        self._delegate_class, self._description = delegate_class, description

    def describe(self) -> Description:
        """Says what its `.info` file says."""
        return self._description

    def create_base_image(self, operation: BaseImageOperation) -> None:
        """Has it install `builder.base_image`."""
        builder, image = new_builder(), BaseImage(operation.image_id)
        builder.base_image, builder.os_plugin = image, self._delegate_class()
        template = Template(operation.template.xml)
        with Worked(operation, image, operation.template) as worked:
            method = builder.os_plugin.create_base_image
            call(operation, builder.os_plugin, lambda: method(builder, template, parameters_of(operation)))
            worked.finish()


class BridgedOSWithTargets(BridgedOS):
    """One that makes target images too."""

    def create_target_image(self, operation: TargetImageOperation) -> None:
        """Has it make `builder.target_image` of `builder.base_image`."""
        builder, image = new_builder(), TargetImage(operation.image_id)
        builder.base_image = image_read(BaseImage, operation.image)
        builder.target_image, builder.os_plugin = image, self._delegate_class()
        image.base_image_id, image.target, image.icicle = operation.image.id, operation.target, operation.image.icicle
        with Worked(operation, image, operation.image.template) as worked:
            if operation.cloud_content and hasattr(builder.os_plugin, "add_cloud_plugin_content"):
                builder.os_plugin.add_cloud_plugin_content(original_form(operation.cloud_content))
            method = builder.os_plugin.create_target_image
            arguments = (builder, operation.target, operation.image.id, parameters_of(operation))
            call(operation, builder.os_plugin, lambda: method(*arguments))
            worked.finish()


def new_builder() -> Builder:
    """Makes a builder with the configuration."""
    builder = Builder()
    configuration: Any = ApplicationConfiguration()
    builder.app_config = configuration.configuration
    return builder
