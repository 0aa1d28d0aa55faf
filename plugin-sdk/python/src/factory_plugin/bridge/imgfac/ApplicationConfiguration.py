"""The configuration: one object whose `configuration` is a mapping, with the defaults of Image Factory."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from factory_plugin.bridge.imgfac.Singleton import Singleton

CONFIG_FILE = "IMAGEFACTORY_CONFIG"
"""Environment variable of the bridge: the configuration file."""


class ApplicationConfiguration(Singleton):
    """The configuration."""

    configuration: dict[str, Any]
    """By key, as in `imagefactory.conf`."""
    jeos_images: dict[str, Any]
    """Images to start from, by target, provider, os, version and arch; none are known here."""

    def _singleton_init(self, configuration: dict[str, Any] | None = None, **named: Any) -> None:
        file = os.environ.get(CONFIG_FILE, "")
        written = json.loads(Path(file).read_text()) if file else {}
        self.configuration = _defaults() | written | (configuration or {})
        self.jeos_images = {}

    @property
    def arguments(self) -> dict[str, Any]:
        """What the command line said: nothing."""
        return {}


def _defaults() -> dict[str, Any]:
    directory = tempfile.gettempdir()
    return {
        "verbose": False,
        "debug": False,
        "foreground": True,
        "imgdir": directory,
        "tmpdir": directory,
        "timeout": 3600,
        "plugins": "/etc/imagefactory/plugins.d",
        "output": "log",
        "image_manager": "file",
        "image_manager_args": {"storage_path": directory},
        "tdl_require_root_pw": False,
        "jeos_config": [],
        "ec2_ami_type": "ebs",
        "ec2_image_format": "raw",
        "ec2-32bit-util": "m1.small",
        "ec2-64bit-util": "m1.large",
        "openstack_image_format": "raw",
        "max_concurrent_local_sessions": 1,
        "max_concurrent_ec2_sessions": 1,
    }
