import datetime

from factory_plugin._proto.factory.plugin.v1 import cloud_pb2 as _cloud_pb2
from factory_plugin._proto.factory.plugin.v1 import events_pb2 as _events_pb2
from factory_plugin._proto.factory.plugin.v1 import operation_pb2 as _operation_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CancelRequest(_message.Message):
    __slots__ = ("operation_id", "grace")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    grace: _duration_pb2.Duration
    def __init__(self, operation_id: _Optional[str] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CancelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListResponse(_message.Message):
    __slots__ = ("operations",)
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[OperationStatus]
    def __init__(self, operations: _Optional[_Iterable[_Union[OperationStatus, _Mapping]]] = ...) -> None: ...

class OperationStatus(_message.Message):
    __slots__ = ("operation_id", "method", "last_seq", "ended")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    method: str
    last_seq: int
    ended: bool
    def __init__(self, operation_id: _Optional[str] = ..., method: _Optional[str] = ..., last_seq: _Optional[int] = ..., ended: bool = ...) -> None: ...

class AcknowledgeRequest(_message.Message):
    __slots__ = ("operation_id", "up_to_seq")
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    UP_TO_SEQ_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    up_to_seq: int
    def __init__(self, operation_id: _Optional[str] = ..., up_to_seq: _Optional[int] = ...) -> None: ...

class AcknowledgeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReconcileRequest(_message.Message):
    __slots__ = ("header", "account", "intents", "target")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    INTENTS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    account: _cloud_pb2.ProviderAccount
    intents: _containers.RepeatedCompositeFieldContainer[OpenIntent]
    target: str
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., account: _Optional[_Union[_cloud_pb2.ProviderAccount, _Mapping]] = ..., intents: _Optional[_Iterable[_Union[OpenIntent, _Mapping]]] = ..., target: _Optional[str] = ...) -> None: ...

class OpenIntent(_message.Message):
    __slots__ = ("operation_id", "intent", "resource_id", "wanted")
    class Wanted(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WANTED_UNSPECIFIED: _ClassVar[OpenIntent.Wanted]
        WANTED_DELETE: _ClassVar[OpenIntent.Wanted]
        WANTED_ADOPT: _ClassVar[OpenIntent.Wanted]
    WANTED_UNSPECIFIED: OpenIntent.Wanted
    WANTED_DELETE: OpenIntent.Wanted
    WANTED_ADOPT: OpenIntent.Wanted
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    intent: _events_pb2.ResourceIntent
    resource_id: str
    wanted: OpenIntent.Wanted
    def __init__(self, operation_id: _Optional[str] = ..., intent: _Optional[_Union[_events_pb2.ResourceIntent, _Mapping]] = ..., resource_id: _Optional[str] = ..., wanted: _Optional[_Union[OpenIntent.Wanted, str]] = ...) -> None: ...
