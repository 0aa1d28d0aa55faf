"""The interface of plugins for clouds. One of zope's, where that is installed, for plugins say by it what they are."""

from __future__ import annotations

from typing import Any

from factory_plugin.bridge.imgfac._interface import Interface


class CloudDelegate(Interface):
    """What a cloud plugin may have."""

    def builder_should_create_target_image(
        builder: Any, target: Any, image_id: Any, template: Any, parameters: Any
    ) -> bool:
        """Says whether the OS plugin is needed for a target image."""

    def builder_will_create_target_image(
        builder: Any, target: Any, image_id: Any, template: Any, parameters: Any
    ) -> None:
        """Is called before the OS plugin makes a target image."""

    def builder_did_create_target_image(
        builder: Any, target: Any, image_id: Any, template: Any, parameters: Any
    ) -> None:
        """Is called after the OS plugin made a target image."""

    def push_image_to_provider(
        builder: Any, provider: Any, credentials: Any, target: Any, target_image: Any, parameters: Any
    ) -> None:
        """Puts a target image, of which it is given the id, into an account."""

    def snapshot_image_on_provider(
        builder: Any, provider: Any, credentials: Any, target: Any, template: Any, parameters: Any
    ) -> None:
        """Builds an image inside an account."""

    def delete_from_provider(builder: Any, provider: Any, credentials: Any, target: Any, parameters: Any) -> None:
        """Deletes `builder.provider_image` from an account."""

    def abort() -> None:
        """Ends what is under way."""
