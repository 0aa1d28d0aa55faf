from factory_plugin._proto.factory.plugin.v1 import events_pb2 as _events_pb2
from factory_plugin._proto.factory.plugin.v1 import operation_pb2 as _operation_pb2
from factory_plugin._proto.factory.plugin.v1 import secret_pb2 as _secret_pb2
from factory_plugin._proto.factory.plugin.v1 import template_pb2 as _template_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ShouldCreateTargetImageRequest(_message.Message):
    __slots__ = ("header", "target", "base_image", "template")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BASE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    base_image: _operation_pb2.InputImage
    template: _template_pb2.Template
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., base_image: _Optional[_Union[_operation_pb2.InputImage, _Mapping]] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ...) -> None: ...

class WillCreateTargetImageRequest(_message.Message):
    __slots__ = ("header", "target", "base_image", "template")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    BASE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    base_image: _operation_pb2.InputImage
    template: _template_pb2.Template
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., base_image: _Optional[_Union[_operation_pb2.InputImage, _Mapping]] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ...) -> None: ...

class DidCreateTargetImageRequest(_message.Message):
    __slots__ = ("header", "target", "target_image", "template")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TARGET_IMAGE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    target_image: _operation_pb2.InputImage
    template: _template_pb2.Template
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., target_image: _Optional[_Union[_operation_pb2.InputImage, _Mapping]] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ...) -> None: ...

class ProviderAccount(_message.Message):
    __slots__ = ("provider", "credentials")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    credentials: _secret_pb2.Secret
    def __init__(self, provider: _Optional[str] = ..., credentials: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ...) -> None: ...

class PushImageToProviderRequest(_message.Message):
    __slots__ = ("header", "target", "account", "target_image")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TARGET_IMAGE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    account: ProviderAccount
    target_image: _operation_pb2.InputImage
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., account: _Optional[_Union[ProviderAccount, _Mapping]] = ..., target_image: _Optional[_Union[_operation_pb2.InputImage, _Mapping]] = ...) -> None: ...

class SnapshotImageOnProviderRequest(_message.Message):
    __slots__ = ("header", "target", "account", "template")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    account: ProviderAccount
    template: _template_pb2.Template
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., account: _Optional[_Union[ProviderAccount, _Mapping]] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ...) -> None: ...

class DeleteFromProviderRequest(_message.Message):
    __slots__ = ("header", "target", "account", "identifiers", "provider_image")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_IMAGE_FIELD_NUMBER: _ClassVar[int]
    header: _operation_pb2.OperationHeader
    target: str
    account: ProviderAccount
    identifiers: _events_pb2.CloudIdentifiers
    provider_image: _operation_pb2.InputImage
    def __init__(self, header: _Optional[_Union[_operation_pb2.OperationHeader, _Mapping]] = ..., target: _Optional[str] = ..., account: _Optional[_Union[ProviderAccount, _Mapping]] = ..., identifiers: _Optional[_Union[_events_pb2.CloudIdentifiers, _Mapping]] = ..., provider_image: _Optional[_Union[_operation_pb2.InputImage, _Mapping]] = ...) -> None: ...
