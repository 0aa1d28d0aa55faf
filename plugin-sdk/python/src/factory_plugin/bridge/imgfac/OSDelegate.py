"""The interface of plugins that install operating systems. One of zope's, where that is installed, for plugins say by it what they
are."""

from __future__ import annotations

from typing import Any

from factory_plugin.bridge.imgfac._interface import Interface


class OSDelegate(Interface):
    """What an OS plugin may have."""

    def create_base_image(builder: Any, template: Any, parameters: Any) -> None:
        """Installs an operating system into `builder.base_image.data`."""

    def create_target_image(builder: Any, target: Any, base_image: Any, parameters: Any) -> None:
        """Makes `builder.target_image.data` of a base image, of which it is given the id."""

    def add_cloud_plugin_content(content: Any) -> None:
        """Notes files and commands for `create_target_image`."""

    def abort() -> None:
        """Ends what is under way."""
