"""Files and commands that a cloud needs in an image, in Image Factory's form and in ours."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from factory_plugin.bridge.imgfac.ImageFactoryException import ImageFactoryException
from factory_plugin.template import CloudContent, Command, File


class Collector:
    """Stands in for the OS plugin while a cloud plugin says what it needs."""

    def __init__(self) -> None:
        """Has collected nothing."""
        self.content = CloudContent()

    def add_cloud_plugin_content(self, content: Mapping[str, Any]) -> None:
        """Takes files and commands. Raises `ImageFactoryException` if one is not as it must be."""
        files = tuple(File(_name(it), _decoded(it, "file")) for it in content.get("files", ()))
        commands = tuple(Command(_name(it), _decoded(it, "command")) for it in content.get("commands", ()))
        self.content = CloudContent(self.content.files + files, self.content.commands + commands)


def original_form(content: CloudContent) -> dict[str, list[dict[str, str]]]:
    """Answers the content as an original OS plugin takes it."""
    return {
        "files": [{"name": it.name, **_encoded(it.content, "file")} for it in content.files],
        "commands": [{"name": it.name, **_encoded(it.content, "command")} for it in content.commands],
    }


def _name(item: Mapping[str, Any]) -> str:
    if not item.get("name"):
        raise ImageFactoryException("cloud content without a name")
    return str(item["name"])


def _decoded(item: Mapping[str, Any], key: str) -> bytes:
    if key not in item:
        raise ImageFactoryException(f"cloud content {item['name']} has no `{key}`")
    value = item[key]
    raw = value if isinstance(value, bytes) else str(value).encode()
    match item.get("type"):
        case "raw":
            return raw
        case "base64":
            return base64.b64decode(raw)
        case other:
            raise ImageFactoryException(
                f"cloud content {item['name']} is of the type {other!r}: it must be raw or base64"
            )


def _encoded(content: bytes, key: str) -> dict[str, str]:
    try:
        return {"type": "raw", key: content.decode()}
    except UnicodeDecodeError:
        return {"type": "base64", key: base64.b64encode(content).decode()}
