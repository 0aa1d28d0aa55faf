"""Images as plugins see and change them. Every change is reported as it is made."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from factory_plugin.bridge.imgfac.NotificationCenter import NotificationCenter

STATUS_STRINGS = ("NEW", "PENDING", "BUILDING", "COMPLETE", "FAILED", "DELETING", "DELETED", "DELETEFAILED")
"""What an image's status may be."""


class Reported(dict[str, Any]):
    """A mapping that tells of each value that is set or removed (`None`)."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        """Takes values, of which it does not tell."""
        super().__init__(values or {})
        self.report: Callable[[str, Any], None] = lambda key, value: None
        """Who is told."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.report(key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.report(key, None)

    def update(self, *arguments: Any, **named: Any) -> None:
        """Sets several values."""
        for key, value in dict(*arguments, **named).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Answers a value; sets it before if it is not there."""
        if key not in self:
            self[key] = default
        return self[key]


class PersistentImage:
    """An image."""

    METADATA: tuple[str, ...] = (
        "identifier",
        "data",
        "template",
        "icicle",
        "status_detail",
        "status",
        "percent_complete",
        "parameters",
        "properties",
    )
    """What is kept of it."""

    def __init__(self, image_id: str | None = None) -> None:
        """Makes a new one."""
        self.on_change: Callable[[PersistentImage], None] = lambda image: None
        self.identifier = image_id or str(uuid.uuid4())
        self.data: str | None = None
        self.template: Any = None
        self.icicle: str | None = None
        self._status_detail: dict[str, Any] = {
            "activity": "Initializing image prior to Cloud/OS customization",
            "error": None,
        }
        self._status = "NEW"
        self._percent_complete: float = 0
        self._parameters = Reported()
        self._properties = Reported()

    @property
    def status(self) -> str:
        """One of `STATUS_STRINGS`; anything else can't be set (`KeyError`)."""
        return self._status

    @status.setter
    def status(self, value: str | None) -> None:
        wanted = (value or "").upper()
        if wanted not in STATUS_STRINGS:
            raise KeyError(f"an image's status can't be {value!r}")
        changed = {"old_status": self._status, "new_status": wanted}
        self._status = wanted
        self._changed("image.status", changed)

    @property
    def percent_complete(self) -> float:
        """How much of the work is done, 0 to 100."""
        return self._percent_complete

    @percent_complete.setter
    def percent_complete(self, value: float) -> None:
        wanted = min(max(value or 0, 0), 100)
        changed = {"old_percentage": self._percent_complete, "new_percentage": wanted}
        self._percent_complete = wanted
        self._changed("image.percentage", changed)

    @property
    def status_detail(self) -> dict[str, Any]:
        """What is being done (`activity`), and what went wrong (`error`)."""
        return self._status_detail

    @status_detail.setter
    def status_detail(self, value: dict[str, Any]) -> None:
        self._status_detail = value
        self.on_change(self)

    @property
    def properties(self) -> Reported:
        """Its properties."""
        return self._properties

    @properties.setter
    def properties(self, values: dict[str, Any]) -> None:
        self._properties = _replaced(self._properties, values)

    @property
    def parameters(self) -> Reported:
        """What it is made with, and what plugins note there for others."""
        return self._parameters

    @parameters.setter
    def parameters(self, values: dict[str, Any]) -> None:
        self._parameters = _replaced(self._parameters, values)

    def update(
        self,
        percentage: float | None = None,
        status: str | None = None,
        detail: str | None = None,
        error: str | None = None,
    ) -> None:
        """Reports how far it is, all at once: what is empty stays as it was, except for the error."""
        report, self.on_change = self.on_change, lambda image: None
        try:
            if percentage:
                self.percent_complete = percentage
            if status:
                self.status = status
        finally:
            self.on_change = report
        activity = detail or self._status_detail.get("activity")
        self.status_detail = {"activity": activity, "error": error}

    def metadata(self) -> dict[str, Any]:
        """Answers what is kept of it."""
        return {name: getattr(self, name, None) for name in self.METADATA}

    def _changed(self, message: str, info: dict[str, Any]) -> None:
        center: Any = NotificationCenter()
        center.post_notification_with_info(message, self, info)
        self.on_change(self)


def _replaced(old: Reported, values: dict[str, Any] | None) -> Reported:
    """Answers a mapping with other values, whose changes are told to the same."""
    made = Reported()
    made.report = old.report
    made.update(values or {})
    return made
