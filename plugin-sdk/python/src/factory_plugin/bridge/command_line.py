"""The bridge on the command line: runs an original plugin, or makes it one that the factory finds."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from factory_plugin.bridge.bridged import bridged
from factory_plugin.bridge.imgfac.ApplicationConfiguration import CONFIG_FILE
from factory_plugin.command_line import run
from factory_plugin.description import Needs

_SCRIPT = """#!{python}
# Made by factory-plugin-bridge: runs the plugin of Image Factory whose .info file is named below.
import sys

from factory_plugin import Needs
from factory_plugin.bridge.command_line import serve

sys.exit(serve({info!r}, config={config!r}, needs={needs!r}))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says. Answers the exit code."""
    parser = _parser()
    asked, rest = parser.parse_known_args(arguments)
    needs = Needs(
        network=asked.network,
        hosts=asked.host,
        devices=asked.device,
        read_paths=[*asked.read_path, *([asked.config] if asked.config else [])],
        write_paths=asked.write_path,
    )
    if asked.install is None:
        sys.argv[1:] = rest
        return serve(asked.info, config=asked.config, needs=needs)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        print(install(asked.info, asked.install, asked.config, needs))
    except (OSError, ValueError, ImportError) as error:
        print(f"{asked.info} can't be installed: {error}", file=sys.stderr)
        return 1
    return 0


def serve(info: str | Path, *, config: str = "", needs: Needs | None = None) -> int:
    """Runs the original plugin of an `.info` file as a plugin of ours: the whole of its program."""
    if config:
        os.environ[CONFIG_FILE] = config
    path = Path(info)
    try:
        plugin = bridged(path, needs or Needs())
    except (OSError, ValueError, ImportError) as error:
        print(f"{path} can't be run: {error}", file=sys.stderr)
        return 1
    return run(plugin)


def install(info: Path, directory: Path, config: str, needs: Needs) -> Path:
    """Puts a copy of an `.info` file into a plugin directory of the factory, and a program beside it that runs the plugin. Answers the
    program's path. Raises what keeps it from that, and leaves nothing behind."""
    bridged(info, needs)
    program = directory / f"factory-plugin-{info.stem}"
    script = _SCRIPT.format(python=sys.executable, info=str(info.resolve()), config=config, needs=needs)
    made = program.with_suffix(".new")
    try:
        made.write_text(script)
        made.chmod(0o755)
        shutil.copyfile(info, directory / info.name)
        made.replace(program)
    finally:
        made.unlink(missing_ok=True)
    return program


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="factory-plugin-bridge",
        description="Run a plugin of Image Factory, unmodified, as a plugin of the image factory.",
        epilog="Without --install it is run: `describe` says what it is.",
    )
    parser.add_argument("--info", type=Path, required=True, metavar="FILE", help="the plugin's NAME.info file")
    parser.add_argument("--install", type=Path, metavar="DIRECTORY", help="make it a plugin in this directory")
    parser.add_argument("--config", default="", metavar="FILE", help="its imagefactory.conf")
    parser.add_argument("--network", choices=["none", "loopback", "hosts", "any"], default="none")
    for name, what in (
        ("host", "a host that it connects to, with --network hosts"),
        ("device", "a device that it uses"),
        ("read-path", "a path that it reads"),
        ("write-path", "a path that it writes"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], help=f"{what}; may be given again")
    return parser
