"""Base images."""

from factory_plugin.bridge.imgfac.PersistentImage import PersistentImage


class BaseImage(PersistentImage):
    """An image as an OS plugin installs it."""
