"""Secrets, parameters, descriptions, failures and artifacts."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
from conftest import CLOUD_INFO, OS_INFO, Cloud, Scripted, reason

from factory_plugin import Cancelled, Description, Failure, Fault, Needs, Parameters, Secret, Tool, proto
from factory_plugin.artifact import measure
from factory_plugin.delegate import capabilities
from factory_plugin.description import describe_json
from factory_plugin.failure import details, failure_in, of_exception
from factory_plugin.request import checked_header, fingerprint
from factory_plugin.request import template as checked_template
from factory_plugin.server import Server
from factory_plugin.testing import template
from factory_plugin.tool import find


def test_a_secret_is_never_printed_and_never_written_down() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {secret:>20} {[secret]} {Parameters({}, {'key': secret})}"
    assert secret == Secret("hunter2") and secret != Secret("other") and secret != "hunter2"
    assert bool(secret) and not Secret()
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(secret)


def test_numbers_and_booleans_are_read_from_text_too() -> None:
    parameters = Parameters.read('{"a":"Yes","b":false,"c":"12","d":12,"e":null,"f":0}', {})
    assert (parameters.boolean("a"), parameters.boolean("b"), parameters.boolean("f")) == (True, False, False)
    assert (parameters.number("c"), parameters.number("d")) == (12, 12)
    assert (parameters.text("d"), parameters.text("e"), parameters.text("missing")) == ("12", None, None)
    assert "e" not in parameters and parameters["d"] == 12


def test_a_value_of_the_wrong_type_is_a_failure_that_names_the_parameter() -> None:
    parameters = Parameters({"a": "perhaps", "b": -1, "c": [1], "d": "1_000", "e": True})
    for read, name in [
        (parameters.boolean, "a"),
        (parameters.number, "b"),
        (parameters.text, "c"),
        (parameters.number, "d"),
        (parameters.number, "e"),
    ]:
        with pytest.raises(Failure) as error:
            read(name)
        assert reason(error) == "INVALID_PARAMETER"
        assert error.value.message.path == f"parameters.{name}"


def test_parameters_that_are_no_object_are_refused() -> None:
    assert Parameters.read("", {}) == {}
    for text in ("[]", "{", "1"):
        with pytest.raises(Failure) as error:
            Parameters.read(text, {})
        assert reason(error) == "INVALID_PARAMETERS"


def test_the_info_file_is_the_beginning_of_a_description(tmp_path: Path) -> None:
    path = tmp_path / "debian.info"
    maintainer = {"name": "A. Body", "email": "a@example.org", "url": ""}
    info = {"type": "OS", "targets": [["Debian", "12", None]], "version": "1.0", "maintainer": maintainer}
    path.write_text(json.dumps(info))
    message = Description.from_info(path, version="2.1.0").message
    assert (message.name, message.version, message.maintainer) == ("debian", "2.1.0", "A. Body <a@example.org>")
    assert message.kind == proto.PluginKind.PLUGIN_KIND_OS
    assert [part.HasField("value") for part in message.targets[0].parts] == [True, True, False]


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is not a JSON object"),
        ('{"type": "os"}', "key `targets` is missing"),
        ('{"type": 7, "targets": []}', '`type` is 7, but must be "os" or "cloud"'),
        ('{"type": "os", "targets": {}}', "`targets` is not a list"),
        (
            '{"type": "os", "targets": [["a"]]}',
            '`targets[0]` is ["a"], but must be [name, version or null, arch or null]',
        ),
        ('{"type": "cloud", "targets": ["ec2"]}', '`targets[0]` is "ec2", but must be [target]'),
    ],
)
def test_an_info_file_that_is_none_is_refused_with_the_reason(info: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^broken.info can't be used: ") as error:
        Description.from_info(info, name="broken")
    assert why in str(error.value)


def test_the_json_has_the_field_names_of_the_contract_and_schemas_as_values() -> None:
    needs = Needs(network="any", tools=[Tool("tar", "tar")])
    schema = {"type": "object"}
    described = describe_json(Description.from_info(OS_INFO, name="x", parameters_schema=schema, needs=needs).message)
    assert described["kind"] == "PLUGIN_KIND_OS"
    assert described["parameters_schema_json"] == schema
    assert described["provider_schema_json"] == ""
    assert described["needs"]["network"] == "NETWORK_ANY"
    assert described["needs"]["tools"] == [{"program": "tar", "debian_package": "tar", "optional": False}]
    assert described["targets"][0]["parts"] == [{"value": "Test"}, {}, {}]
    assert described["max_concurrent_operations"] == 0


def test_what_a_class_has_is_what_it_can_do() -> None:
    class Rich(Cloud):
        def validate(self, request: object) -> list[object]:  # type: ignore[override]
            return []

        def push_image_to_provider(self, operation: object) -> object:  # type: ignore[override]
            return None

    assert capabilities(Cloud()) == []
    assert capabilities(Rich()) == ["validate", "push"]


def test_a_plugin_of_another_kind_than_its_info_file_says_is_refused() -> None:
    class Confused(Cloud):
        def describe(self) -> Description:
            return Description.from_info(OS_INFO, name="x")

    with pytest.raises(TypeError, match="Confused is no plugin of the kind"):
        Server(Confused())


def test_a_program_that_is_missing_is_a_warning() -> None:
    class Needy(Scripted):
        def describe(self) -> Description:
            needs = Needs(tools=[Tool("sh", "dash"), Tool("no-such-tool", "nothing")])
            return Description.from_info(OS_INFO, name="x", needs=needs)

    assert find("sh") and Server(Needy(lambda _: None)).description.warnings == [
        "no-such-tool is missing: install the package nothing"
    ]


def test_a_failure_survives_the_trip_through_a_grpc_status() -> None:
    failure = Failure(
        Fault.USER, "BAD_DISK", "disk is too small", hint="ask for more", metadata={"bytes": "17"}, retryable=True
    )
    assert failure_in(dict(details(failure, 3))) == failure.message
    assert failure_in({}) is None


def test_whatever_is_raised_becomes_a_failure_with_its_traceback() -> None:
    try:
        raise KeyError("x")
    except KeyError as error:
        failure = of_exception(error)
    assert (failure.reason, str(failure)) == ("PLUGIN_EXCEPTION", "the plugin raised KeyError: 'x'")
    assert "test_whatever_is_raised" in failure.message.detail
    full = of_exception(OSError(errno.ENOSPC, "no space", "/store/disk"))
    assert full.reason == "DISK_FULL" and int(full.message.fault) == Fault.QUOTA
    assert not isinstance(Cancelled(), Exception)


def request(id: str = "op") -> proto.CreateBaseImageRequest:
    secrets = {name: proto.Secret(value=name) for name in "abcde"}
    header = proto.OperationHeader(operation_id=id, secret_parameters=secrets)
    return proto.CreateBaseImageRequest(header=header, template=template())


def test_where_a_reader_stands_makes_no_other_request_and_all_else_does() -> None:
    again = request()
    again.header.after_seq, again.header.traceparent = 7, "00-ab-cd-01"
    assert fingerprint("m", request()) == fingerprint("m", again)
    changed = [request(), request(), request()]
    changed[0].template.name = "other"
    changed[1].header.parameters_json = '{"a": 1}'
    changed[2].header.secret_parameters["a"].value = "other"
    assert len({fingerprint("m", it) for it in [request(), *changed]} | {fingerprint("n", request())}) == 5


@pytest.mark.parametrize("id", ["", "a b", "ä", "../x", "x" * 129, "x\n"])
def test_an_id_that_is_none_is_refused(id: str) -> None:
    with pytest.raises(Failure) as error:
        checked_header(request(id))
    assert error.value.message.path == "header.operation_id"


def test_what_is_missing_from_a_template_is_named() -> None:
    bare = request()
    bare.ClearField("template")
    no_os = request()
    no_os.template.ClearField("os")
    no_install = request()
    no_install.template.os.ClearField("install")
    for message, path in [(bare, "template"), (no_os, "template/os"), (no_install, "template/os/install")]:
        with pytest.raises(Failure) as error:
            checked_template(message)
        assert error.value.message.path == path


def measured(directory: Path, name: str, sha256: str = "") -> proto.Artifact:
    artifact = proto.Artifact(path=name, sha256=sha256)
    measure(directory, artifact, lambda: False)
    return artifact


def test_a_sparse_file_has_the_digest_of_its_full_content(tmp_path: Path) -> None:
    size = 9 * 1024 * 1024 + 5
    content = bytearray(size)
    with open(tmp_path / "disk", "wb") as disk:
        disk.truncate(size)
        for at in (0, 3 * 1024 * 1024 + 17, size - 4):
            content[at : at + 4] = b"data"
            disk.seek(at)
            disk.write(b"data")
    artifact = measured(tmp_path, "disk")
    assert (artifact.size, artifact.sha256) == (size, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("size", [0, 2 * 1024 * 1024 + 1])
def test_an_empty_file_and_one_that_is_only_a_hole_are_fine(tmp_path: Path, size: int) -> None:
    with open(tmp_path / "f", "wb") as file:
        file.truncate(size)
    assert measured(tmp_path, "f").sha256 == hashlib.sha256(bytes(size)).hexdigest()


def test_a_digest_that_is_known_is_not_computed(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    artifact = measured(tmp_path, "f", "known")
    assert (artifact.sha256, artifact.size) == ("known", 1)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "./x", "x/", "x\0y"])
def test_a_path_that_leaves_the_work_directory_is_the_plugins_fault(tmp_path: Path, name: str) -> None:
    with pytest.raises(Failure) as error:
        measure(tmp_path, proto.Artifact(path=name), lambda: False)
    assert reason(error) == "ARTIFACT_PATH"


@pytest.mark.parametrize("name", ["missing", "link", "directory", "pipe"])
def test_what_is_no_regular_file_is_the_plugins_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure) as error:
        measured(tmp_path, name)
    assert reason(error) == "ARTIFACT_UNREADABLE"


def test_a_cancelled_operation_stops_reading(tmp_path: Path) -> None:
    with open(tmp_path / "disk", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Cancelled):
        measure(tmp_path, proto.Artifact(path="disk"), lambda: True)


def test_descriptions_of_clouds_name_one_target() -> None:
    assert [len(target.parts) for target in Description.from_info(CLOUD_INFO, name="c").message.targets] == [1]
