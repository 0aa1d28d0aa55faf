"""What plugins are given to work on."""

from __future__ import annotations

from typing import Any

from factory_plugin.bridge.imgfac.BaseImage import BaseImage
from factory_plugin.bridge.imgfac.ProviderImage import ProviderImage
from factory_plugin.bridge.imgfac.TargetImage import TargetImage


class Builder:
    """The images that are being made, and the plugins that make them."""

    def __init__(self) -> None:
        """Has nothing yet."""
        self.app_config: dict[str, Any] = {}
        self.os_plugin: Any = None
        self.cloud_plugin: Any = None
        self.base_image: BaseImage | None = None
        self.target_image: TargetImage | None = None
        self.provider_image: ProviderImage | None = None
