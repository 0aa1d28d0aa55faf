"""What a plugin's executable does: serve the factory that started it, or answer the person that did."""

from __future__ import annotations

import argparse
import json
import os
import sys

# A plugin starts programs and never forks itself: gRPC need not prepare for that.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

from factory_plugin import stdout
from factory_plugin.delegate import Plugin


def run(plugin: Plugin) -> int:
    """Runs the executable: the whole of a plugin's `main`. Answers the exit code."""
    # What a factory does with every start does not wait for the command line's parser.
    if len(sys.argv) == 1 and stdout.is_claimed():
        from factory_plugin.launch import run as serve

        serve(plugin)
    stdout.release()
    from factory_plugin.description import describe_json
    from factory_plugin.server import Server

    description = Server(plugin).description
    parser = argparse.ArgumentParser(
        prog=f"factory-plugin-{description.name}",
        description=description.description,
        epilog="Started without arguments by the image factory, it serves that factory.",
    )
    version = f"{description.name} {description.version}"
    parser.add_argument("-V", "--version", action="version", version=version, help="print the version")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("describe", help="print what the plugin is and serves, as JSON")
    if parser.parse_args().command == "describe":
        print(json.dumps(describe_json(description), indent=2))
        return 0
    print(
        f"{description.name} is a plugin of the image factory, which starts it by itself; run it with `describe` to see what "
        "it serves",
        file=sys.stderr,
    )
    return 1
