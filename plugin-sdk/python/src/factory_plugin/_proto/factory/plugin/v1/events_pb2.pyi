import datetime

from factory_plugin._proto.factory.plugin.v1 import failure_pb2 as _failure_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventBatch(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("seq", "time", "state", "progress", "property", "log", "warning", "artifact", "packages", "cloud_identifiers", "resource_intent", "resource_created", "resource_deleted", "heartbeat", "resource_remains", "completed", "failed", "cancelled")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PROPERTY_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    CLOUD_IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_INTENT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_CREATED_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_DELETED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_REMAINS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    seq: int
    time: _timestamp_pb2.Timestamp
    state: StateChanged
    progress: Progress
    property: Property
    log: LogLine
    warning: Warning
    artifact: Artifact
    packages: PackageList
    cloud_identifiers: CloudIdentifiers
    resource_intent: ResourceIntent
    resource_created: ResourceCreated
    resource_deleted: ResourceDeleted
    heartbeat: Heartbeat
    resource_remains: ResourceRemains
    completed: Completed
    failed: _failure_pb2.Failure
    cancelled: Cancelled
    def __init__(self, seq: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[StateChanged, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., property: _Optional[_Union[Property, _Mapping]] = ..., log: _Optional[_Union[LogLine, _Mapping]] = ..., warning: _Optional[_Union[Warning, _Mapping]] = ..., artifact: _Optional[_Union[Artifact, _Mapping]] = ..., packages: _Optional[_Union[PackageList, _Mapping]] = ..., cloud_identifiers: _Optional[_Union[CloudIdentifiers, _Mapping]] = ..., resource_intent: _Optional[_Union[ResourceIntent, _Mapping]] = ..., resource_created: _Optional[_Union[ResourceCreated, _Mapping]] = ..., resource_deleted: _Optional[_Union[ResourceDeleted, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., resource_remains: _Optional[_Union[ResourceRemains, _Mapping]] = ..., completed: _Optional[_Union[Completed, _Mapping]] = ..., failed: _Optional[_Union[_failure_pb2.Failure, _Mapping]] = ..., cancelled: _Optional[_Union[Cancelled, _Mapping]] = ...) -> None: ...

class StateChanged(_message.Message):
    __slots__ = ("state",)
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[StateChanged.State]
        STATE_QUEUED: _ClassVar[StateChanged.State]
        STATE_RUNNING: _ClassVar[StateChanged.State]
        STATE_CANCELLING: _ClassVar[StateChanged.State]
    STATE_UNSPECIFIED: StateChanged.State
    STATE_QUEUED: StateChanged.State
    STATE_RUNNING: StateChanged.State
    STATE_CANCELLING: StateChanged.State
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: StateChanged.State
    def __init__(self, state: _Optional[_Union[StateChanged.State, str]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("phase", "activity", "percent", "amount")
    class Amount(_message.Message):
        __slots__ = ("current", "total", "unit")
        CURRENT_FIELD_NUMBER: _ClassVar[int]
        TOTAL_FIELD_NUMBER: _ClassVar[int]
        UNIT_FIELD_NUMBER: _ClassVar[int]
        current: int
        total: int
        unit: str
        def __init__(self, current: _Optional[int] = ..., total: _Optional[int] = ..., unit: _Optional[str] = ...) -> None: ...
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    phase: str
    activity: str
    percent: float
    amount: Progress.Amount
    def __init__(self, phase: _Optional[str] = ..., activity: _Optional[str] = ..., percent: _Optional[float] = ..., amount: _Optional[_Union[Progress.Amount, _Mapping]] = ...) -> None: ...

class Property(_message.Message):
    __slots__ = ("key", "value_json")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    key: str
    value_json: str
    def __init__(self, key: _Optional[str] = ..., value_json: _Optional[str] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("level", "message", "source")
    class Level(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LEVEL_UNSPECIFIED: _ClassVar[LogLine.Level]
        LEVEL_DEBUG: _ClassVar[LogLine.Level]
        LEVEL_INFO: _ClassVar[LogLine.Level]
        LEVEL_WARN: _ClassVar[LogLine.Level]
        LEVEL_ERROR: _ClassVar[LogLine.Level]
    LEVEL_UNSPECIFIED: LogLine.Level
    LEVEL_DEBUG: LogLine.Level
    LEVEL_INFO: LogLine.Level
    LEVEL_WARN: LogLine.Level
    LEVEL_ERROR: LogLine.Level
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    level: LogLine.Level
    message: str
    source: str
    def __init__(self, level: _Optional[_Union[LogLine.Level, str]] = ..., message: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("message", "hint", "path")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    message: str
    hint: str
    path: str
    def __init__(self, message: _Optional[str] = ..., hint: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class Artifact(_message.Message):
    __slots__ = ("role", "path", "format", "size", "virtual_size", "sha256", "media_type")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    VIRTUAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    role: str
    path: str
    format: str
    size: int
    virtual_size: int
    sha256: str
    media_type: str
    def __init__(self, role: _Optional[str] = ..., path: _Optional[str] = ..., format: _Optional[str] = ..., size: _Optional[int] = ..., virtual_size: _Optional[int] = ..., sha256: _Optional[str] = ..., media_type: _Optional[str] = ...) -> None: ...

class PackageList(_message.Message):
    __slots__ = ("packages", "icicle_xml")
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    ICICLE_XML_FIELD_NUMBER: _ClassVar[int]
    packages: _containers.RepeatedCompositeFieldContainer[InstalledPackage]
    icicle_xml: str
    def __init__(self, packages: _Optional[_Iterable[_Union[InstalledPackage, _Mapping]]] = ..., icicle_xml: _Optional[str] = ...) -> None: ...

class InstalledPackage(_message.Message):
    __slots__ = ("name", "version", "arch", "extra")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ARCH_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    arch: str
    extra: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., arch: _Optional[str] = ..., extra: _Optional[str] = ...) -> None: ...

class CloudIdentifiers(_message.Message):
    __slots__ = ("identifier_on_provider", "provider_account_identifier")
    IDENTIFIER_ON_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ACCOUNT_IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    identifier_on_provider: str
    provider_account_identifier: str
    def __init__(self, identifier_on_provider: _Optional[str] = ..., provider_account_identifier: _Optional[str] = ...) -> None: ...

class ResourceIntent(_message.Message):
    __slots__ = ("intent_id", "kind", "description", "locator_json", "lasting")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LOCATOR_JSON_FIELD_NUMBER: _ClassVar[int]
    LASTING_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    kind: str
    description: str
    locator_json: str
    lasting: bool
    def __init__(self, intent_id: _Optional[str] = ..., kind: _Optional[str] = ..., description: _Optional[str] = ..., locator_json: _Optional[str] = ..., lasting: bool = ...) -> None: ...

class ResourceCreated(_message.Message):
    __slots__ = ("intent_id", "resource_id")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    resource_id: str
    def __init__(self, intent_id: _Optional[str] = ..., resource_id: _Optional[str] = ...) -> None: ...

class ResourceDeleted(_message.Message):
    __slots__ = ("intent_id",)
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    def __init__(self, intent_id: _Optional[str] = ...) -> None: ...

class ResourceRemains(_message.Message):
    __slots__ = ("intent_id", "why")
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    intent_id: str
    why: _failure_pb2.Failure
    def __init__(self, intent_id: _Optional[str] = ..., why: _Optional[_Union[_failure_pb2.Failure, _Mapping]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Completed(_message.Message):
    __slots__ = ("should_create_target_image", "cloud_content")
    SHOULD_CREATE_TARGET_IMAGE_FIELD_NUMBER: _ClassVar[int]
    CLOUD_CONTENT_FIELD_NUMBER: _ClassVar[int]
    should_create_target_image: bool
    cloud_content: CloudContent
    def __init__(self, should_create_target_image: bool = ..., cloud_content: _Optional[_Union[CloudContent, _Mapping]] = ...) -> None: ...

class CloudContent(_message.Message):
    __slots__ = ("files", "commands")
    FILES_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[ContentFile]
    commands: _containers.RepeatedCompositeFieldContainer[ContentCommand]
    def __init__(self, files: _Optional[_Iterable[_Union[ContentFile, _Mapping]]] = ..., commands: _Optional[_Iterable[_Union[ContentCommand, _Mapping]]] = ...) -> None: ...

class ContentFile(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class ContentCommand(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class Cancelled(_message.Message):
    __slots__ = ("left_behind",)
    LEFT_BEHIND_FIELD_NUMBER: _ClassVar[int]
    left_behind: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, left_behind: _Optional[_Iterable[str]] = ...) -> None: ...
