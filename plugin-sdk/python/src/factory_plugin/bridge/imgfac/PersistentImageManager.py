"""The store of images, as plugins see it: the images of the operations that run now. What is saved is reported, and kept by the
factory."""

from __future__ import annotations

import threading
from typing import Any

from factory_plugin.bridge.imgfac.PersistentImage import PersistentImage
from factory_plugin.bridge.imgfac.Singleton import Singleton


class PersistentImageManager(Singleton):
    """The images of the operations that run now."""

    def _singleton_init(self, *arguments: Any, **named: Any) -> None:
        self._lock = threading.Lock()
        self._images: dict[str, PersistentImage] = {}

    @classmethod
    def default_manager(cls) -> Any:
        """Answers the only one."""
        return cls()

    def image_with_id(self, image_id: str) -> PersistentImage | None:
        """Answers an image, if an operation works with it now."""
        with self._lock:
            return self._images.get(image_id)

    def add_image(self, image: PersistentImage) -> PersistentImage:
        """Makes an image known."""
        with self._lock:
            self._images[image.identifier] = image
        return image

    def save_image(self, image: PersistentImage) -> None:
        """Reports what an image is now."""
        image.on_change(image)

    def forget(self, image: PersistentImage) -> None:
        """Forgets an image: its operation has ended."""
        with self._lock:
            self._images.pop(image.identifier, None)
