"""Original plugins of Image Factory, as they are, through our protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from factory_plugin import CloudContent, CloudIdentifiers, Command, File, Needs, proto
from factory_plugin.bridge import bridged
from factory_plugin.bridge.content import Collector, original_form
from factory_plugin.bridge.imgfac.ImageFactoryException import ImageFactoryException
from factory_plugin.bridge.imgfac.NotificationCenter import NotificationCenter
from factory_plugin.bridge.imgfac.PersistentImage import PersistentImage
from factory_plugin.bridge.imgfac.Template import Template
from factory_plugin.testing import (
    Harness,
    base_image,
    delete,
    did_create_target_image,
    input_image,
    push,
    reconcile,
    should_create_target_image,
    snapshot,
    target_image,
    template,
    will_create_target_image,
)

PLUGINS = Path(__file__).with_name("original") / "imagefactory_plugins"
MOCK_OS = PLUGINS / "MockOS" / "MockOS.info"
MOCK_CLOUD = PLUGINS / "MockCloud" / "MockCloud.info"
XML = """<template><name>t</name><os><name>MockOS_A</name><version>1</version><arch>x86_64</arch>
<install type='url'><url>http://example.org/</url></install></os></template>"""


def wanted() -> proto.Template:
    made = template("MockOS_A", "1")
    made.xml = XML
    return made


def base(tmp_path: Path) -> proto.InputImage:
    body = tmp_path / "base"
    image = input_image(wanted())
    body.write_text(f"MockOS base_image file for id ({image.id})")
    image.artifacts.add(role="disk", path=str(body), format="raw", size=body.stat().st_size)
    image.properties_json = json.dumps({"x-imagefactory-parameter-libvirt_xml": "<domain/>", "kept": 1})
    return image


def test_an_original_os_plugin_installs_a_base_image() -> None:
    with Harness(bridged(MOCK_OS, Needs())) as harness:
        described = harness.describe()
        assert described.name == "MockOS" and described.capabilities == ["target-customization"]
        request = base_image(wanted())
        ended = harness.run(request).expect_completed()
        id = request.message.header.image.id
        assert (ended.work_dir / ended.artifact("disk").path).read_text() == f"MockOS base_image file for id ({id})"
        assert ended.artifact("disk").format == "raw"
        assert ended.percentages() == [10.0, 100.0]
        assert [event.progress.activity for event in ended.events if event.HasField("progress")][
            0
        ] == "writing the image"
        assert ended.properties()["x-image-properties-glance_id"] == f"glance-{id}"
        assert ended.properties()["x-imagefactory-parameter-libvirt_xml"] == "<domain/>"
        packages = ended.packages()
        assert packages is not None and "name='bash'" in packages.icicle_xml
        failed = harness.run(base_image(wanted(), {"fail": "yes"})).expect_failed()
        assert (failed.reason, failed.message) == ("IMAGEFACTORY_EXCEPTION", "asked to fail")


def test_a_cancelled_original_plugin_is_aborted() -> None:
    with Harness(bridged(MOCK_OS, Needs())) as harness:
        running = harness.start(base_image(wanted(), {"seconds": "60"}))
        running.until(lambda event: event.HasField("progress"))
        running.cancel(timedelta(seconds=30))
        assert running.end().expect_cancelled() == []


def test_an_original_os_plugin_makes_a_target_image_with_what_the_cloud_wants(tmp_path: Path) -> None:
    content = CloudContent((File("/etc/cloud", b"mock"),))
    request = target_image("mock", base(tmp_path), content)
    with Harness(bridged(MOCK_OS, Needs())) as harness:
        ended = harness.run(request).expect_completed()
        written = (ended.work_dir / ended.artifact("disk").path).read_text()
    assert written == f"MockOS target_image file for id ({request.message.header.image.id}) with ['/etc/cloud']"


def test_an_original_cloud_plugin_is_asked_in_the_order_of_the_original(tmp_path: Path) -> None:
    image = base(tmp_path)
    with Harness(bridged(MOCK_CLOUD, Needs())) as harness:
        assert harness.describe().capabilities == ["push", "snapshot", "delete", "reconcile"]
        should = harness.run(should_create_target_image("mock", image)).expect_completed().outcome.completed
        assert should is not None and should.should_create_target_image
        will = harness.run(will_create_target_image("mock", image)).expect_completed().outcome.completed
        assert will is not None
        assert [(it.name, it.content) for it in will.cloud_content.files] == [("/etc/cloud", b"mock")]
        did = harness.run(did_create_target_image("mock", image)).expect_completed()
        changed = (did.work_dir / did.artifact("disk").path).read_text()
        assert changed == f"MockOS base_image file for id ({image.id}), finished for mock"
        alone = harness.run(should_create_target_image("mock", image, {"all_in_should": "1"})).expect_completed()
        assert alone.outcome.completed is not None and not alone.outcome.completed.should_create_target_image
        assert (alone.work_dir / alone.artifact("disk").path).read_text() == f"made of {image.id}"


def test_what_an_original_plugin_pushes_is_in_the_ledger(tmp_path: Path) -> None:
    image = base(tmp_path)
    with Harness(bridged(MOCK_CLOUD, Needs())) as harness:
        ended = harness.run(push("mock", "here", "hunter2", image)).expect_completed()
        identifiers = ended.identifiers()
        assert identifiers is not None and identifiers.provider_account_identifier == "mock_user"
        assert ended.resources() == ["intent image", f"created image {identifiers.identifier_on_provider}"]
        taken = harness.run(snapshot("mock", "here", "hunter2", wanted())).expect_completed().identifiers()
        assert taken is not None and taken.identifier_on_provider == "snapshot of MockOS_A"
        harness.run(delete("mock", "here", "hunter2", CloudIdentifiers("ami-7"), image)).expect_completed()
        failed = harness.run(push("mock", "here", "hunter2", image, {"fail": "1"}))
        assert failed.expect_failed().message == "asked to fail"
        open_intents = failed.open_intents("op")
        assert [it.intent.intent_id for it in open_intents] == ["image"]
        assert harness.run(reconcile("here", "x", open_intents)).resources() == ["remains image IMAGEFACTORY_UNKNOWN"]
        open_intents[0].resource_id = "ami-8"
        assert harness.run(reconcile("here", "x", open_intents)).resources() == ["deleted image"]


def test_images_behave_as_the_originals() -> None:
    image = PersistentImage("i")
    seen: list[Any] = []

    class Observer:
        def note(self, notification: object) -> None:
            seen.append(notification)

    observer = Observer()
    center: Any = NotificationCenter()
    assert center is NotificationCenter()
    center.add_observer(observer, "note", "image.status", image)
    image.update(10, "building", "busy", None)
    assert (image.status, image.percent_complete, image.status_detail["activity"]) == ("BUILDING", 10, "busy")
    image.update(None, None, None, "broken")
    assert image.status_detail == {"activity": "busy", "error": "broken"}
    assert [it.user_info for it in seen] == [{"old_status": "NEW", "new_status": "BUILDING"}]
    with pytest.raises(KeyError):
        image.status = "COMPLETED"
    center.remove_observer(observer, "note", "image.status", image)
    assert image.metadata()["identifier"] == "i"
    read = Template(XML)
    assert (read.name, read.os_name, read.os_version, read.os_arch) == ("t", "MockOS_A", "1", "x86_64")
    assert (read.install_type, read.install_location, read.install_iso) == ("url", "http://example.org/", None)


def test_cloud_content_survives_both_forms_and_what_is_wrong_is_refused() -> None:
    content = CloudContent((File("/a", b"text"), File("/b", b"\xff\x00")), (Command("c", b"true"),))
    collector = Collector()
    collector.add_cloud_plugin_content(original_form(content))
    assert collector.content == content
    for item in ({"name": "/a", "type": "url", "file": "x"}, {"name": "/a", "type": "raw"}, {"file": "x"}):
        with pytest.raises(ImageFactoryException):
            collector.add_cloud_plugin_content({"files": [item]})


def bridge(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "factory_plugin.bridge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_plugin_is_installed_where_the_factory_finds_it(tmp_path: Path) -> None:
    made = bridge("--info", str(MOCK_OS), "--install", str(tmp_path), "--network", "loopback")
    assert made.returncode == 0, made.stderr
    program = Path(made.stdout.strip())
    assert program == tmp_path / "factory-plugin-MockOS"
    assert (tmp_path / "MockOS.info").read_text() == MOCK_OS.read_text()
    described = json.loads(subprocess.run([program, "describe"], capture_output=True, text=True, check=True).stdout)
    assert described["needs"]["network"] == "NETWORK_LOOPBACK"
    assert described["needs"]["read_paths"] == [str(MOCK_OS.parent)]
    with Harness([program]) as harness:
        harness.run(base_image(wanted())).expect_completed()


def test_what_is_no_plugin_of_image_factory_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    info = tmp_path / "Nothing.info"
    info.write_text(MOCK_OS.read_text())
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    refused = bridge("--info", str(info), "--install", str(plugins))
    assert refused.returncode == 1 and "can't be installed: No module named" in refused.stderr
    assert list(plugins.iterdir()) == []
    assert "can't be run" in bridge("--info", str(tmp_path / "missing.info")).stderr
