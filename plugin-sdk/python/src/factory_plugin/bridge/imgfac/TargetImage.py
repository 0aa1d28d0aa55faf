"""Target images."""

from __future__ import annotations

from factory_plugin.bridge.imgfac.PersistentImage import PersistentImage


class TargetImage(PersistentImage):
    """An image made fit for a kind of cloud."""

    METADATA = (*PersistentImage.METADATA, "base_image_id", "target")

    def __init__(self, image_id: str | None = None) -> None:
        """Makes a new one."""
        super().__init__(image_id)
        self.base_image_id: str | None = None
        self.target: str | None = None
