"""Makes our own `imgfac` what plugins of Image Factory import under that name."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from factory_plugin.bridge import imgfac


def install() -> None:
    """Has `import imgfac` and `from imgfac.X import Y` find the shim, whatever else is installed."""
    sys.modules["imgfac"] = imgfac
    for module in pkgutil.iter_modules(imgfac.__path__):
        full = importlib.import_module(f"{imgfac.__name__}.{module.name}")
        sys.modules[f"imgfac.{module.name}"] = full
