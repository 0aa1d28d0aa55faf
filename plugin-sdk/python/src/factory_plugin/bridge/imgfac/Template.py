"""A template as plugins read it: the document, and a few of its elements."""

from __future__ import annotations

from xml.etree import ElementTree


class Template:
    """A template. What it does not have is `None`."""

    def __init__(self, template: str) -> None:
        """Reads a document, which the factory has checked."""
        self.xml = template
        self._root = ElementTree.fromstring(template)

    def __str__(self) -> str:
        return self.xml

    def __repr__(self) -> str:
        return f"Template({self.name!r})"

    @property
    def identifier(self) -> str | None:
        """Its name in a store: it has none."""
        return None

    @property
    def name(self) -> str | None:
        """`name`."""
        return self._text("name")

    @property
    def os_name(self) -> str | None:
        """`os/name`."""
        return self._text("os/name")

    @property
    def os_version(self) -> str | None:
        """`os/version`."""
        return self._text("os/version")

    @property
    def os_arch(self) -> str | None:
        """`os/arch`."""
        return self._text("os/arch")

    @property
    def install_type(self) -> str | None:
        """`os/install/@type`."""
        install = self._root.find("os/install")
        return None if install is None else install.get("type")

    @property
    def install_url(self) -> str | None:
        """`os/install/url`."""
        return self._text("os/install/url")

    @property
    def install_iso(self) -> str | None:
        """`os/install/iso`."""
        return self._text("os/install/iso")

    @property
    def install_location(self) -> str | None:
        """The one of `install_url` and `install_iso` that there is."""
        return self.install_url or self.install_iso

    def _text(self, path: str) -> str | None:
        return self._root.findtext(path)
