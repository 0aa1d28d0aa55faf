"""Makes `factory_plugin/_proto` from the `.proto` files of the repository: `make proto`.

The generated modules go into our own package, so that no two plugins in one interpreter fight over a top-level name
`factory`: only their imports of each other are rewritten. The descriptors keep the contract's names.

`--check` changes nothing and fails if what is there is not what the `.proto` files make.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent.parent
PROTO = HERE.parent.parent / "proto"
PACKAGE = HERE / "src" / "factory_plugin" / "_proto"
SOURCES = ("factory/plugin/v1/*.proto", "goplugin/*.proto")
IMPORT = re.compile(r"^from (factory\.plugin\.v1|goplugin) import", re.MULTILINE)
DOCSTRING = '"""Generated from the repository\'s `.proto` files by `make proto`."""\n'


def main() -> int:
    """Writes the modules, or compares them; answers the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="compare only")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory() as directory:
        made = generate(Path(directory))
    if check:
        return compare(made)
    for name, text in made.items():
        path = PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def generate(directory: Path) -> dict[str, str]:
    """Answers the text of each generated file, by its path below the package."""
    sources = sorted(str(path) for pattern in SOURCES for path in PROTO.glob(pattern))
    include = Path(protoc.__file__).parent / "_proto"
    options = [f"-I{PROTO}", f"-I{include}", f"--python_out={directory}", f"--pyi_out={directory}"]
    if protoc.main(["protoc", *options, *sources]) != 0:
        raise SystemExit("protoc failed: see above")
    made = {
        str(path.relative_to(directory)): IMPORT.sub(r"from factory_plugin._proto.\1 import", path.read_text())
        for path in sorted(directory.rglob("*.py*"))
    }
    packages = {parent for name in made for parent in Path(name).parents}
    return made | {str(package / "__init__.py"): DOCSTRING for package in packages}


def compare(made: dict[str, str]) -> int:
    """Answers 1 and names each file that is not as it would be made."""
    there = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py*") if "__pycache__" not in path.parts}
    wrong = sorted(name for name in there | made.keys() if made.get(name) != _read(PACKAGE / name))
    for name in wrong:
        print(f"{PACKAGE / name} is not what the .proto files make: run `make proto`", file=sys.stderr)
    return 1 if wrong else 0


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
