"""From an `.info` file to a plugin of ours."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from factory_plugin.bridge import shim
from factory_plugin.bridge.cloud_plugin import METHODS, BridgedCloud
from factory_plugin.bridge.os_plugin import BridgedOS, BridgedOSWithTargets
from factory_plugin.delegate import Plugin
from factory_plugin.description import Description, Needs

PACKAGE = "imagefactory_plugins"
"""The package in which original plugins are."""


def bridged(info: Path, needs: Needs) -> Plugin:
    """Answers the original plugin of an `.info` file as a plugin of ours, which needs its own package besides what is said.

    That is looked for where Python looks, and two directories above the file. Raises `ImportError` if it is not there, `ValueError` if
    the file can't be used.
    """
    kind = str(json.loads(info.read_text()).get("type", "")).lower()
    readable = [*needs.read_paths, str(info.resolve().parent)]
    needs = replace(needs, credentials=kind == "cloud", read_paths=readable)
    description = Description.from_info(
        info, input_formats=["raw", "qcow2"], output_formats=["raw", "qcow2"], needs=needs
    )
    delegate_class = _delegate_class(info)
    if kind == "os":
        has_targets = hasattr(delegate_class, "create_target_image")
        return (BridgedOSWithTargets if has_targets else BridgedOS)(delegate_class, description)
    own = {name: method for name, (needed, method) in METHODS.items() if hasattr(delegate_class, needed)}
    plugin: Plugin = type("Bridged", (BridgedCloud,), own)(delegate_class, description)
    return plugin


def _delegate_class(info: Path) -> Any:
    shim.install()
    above = str(info.resolve().parent.parent.parent)
    if info.resolve().parent.parent.name == PACKAGE and above not in sys.path:
        sys.path.append(above)
    module = importlib.import_module(f"{PACKAGE}.{info.stem}")
    if not hasattr(module, "delegate_class"):
        raise ImportError(f"{module.__name__} has no `delegate_class`, so it is no plugin of Image Factory")
    return module.delegate_class
