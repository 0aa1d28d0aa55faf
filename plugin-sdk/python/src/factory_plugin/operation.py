"""The handle through which a running operation reports."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_plugin import artifact as artifacts
from factory_plugin import proto
from factory_plugin.failure import Cancelled, Failure, Fault
from factory_plugin.image import CloudIdentifiers, Image, InstalledPackage
from factory_plugin.ledger import Delete, Ledger, Resource
from factory_plugin.parameters import Parameters
from factory_plugin.record import Record
from factory_plugin.secret import Secret
from factory_plugin.template import CloudContent, Template
from factory_plugin.tool import Tools

_LINE_BYTES_MAX = 64 * 1024
"""How long a line of log may be, in bytes."""
_EVENT_BYTES_MAX = 3 * 1024 * 1024
"""How large an event may be, so that a batch of them stays within what any gRPC peer accepts."""
_LEVELS = (
    (logging.ERROR, proto.LogLine.LEVEL_ERROR),
    (logging.WARNING, proto.LogLine.LEVEL_WARN),
    (logging.INFO, proto.LogLine.LEVEL_INFO),
)

current: contextvars.ContextVar[Operation | None] = contextvars.ContextVar("operation", default=None)
"""The operation that the running code belongs to, by which the lines that it logs find their build."""


@dataclass
class Context:
    """What an operation is made of, before it is known which."""

    id: str
    work_dir: Path
    image_id: str
    attempt: int
    parameters: Parameters
    record: Record


class Operation:
    """A running operation, as its plugin sees it. Everything reported here reaches the user while it happens.

    Every report raises `Cancelled` once the operation is to stop: let it pass, clean up in `finally`.
    """

    def __init__(self, context: Context) -> None:
        """Made by the SDK."""
        self.id = context.id
        """Unique for ever: a name or tag for what it creates elsewhere."""
        self.work_dir = context.work_dir
        """Where artifacts and temporary files go: this operation's own, removed by the factory."""
        self.image_id = context.image_id
        """The id of the image being worked on."""
        self.attempt = context.attempt
        """Which try this is, from 1."""
        self.parameters = context.parameters
        """The parameters."""
        self._record = context.record
        self._ledger = Ledger(context.record)
        self._tools = Tools(context.record.cancelled)
        self._roles: set[str] = set()
        self._roles_lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether the operation is to stop."""
        return self._record.cancelled.is_set()

    def check(self) -> None:
        """Raises `Cancelled` once the operation is to stop. For work that reports nothing for long."""
        if self.cancelled:
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Waits, but no longer than until the operation is to stop: then it raises `Cancelled`."""
        if self._record.cancelled.wait(seconds):
            raise Cancelled

    def progress(
        self,
        phase: str,
        percent: float | None = None,
        activity: str = "",
        *,
        current: int | None = None,
        total: int = 0,
        unit: str = "",
    ) -> None:
        """Reports how far it is. At most ten reports a second go out; the newest wins.

        `phase` is the part of the work, short and stable; `percent` how much of the whole operation is done, 0 to 100 (a smaller one
        than before is raised to that); `activity` what is being done now; `current` of `total` how much of the phase, in `unit`.
        """
        report = proto.Progress(phase=phase, activity=_cut(activity), percent=percent)
        if current is not None:
            report.amount.current, report.amount.total, report.amount.unit = current, total, unit
        self._record.progress(report)

    def property(self, key: str, value: Any) -> None:
        """Sets a property of the image: anything that JSON can say. `None` removes it."""
        event = proto.Event(property=proto.Property(key=key, value_json=json.dumps(value)))
        self._report("property", event)

    def log(self, message: str, level: int = logging.INFO, source: str = "") -> None:
        """Adds a line to the build's log; `level` is one of `logging`'s, `source` names the tool or part it comes from. Text with
        line ends becomes several lines. What `logging` is given in an operation's thread goes there too."""
        self._log(message, level, source)
        self.check()

    def warning(self, message: str, hint: str = "") -> None:
        """Tells the user something worth knowing, and what to do about it."""
        self._note("warning", proto.Event(warning=proto.Warning(message=_cut(message), hint=hint)))
        self.check()

    def artifact(
        self, role: str, file: str, format: str, *, virtual_size: int = 0, sha256: str = "", media_type: str = ""
    ) -> None:
        """Announces a file that is whole: its role (`disk`), its name in the work directory and its format (`raw`).

        Its size, and its SHA-256 unless given, are read from it. From then on it must not change. Raises `Failure` if it is not a
        regular file directly inside the work directory, or its role was announced before.
        """
        announced = proto.Artifact(
            role=role, path=file, format=format, virtual_size=virtual_size, sha256=sha256, media_type=media_type
        )
        artifacts.measure(self.work_dir, announced, lambda: self.cancelled)
        with self._roles_lock:
            if role in self._roles:
                raise Failure(Fault.PLUGIN, "ARTIFACT_ROLE_REPEATED", f"role {role} was announced twice")
            self._roles.add(role)
        self._report("artifact", proto.Event(artifact=announced))

    def packages(self, packages: Iterable[InstalledPackage], icicle: str = "") -> None:
        """Announces the packages in the image, and the same as an ICICLE document if there is one."""
        listed = [proto.InstalledPackage(name=p.name, version=p.version, arch=p.arch, extra=p.extra) for p in packages]
        self._report("packages", proto.Event(packages=proto.PackageList(packages=listed, icicle_xml=icicle)))

    def create(
        self,
        name: str,
        kind: str,
        *,
        delete: Delete,
        lasting: bool = False,
        description: str = "",
        locator: Mapping[str, Any] | None = None,
    ) -> Resource:
        """Creates something outside this machine: a context, in which it is created and confirmed.

            with operation.create("builder", "instance", delete=self.terminate) as instance:
                instance.created(self.cloud.launch(tag=instance.token))

        On entry the factory has made the intent durable. `name` is unique in the operation; `kind` is what a provider calls such a
        thing; `locator` is what it takes to find it again without its id, never a secret. `delete` runs at the end of the operation,
        unless it is completed and the resource is `lasting`; it gets an `Existing`, and must take what is gone already for deleted.
        What is raised in the context leaves it open whether something was created; raise `NotCreated` if surely nothing was.
        """
        intent = proto.ResourceIntent(intent_id=name, kind=kind, description=description, lasting=lasting)
        intent.locator_json = json.dumps(locator) if locator is not None else ""
        return Resource(self._ledger, intent, self.id, delete)

    def delete(self, name: str) -> None:
        """Deletes now what was created under a name, and would be deleted at the end. Raises what its `delete` raises; the factory's
        ledger then keeps it."""
        resource = self._ledger.take(name)
        if resource is not None:
            resource.delete()

    def run(
        self,
        arguments: Sequence[str | os.PathLike[str]],
        *,
        capture: bool = False,
        input: bytes | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        package: str = "",
        source: str = "",
    ) -> bytes:
        """Runs a program to its end, its output in the build's log; answers its standard output if it is to be captured.

        It runs in the work directory unless `cwd` says otherwise, with `PATH`, `HOME`, `LANG=C.UTF-8` and what `env` adds; `package` is
        the Debian package that holds it. It and all that it started end with the operation. Raises `Failure` if it is missing or
        fails, with its last lines; `Cancelled` if the operation is to stop.
        """
        name = source or os.path.basename(os.fspath(arguments[0]))
        return self._tools.run(
            arguments,
            lambda line: self._log(line, logging.INFO, name),
            capture=capture,
            input=input,
            cwd=cwd if cwd is not None else self.work_dir,
            env=env,
            package=package,
        )

    def in_thread(self, function: Callable[[], None], name: str = "operation-helper") -> threading.Thread:
        """Starts a thread of the operation, whose lines of log belong to the build. Join it before the method returns."""
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(function), name=name, daemon=True)
        thread.start()
        return thread

    def _log(self, message: str, level: int, source: str) -> None:
        wanted = next((said for least, said in _LEVELS if least <= level), proto.LogLine.LEVEL_DEBUG)
        for line in message.splitlines() or [""]:
            self._note("log", proto.Event(log=proto.LogLine(level=wanted, message=_cut(line), source=source)))

    def _report(self, kind: str, event: proto.Event) -> None:
        size = event.ByteSize()
        if _EVENT_BYTES_MAX < size:
            message = f"an event of {size} bytes is more than the {_EVENT_BYTES_MAX} allowed"
            hint = "write large data to a file and announce it as an artifact"
            raise Failure(Fault.PLUGIN, "EVENT_TOO_LARGE", message, hint=hint)
        self._record.report(kind, event)

    def _note(self, kind: str, event: proto.Event) -> None:
        """Reports what is worth having even from an operation that cleans up."""
        try:
            self._record.report(kind, event)
        except Cancelled:
            self._record.write(kind, event)


class BaseImageOperation(Operation):
    """Asks an OS plugin for a base image."""

    template: Template
    """What to install."""


class TargetImageOperation(Operation):
    """Asks an OS plugin for a target image."""

    target: str
    """The cloud target; empty if there is none."""
    image: Image
    """The base image."""
    template: Template
    """What to add: the packages, and the repositories that they may come from."""
    cloud_content: CloudContent
    """What the cloud plugin wants in the image."""


class TargetOperation(Operation):
    """Tells a cloud plugin about a target image: before (`image` is the base image) or after (the target image)."""

    target: str
    """The cloud target."""
    image: Image
    """The image."""
    template: Template
    """The template."""


class ProviderOperation(Operation):
    """Asks for something in an account of a provider."""

    target: str
    """The cloud target."""
    provider: str
    """The provider: a name or a definition."""
    credentials: Secret
    """The credentials; empty if none were given."""


class PushOperation(ProviderOperation):
    """Asks a cloud plugin to put an image into an account."""

    image: Image
    """The target image."""


class SnapshotOperation(ProviderOperation):
    """Asks a cloud plugin to build an image inside an account."""

    template: Template
    """What to install."""


class DeleteOperation(ProviderOperation):
    """Asks a cloud plugin to delete an image from an account."""

    identifiers: CloudIdentifiers
    """What the provider calls the image."""
    image: Image
    """The provider image: properties and parameters."""


def _cut(text: str) -> str:
    """Cuts a text to the longest one that may be in a line of log, and makes it one that can travel."""
    if text.isascii() and len(text) <= _LINE_BYTES_MAX:
        return text
    return text.encode(errors="replace")[:_LINE_BYTES_MAX].decode(errors="ignore")
