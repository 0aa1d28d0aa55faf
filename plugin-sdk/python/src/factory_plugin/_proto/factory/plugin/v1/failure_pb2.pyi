import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Fault(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_UNSPECIFIED: _ClassVar[Fault]
    FAULT_USER: _ClassVar[Fault]
    FAULT_AUTH: _ClassVar[Fault]
    FAULT_QUOTA: _ClassVar[Fault]
    FAULT_HOST: _ClassVar[Fault]
    FAULT_TRANSIENT: _ClassVar[Fault]
    FAULT_CONFLICT: _ClassVar[Fault]
    FAULT_PLUGIN: _ClassVar[Fault]
FAULT_UNSPECIFIED: Fault
FAULT_USER: Fault
FAULT_AUTH: Fault
FAULT_QUOTA: Fault
FAULT_HOST: Fault
FAULT_TRANSIENT: Fault
FAULT_CONFLICT: Fault
FAULT_PLUGIN: Fault

class Failure(_message.Message):
    __slots__ = ("reason", "message", "fault", "hint", "path", "step", "detail", "retry", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    fault: Fault
    hint: str
    path: str
    step: str
    detail: str
    retry: Retry
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., fault: _Optional[_Union[Fault, str]] = ..., hint: _Optional[str] = ..., path: _Optional[str] = ..., step: _Optional[str] = ..., detail: _Optional[str] = ..., retry: _Optional[_Union[Retry, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Retry(_message.Message):
    __slots__ = ("retryable", "after")
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    retryable: bool
    after: _duration_pb2.Duration
    def __init__(self, retryable: bool = ..., after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Diagnostic(_message.Message):
    __slots__ = ("severity", "message", "path", "hint")
    class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SEVERITY_UNSPECIFIED: _ClassVar[Diagnostic.Severity]
        SEVERITY_WARNING: _ClassVar[Diagnostic.Severity]
        SEVERITY_ERROR: _ClassVar[Diagnostic.Severity]
    SEVERITY_UNSPECIFIED: Diagnostic.Severity
    SEVERITY_WARNING: Diagnostic.Severity
    SEVERITY_ERROR: Diagnostic.Severity
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    severity: Diagnostic.Severity
    message: str
    path: str
    hint: str
    def __init__(self, severity: _Optional[_Union[Diagnostic.Severity, str]] = ..., message: _Optional[str] = ..., path: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...
