"""Images: what an operation reads of one, announces for one, and what a provider calls one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_plugin import proto
from factory_plugin.template import Template, template_of


@dataclass(frozen=True)
class Artifact:
    """A file of an image."""

    role: str
    """What it is to the image: `disk`, `rootfs`, `archive`, … The first one is the image's body."""
    path: Path
    """Where it is."""
    format: str
    """`raw`, `qcow2`, `tar`, …"""
    size: int = 0
    """Its size in bytes."""
    virtual_size: int = 0
    """The size that a guest sees, in bytes; 0 if that means nothing."""
    sha256: str = ""
    """SHA-256 of the file, in hexadecimal digits."""


@dataclass(frozen=True)
class Image:
    """An image that an operation reads."""

    id: str
    """Its id."""
    artifacts: tuple[Artifact, ...]
    """Its files, which are read-only."""
    template: Template
    """The template it was built from."""
    target: str = ""
    """The target it was made for; empty for a base image."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Its properties."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The parameters it was built with, without the sensitive ones."""
    icicle: str = ""
    """Its ICICLE (XML), if it has one."""

    def artifact(self, role: str) -> Artifact | None:
        """Answers the file of a role, if the image has it."""
        return next((artifact for artifact in self.artifacts if artifact.role == role), None)


@dataclass(frozen=True)
class CloudIdentifiers:
    """What a provider calls an image."""

    identifier_on_provider: str
    """The image's identifier in the provider, such as an AMI id."""
    provider_account_identifier: str = ""
    """The account it is in."""


@dataclass(frozen=True)
class InstalledPackage:
    """A package that is in an image."""

    name: str
    """Its name."""
    version: str = ""
    """Its version."""
    arch: str = ""
    """Its architecture."""
    extra: str = ""
    """The output of `os/icicle/extra_command` for it."""


def image_of(message: proto.InputImage) -> Image:
    """Reads an image as it travels."""
    return Image(
        id=message.id,
        artifacts=tuple(
            Artifact(it.role, Path(it.path), it.format, it.size, it.virtual_size, it.sha256) for it in message.artifacts
        ),
        template=template_of(message.template),
        target=message.target,
        properties=json.loads(message.properties_json or "{}"),
        parameters=json.loads(message.parameters_json or "{}"),
        icicle=message.icicle_xml,
    )


def identifiers_of(message: proto.CloudIdentifiers) -> CloudIdentifiers:
    """Reads identifiers as they travel."""
    return CloudIdentifiers(message.identifier_on_provider, message.provider_account_identifier)
