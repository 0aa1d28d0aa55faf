"""Between our operations and the images that an original plugin is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from factory_plugin.bridge.imgfac.BaseImage import BaseImage
from factory_plugin.bridge.imgfac.PersistentImage import PersistentImage
from factory_plugin.bridge.imgfac.PersistentImageManager import PersistentImageManager
from factory_plugin.bridge.imgfac.TargetImage import TargetImage
from factory_plugin.failure import Failure, Fault
from factory_plugin.image import Image
from factory_plugin.operation import Operation
from factory_plugin.template import Template

BODY = "body"
"""The name of the file that an original plugin writes."""
ROLE = "disk"
"""What that file is to the image."""
PARAMETER_PREFIX = "x-imagefactory-parameter-"
"""Begins the names of properties that hold what an original plugin noted in an image's parameters for other plugins."""
_QCOW2_MAGIC = b"QFI\xfb"

AnyImage = TypeVar("AnyImage", bound=PersistentImage)


def parameters_of(operation: Operation) -> dict[str, Any]:
    """Answers the parameters as an original plugin reads them, the sensitive ones among them."""
    parameters = operation.parameters
    secrets = {name: parameters.secret(name) for name in parameters.secret_names()}
    return dict(parameters) | {name: secret.reveal() for name, secret in secrets.items() if secret is not None}


def image_read(kind: type[AnyImage], image: Image) -> AnyImage:
    """Makes the image that an operation reads."""
    made = kind(image.id)
    _fill_in(made, dict(image.parameters), image.template)
    for key, value in image.properties.items():
        if key.startswith(PARAMETER_PREFIX):
            dict.__setitem__(made.parameters, key.removeprefix(PARAMETER_PREFIX), value)
        else:
            dict.__setitem__(made.properties, key, value)
    made.icicle = image.icicle or None
    body = image.artifact(ROLE) or next(iter(image.artifacts), None)
    made.data = str(body.path) if body is not None else None
    if isinstance(made, TargetImage):
        made.target = image.target
    made._status, made._percent_complete = "COMPLETE", 100
    return made


class Worked:
    """The image that an operation works on, as its plugin sees it: a context, in which what the plugin does to it is reported."""

    def __init__(self, operation: Operation, image: PersistentImage, template: Template | None) -> None:
        """Fills the image in: with the operation's parameters, and a file of its own."""
        self._operation, self.image = operation, image
        self._reported: tuple[Any, ...] = ()
        _fill_in(image, parameters_of(operation), template)
        image.data = str(operation.work_dir / BODY)
        image._status = "BUILDING"
        self._known_icicle = image.icicle
        self._before: tuple[int, ...] | None = None

    def starts_from(self, source: str) -> None:
        """Gives the image a copy of a file for its own, without copying its holes."""
        body = str(self.image.data)
        self._operation.run(["cp", "--reflink=auto", "--sparse=always", "--", source, body], package="coreutils")
        self._before = _stamp(body)

    def __enter__(self) -> Worked:
        Path(str(self.image.data)).touch()
        PersistentImageManager.default_manager().add_image(self.image)
        self.image.on_change = self._changed
        self.image.properties.report = self._operation.property
        self.image.parameters.report = lambda key, value: self._operation.property(PARAMETER_PREFIX + key, value)
        return self

    def __exit__(self, *raised: object) -> None:
        self.image.on_change = lambda image: None
        PersistentImageManager.default_manager().forget(self.image)

    def finish(self) -> None:
        """Announces what the plugin made. Raises `Failure` if it left the image failed."""
        if self.image.status in ("FAILED", "DELETEFAILED"):
            detail = self.image.status_detail
            message = str(detail.get("error") or detail.get("activity") or "the plugin says that it failed")
            raise Failure(Fault.PLUGIN, "IMAGEFACTORY_FAILED", message.splitlines()[-1], detail=message)
        if self.image.icicle and self.image.icicle != self._known_icicle:
            self._operation.packages([], icicle=str(self.image.icicle))
        body = Path(str(self.image.data))
        if body.is_file() and body.stat().st_size and _stamp(body) != self._before:
            self._operation.artifact(ROLE, _inside(self._operation, body), _format(body))

    def _changed(self, image: PersistentImage) -> None:
        """Reports how far the image is: its status is what the operation does."""
        detail = image.status_detail
        told = (image.status, image.percent_complete, detail.get("activity"), detail.get("error"))
        if told == self._reported:
            return
        self._reported = told
        percent = image.percent_complete or None
        self._operation.progress(image.status, percent=percent, activity=str(detail.get("activity") or ""))
        if detail.get("error"):
            self._operation.warning(str(detail["error"]))


def _fill_in(image: PersistentImage, parameters: dict[str, Any], template: Template | None) -> None:
    dict.update(image.parameters, parameters)
    image.template = template.xml if template is not None else None


def _inside(operation: Operation, body: Path) -> str:
    """Answers the name of a plugin's file in the work directory; of one that it put elsewhere, once it was moved there."""
    if body.parent == operation.work_dir:
        return body.name
    moved = operation.work_dir / BODY
    operation.run(["mv", "--", body, moved], package="coreutils")
    return moved.name


def _stamp(path: str | Path) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _format(body: Path) -> str:
    with open(body, "rb") as file:
        return "qcow2" if file.read(len(_QCOW2_MAGIC)) == _QCOW2_MAGIC else "raw"


__all__ = ["BODY", "PARAMETER_PREFIX", "ROLE", "BaseImage", "Worked", "image_read", "parameters_of"]
