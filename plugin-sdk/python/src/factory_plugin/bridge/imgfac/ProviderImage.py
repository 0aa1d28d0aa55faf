"""Provider images."""

from __future__ import annotations

from factory_plugin.bridge.imgfac.PersistentImage import PersistentImage


class ProviderImage(PersistentImage):
    """An image inside an account of a provider. Its credentials are not kept."""

    METADATA = (
        *PersistentImage.METADATA,
        "target_image_id",
        "provider",
        "identifier_on_provider",
        "provider_account_identifier",
    )

    def __init__(self, image_id: str | None = None) -> None:
        """Makes a new one."""
        super().__init__(image_id)
        self.target_image_id: str | None = None
        self.provider: str | None = None
        self.credentials: str | None = None
        self.identifier_on_provider: str | None = None
        self.provider_account_identifier: str | None = None
