from factory_plugin._proto.factory.plugin.v1 import events_pb2 as _events_pb2
from factory_plugin._proto.factory.plugin.v1 import operation_pb2 as _operation_pb2
from factory_plugin._proto.factory.plugin.v1 import template_pb2 as _template_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateBaseImageRequest(_message.Message):
    __slots__ = ("header", "template")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    template: _template_pb2.Template
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ...) -> None: ...

class CreateTargetImageRequest(_message.Message):
    __slots__ = ("header", "target", "base_image", "template", "cloud_content")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BASE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    CLOUD_CONTENT_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    base_image: _operation_pb2.InputImage
    template: _template_pb2.Template
    cloud_content: _events_pb2.CloudContent
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., base_image: _Optional[_Union[_operation_pb2.InputImage, _Mapping]] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ..., cloud_content: _Optional[_Union[_events_pb2.CloudContent, _Mapping]] = ...) -> None: ...
