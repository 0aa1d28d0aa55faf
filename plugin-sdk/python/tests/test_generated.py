"""The generated code: what the `.proto` files make, and what more than one version of protobuf loads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent
GENERATOR = HERE.parent.parent / "target" / "python-proto" / "bin" / "python"


def test_the_generated_code_is_what_the_proto_files_make() -> None:
    if not GENERATOR.exists():
        pytest.fail(f"{GENERATOR} is missing: run `make python`")
    checked = subprocess.run([GENERATOR, HERE / "tools" / "generate.py", "--check"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_oldest_runtime_that_is_allowed_loads_the_generated_code() -> None:
    """That of the generator: protobuf 6; the tests run with the newest."""
    program = "import factory_plugin.proto as p; print(p.Event(seq=1).SerializeToString().hex())"
    loaded = subprocess.run([GENERATOR, "-c", program], cwd=HERE / "src", capture_output=True, text=True)
    assert (loaded.stdout.strip(), loaded.stderr) == ("0801", "")
