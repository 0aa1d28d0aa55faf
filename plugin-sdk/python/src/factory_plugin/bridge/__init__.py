"""Runs an original plugin of Image Factory, unmodified, as a plugin of ours.

    factory-plugin-bridge --info imagefactory_plugins/MockOS/MockOS.info --install /etc/factory/plugins

The plugin's package, `imagefactory_plugins.NAME` with its `delegate_class`, is imported as it is. What it imports as `imgfac` is our
own (`factory_plugin.bridge.imgfac`). Its `builder`, its images and its configuration look as it expects; what it does to its images is
reported while it happens.
"""

from factory_plugin.bridge.bridged import bridged

__all__ = ["bridged"]
