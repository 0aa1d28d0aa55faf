from factory_plugin._proto.factory.plugin.v1 import events_pb2 as _events_pb2
from factory_plugin._proto.factory.plugin.v1 import secret_pb2 as _secret_pb2
from factory_plugin._proto.factory.plugin.v1 import template_pb2 as _template_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationHeader(_message.Message):
    __slots__ = ("operation_id", "after_seq", "work_dir", "image", "parameters_json", "secret_parameters", "traceparent")
    class SecretParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _secret_pb2.Secret
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ...) -> None: ...
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    WORK_DIR_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    SECRET_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    after_seq: int
    work_dir: str
    image: ImageContext
    parameters_json: str
    secret_parameters: _containers.MessageMap[str, _secret_pb2.Secret]
    traceparent: str
    def __init__(self, operation_id: _Optional[str] = ..., after_seq: _Optional[int] = ..., work_dir: _Optional[str] = ..., image: _Optional[_Union[ImageContext, _Mapping]] = ..., parameters_json: _Optional[str] = ..., secret_parameters: _Optional[_Mapping[str, _secret_pb2.Secret]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class ImageContext(_message.Message):
    __slots__ = ("id", "kind", "attempt")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    attempt: int
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class InputImage(_message.Message):
    __slots__ = ("id", "artifacts", "properties_json", "parameters_json", "icicle_xml", "target", "template")
    ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    PROPERTIES_JSON_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    ICICLE_XML_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    id: str
    artifacts: _containers.RepeatedCompositeFieldContainer[_events_pb2.Artifact]
    properties_json: str
    parameters_json: str
    icicle_xml: str
    target: str
    template: _template_pb2.Template
    def __init__(self, id: _Optional[str] = ..., artifacts: _Optional[_Iterable[_Union[_events_pb2.Artifact, _Mapping]]] = ..., properties_json: _Optional[str] = ..., parameters_json: _Optional[str] = ..., icicle_xml: _Optional[str] = ..., target: _Optional[str] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ...) -> None: ...
