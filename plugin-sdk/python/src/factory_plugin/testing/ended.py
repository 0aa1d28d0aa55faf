"""An operation that has ended, and the rules that its events kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from factory_plugin import proto


@dataclass(frozen=True)
class Outcome:
    """How an operation ended: one of these is given."""

    completed: proto.Completed | None = None
    """It is done."""
    failed: proto.Failure | None = None
    """It failed."""
    cancelled: list[str] | None = None
    """It was cancelled; with what it could not clean up."""
    refused: grpc.RpcError | None = None
    """It never started, or the plugin does not have it."""


@dataclass(frozen=True)
class Ended:
    """An operation that has ended. Its work directory is removed with the harness."""

    work_dir: Path
    """The operation's work directory."""
    outcome: Outcome
    """How it ended."""
    events: list[proto.Event] = field(default_factory=list)
    """All events, in order."""

    def expect_completed(self) -> Ended:
        """Answers itself. Fails with the reason if the operation was not completed."""
        assert self.outcome.completed is not None, f"the operation was not completed: {self.outcome}\n{self.log()}"
        return self

    def expect_failed(self) -> proto.Failure:
        """Answers the failure. Fails if there is none."""
        assert self.outcome.failed is not None, f"the operation did not fail: {self.outcome}"
        return self.outcome.failed

    def expect_cancelled(self) -> list[str]:
        """Answers what could not be cleaned up. Fails if the operation was not cancelled."""
        assert self.outcome.cancelled is not None, f"the operation was not cancelled: {self.outcome}"
        return self.outcome.cancelled

    def artifact(self, role: str) -> proto.Artifact:
        """Answers the artifact of a role. Fails if there is none."""
        found = [artifact for artifact in self.artifacts() if artifact.role == role]
        assert found, f"no artifact {role} in {self.artifacts()}"
        return found[0]

    def artifacts(self) -> list[proto.Artifact]:
        """Answers what was announced, in order."""
        return [event.artifact for event in self._of("artifact")]

    def properties(self) -> dict[str, Any]:
        """Answers the properties as they are at the end."""
        properties = {}
        for event in self._of("property"):
            properties[event.property.key] = json.loads(event.property.value_json)
        return {key: value for key, value in properties.items() if value is not None}

    def identifiers(self) -> proto.CloudIdentifiers | None:
        """Answers what the provider calls the image, if that was announced."""
        return next((event.cloud_identifiers for event in self._of("cloud_identifiers")), None)

    def packages(self) -> proto.PackageList | None:
        """Answers the packages, if they were announced."""
        return next((event.packages for event in self._of("packages")), None)

    def percentages(self) -> list[float]:
        """Answers every percentage that was reported, in order."""
        return [event.progress.percent for event in self._of("progress") if event.progress.HasField("percent")]

    def phases(self) -> list[str]:
        """Answers every phase that was reported, in order, without repetitions."""
        phases: list[str] = []
        for event in self._of("progress"):
            if phases[-1:] != [event.progress.phase]:
                phases.append(event.progress.phase)
        return phases

    def log(self) -> str:
        """Answers the log, a line each with its source."""
        return "".join(f"{event.log.source}: {event.log.message}\n" for event in self._of("log"))

    def warnings(self) -> list[str]:
        """Answers the warnings' messages."""
        # The generated types take the message `Warning` for Python's own.
        warnings: list[Any] = [event.warning for event in self._of("warning")]
        return [warning.message for warning in warnings]

    def resources(self) -> list[str]:
        """Answers what was said of resources outside this machine, in order: `intent NAME`, `created NAME ID`, `deleted NAME` and
        `remains NAME REASON`."""
        lines = []
        for event in self.events:
            match event.WhichOneof("kind"):
                case "resource_intent":
                    lines.append(f"intent {event.resource_intent.intent_id}")
                case "resource_created":
                    lines.append(f"created {event.resource_created.intent_id} {event.resource_created.resource_id}")
                case "resource_deleted":
                    lines.append(f"deleted {event.resource_deleted.intent_id}")
                case "resource_remains":
                    lines.append(f"remains {event.resource_remains.intent_id} {event.resource_remains.why.reason}")
        return lines

    def open_intents(self, operation_id: str) -> list[proto.OpenIntent]:
        """Answers what was announced and not deleted, newest first, as it would be given to `Reconcile`. Of an operation that is
        completed, what is lasting is left out."""
        open: dict[str, proto.OpenIntent] = {}
        for event in self.events:
            match event.WhichOneof("kind"):
                case "resource_intent":
                    intent = event.resource_intent
                    open[intent.intent_id] = proto.OpenIntent(operation_id=operation_id, intent=intent)
                case "resource_created":
                    open[event.resource_created.intent_id].resource_id = event.resource_created.resource_id
                case "resource_deleted":
                    open.pop(event.resource_deleted.intent_id, None)
        completed = self.outcome.completed is not None
        return [it for it in reversed(open.values()) if not (completed and it.intent.lasting)]

    def _of(self, kind: str) -> Iterator[proto.Event]:
        return (event for event in self.events if event.WhichOneof("kind") == kind)


class Rules:
    """The rules of the event stream, checked event by event."""

    def __init__(self, after_seq: int) -> None:
        """Starts after the event of a number."""
        self._last_seq = after_seq
        self._percent = 0.0
        self.outcome: Outcome | None = None
        """How the operation ended, once it has."""

    def check(self, event: proto.Event) -> None:
        """Fails if an event breaks a rule."""
        assert event.seq == self._last_seq + 1, f"`seq` must rise by 1 after {self._last_seq}: {event}"
        assert self.outcome is None, f"nothing may follow the terminal event: {event}"
        assert event.HasField("time"), f"every event has a time: {event}"
        self._last_seq = event.seq
        match event.WhichOneof("kind"):
            case None:
                raise AssertionError(f"event {event.seq} is of no known kind")
            case "progress":
                self._check_percent(event.progress)
            case "completed":
                self.outcome = Outcome(completed=event.completed)
            case "failed":
                self.outcome = Outcome(failed=event.failed)
            case "cancelled":
                self.outcome = Outcome(cancelled=list(event.cancelled.left_behind))

    def _check_percent(self, progress: proto.Progress) -> None:
        percent = progress.percent if progress.HasField("percent") else self._percent
        assert self._percent <= percent <= 100.0, f"percent fell or left its range: {percent}"
        self._percent = percent
