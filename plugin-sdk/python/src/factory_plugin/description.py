"""What a plugin says about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from factory_plugin import proto
from factory_plugin.version import SDK

Network = Literal["none", "loopback", "hosts", "any"]
"""How far a plugin reaches over the network."""

_KINDS = {"os": proto.PluginKind.PLUGIN_KIND_OS, "cloud": proto.PluginKind.PLUGIN_KIND_CLOUD}
_PARTS = {"os": (3, "[name, version or null, arch or null]"), "cloud": (1, "[target]")}


@dataclass(frozen=True)
class Tool:
    """A program that a plugin runs."""

    program: str
    """Its name, as found on PATH."""
    debian_package: str = ""
    """The Debian package that holds it, so that a person can install it."""
    optional: bool = False
    """Whether the plugin works without it, with less."""


@dataclass(frozen=True)
class Needs:
    """What a plugin needs from its machine. What is not named here may be denied."""

    devices: Sequence[str] = ()
    """Device nodes, such as `/dev/kvm`."""
    network: Network = "none"
    """Network access."""
    hosts: Sequence[str] = ()
    """Hosts it connects to when `network` is `hosts`."""
    read_paths: Sequence[str] = ()
    """Paths it reads outside its own directories."""
    write_paths: Sequence[str] = ()
    """Paths it writes outside its own directories."""
    user_namespaces: bool = False
    """Whether it creates user namespaces."""
    tools: Sequence[Tool] = ()
    """Programs it runs."""
    credentials: bool = False
    """Whether it is given credentials."""


class Description:
    """What a plugin says about itself. Made of its own `.info` file, so that the two never disagree.

    Capabilities are not said here: the SDK sees which methods the plugin's class has.
    """

    def __init__(self, message: proto.DescribeResponse) -> None:
        """Takes the answer to `Describe`; `from_info` makes one."""
        self.message = message

    @classmethod
    def from_info(
        cls,
        info: str | Path,
        *,
        name: str = "",
        version: str = "",
        input_formats: Sequence[str] = (),
        output_formats: Sequence[str] = (),
        parameters_schema: Mapping[str, Any] | None = None,
        provider_schema: Mapping[str, Any] | None = None,
        credentials_schema: Mapping[str, Any] | None = None,
        needs: Needs | None = None,
        operations_max: int = 0,
        warnings: Sequence[str] = (),
    ) -> Description:
        """Starts from the plugin's `.info` file (a `Path`, whose name is the plugin's) or its text (with a `name`): kind, targets,
        description, version, license, maintainer.

        `version` replaces the file's. Schemas are JSON Schema (2020-12). `operations_max` is how many operations it can run at once; the
        SDK refuses more. `warnings` is what a person should know, one sentence each. Raises `ValueError` if the file can't be used.
        """
        text = info.read_text() if isinstance(info, Path) else info
        name = name or (info.stem if isinstance(info, Path) else "")
        raw = _read(name, text)
        kind = raw["type"].lower()
        message = proto.DescribeResponse(
            name=name,
            version=version or _text(raw.get("version")),
            kind=_KINDS[kind],
            description=_text(raw.get("description")),
            targets=[_target(line) for line in raw["targets"]],
            input_formats=input_formats,
            output_formats=output_formats,
            parameters_schema_json=_schema(parameters_schema),
            provider_schema_json=_schema(provider_schema),
            credentials_schema_json=_schema(credentials_schema),
            needs=_needs(needs or Needs()),
            max_concurrent_operations=operations_max,
            maintainer=_maintainer(raw.get("maintainer")),
            license=_text(raw.get("license")),
            sdk=SDK,
            warnings=warnings,
        )
        return cls(message)


def describe_json(message: proto.DescribeResponse) -> dict[str, Any]:
    """Answers a description as JSON: the `.proto`'s field names, schemas as JSON values."""
    from google.protobuf.json_format import MessageToDict

    described: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    for name in ("parameters_schema_json", "provider_schema_json", "credentials_schema_json"):
        described[name] = _schema_value(described[name])
    return described


def _read(name: str, text: str) -> dict[str, Any]:
    """Reads an `.info` file."""

    def wrong(why: str) -> ValueError:
        return ValueError(f"{name}.info can't be used: {why}")

    try:
        raw = json.loads(text)
    except ValueError as error:
        raise wrong(f"it is no JSON: {error}") from error
    if not isinstance(raw, dict):
        raise wrong("it is not a JSON object")
    for key in ("type", "targets"):
        if key not in raw:
            raise wrong(f"key `{key}` is missing")
    kind = raw["type"].lower() if isinstance(raw["type"], str) else ""
    if kind not in _KINDS:
        raise wrong(f'`type` is {json.dumps(raw["type"])}, but must be "os" or "cloud"')
    if not isinstance(raw["targets"], list):
        raise wrong("`targets` is not a list")
    length, expected = _PARTS[kind]
    for index, line in enumerate(raw["targets"]):
        parts = line if isinstance(line, list) and len(line) == length else [0]
        if not isinstance(parts[0], str) or any(not isinstance(part, (str, type(None))) for part in parts):
            raise wrong(f"`targets[{index}]` is {json.dumps(line)}, but must be {expected}")
    return raw


def _target(line: Sequence[str | None]) -> proto.PluginTarget:
    return proto.PluginTarget(parts=[proto.TargetPart(value=part) for part in line])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _maintainer(value: object) -> str:
    """Writes the original's `{"name", "email", "url"}` as one line."""
    if not isinstance(value, dict):
        return _text(value)
    email = _text(value.get("email"))
    parts = (_text(value.get("name")), f"<{email}>" if email else "", _text(value.get("url")))
    return " ".join(part for part in parts if part)


def _schema(schema: Mapping[str, Any] | None) -> str:
    return json.dumps(schema) if schema is not None else ""


def _schema_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _needs(needs: Needs) -> proto.Needs:
    tools = [proto.Tool(program=t.program, debian_package=t.debian_package, optional=t.optional) for t in needs.tools]
    return proto.Needs(
        devices=needs.devices,
        network=f"NETWORK_{needs.network.upper()}",
        hosts=needs.hosts,
        read_paths=needs.read_paths,
        write_paths=needs.write_paths,
        user_namespaces=needs.user_namespaces,
        tools=tools,
        credentials=needs.credentials,
    )
