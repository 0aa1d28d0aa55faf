from factory_plugin._proto.factory.plugin.v1 import failure_pb2 as _failure_pb2
from factory_plugin._proto.factory.plugin.v1 import template_pb2 as _template_pb2
from factory_plugin._proto.factory.plugin.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PluginKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_KIND_UNSPECIFIED: _ClassVar[PluginKind]
    PLUGIN_KIND_OS: _ClassVar[PluginKind]
    PLUGIN_KIND_CLOUD: _ClassVar[PluginKind]
PLUGIN_KIND_UNSPECIFIED: PluginKind
PLUGIN_KIND_OS: PluginKind
PLUGIN_KIND_CLOUD: PluginKind

class DescribeRequest(_message.Message):
    __slots__ = ("host_capabilities",)
    HOST_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    host_capabilities: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, host_capabilities: _Optional[_Iterable[str]] = ...) -> None: ...

class PluginTarget(_message.Message):
    __slots__ = ("parts",)
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[TargetPart]
    def __init__(self, parts: _Optional[_Iterable[_Union[TargetPart, _Mapping]]] = ...) -> None: ...

class TargetPart(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("name", "version", "kind", "description", "targets", "capabilities", "input_formats", "output_formats", "parameters_schema_json", "provider_schema_json", "credentials_schema_json", "needs", "max_concurrent_operations", "maintainer", "license", "sdk", "warnings")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMATS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FORMATS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    MAINTAINER_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    kind: PluginKind
    description: str
    targets: _containers.RepeatedCompositeFieldContainer[PluginTarget]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    input_formats: _containers.RepeatedScalarFieldContainer[str]
    output_formats: _containers.RepeatedScalarFieldContainer[str]
    parameters_schema_json: str
    provider_schema_json: str
    credentials_schema_json: str
    needs: Needs
    max_concurrent_operations: int
    maintainer: str
    license: str
    sdk: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., kind: _Optional[_Union[PluginKind, str]] = ..., description: _Optional[str] = ..., targets: _Optional[_Iterable[_Union[PluginTarget, _Mapping]]] = ..., capabilities: _Optional[_Iterable[str]] = ..., input_formats: _Optional[_Iterable[str]] = ..., output_formats: _Optional[_Iterable[str]] = ..., parameters_schema_json: _Optional[str] = ..., provider_schema_json: _Optional[str] = ..., credentials_schema_json: _Optional[str] = ..., needs: _Optional[_Union[Needs, _Mapping]] = ..., max_concurrent_operations: _Optional[int] = ..., maintainer: _Optional[str] = ..., license: _Optional[str] = ..., sdk: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class Needs(_message.Message):
    __slots__ = ("devices", "network", "hosts", "read_paths", "write_paths", "user_namespaces", "tools", "credentials")
    class Network(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NETWORK_UNSPECIFIED: _ClassVar[Needs.Network]
        NETWORK_NONE: _ClassVar[Needs.Network]
        NETWORK_LOOPBACK: _ClassVar[Needs.Network]
        NETWORK_HOSTS: _ClassVar[Needs.Network]
        NETWORK_ANY: _ClassVar[Needs.Network]
    NETWORK_UNSPECIFIED: Needs.Network
    NETWORK_NONE: Needs.Network
    NETWORK_LOOPBACK: Needs.Network
    NETWORK_HOSTS: Needs.Network
    NETWORK_ANY: Needs.Network
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    READ_PATHS_FIELD_NUMBER: _ClassVar[int]
    WRITE_PATHS_FIELD_NUMBER: _ClassVar[int]
    USER_NAMESPACES_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedScalarFieldContainer[str]
    network: Needs.Network
    hosts: _containers.RepeatedScalarFieldContainer[str]
    read_paths: _containers.RepeatedScalarFieldContainer[str]
    write_paths: _containers.RepeatedScalarFieldContainer[str]
    user_namespaces: bool
    tools: _containers.RepeatedCompositeFieldContainer[Tool]
    credentials: bool
    def __init__(self, devices: _Optional[_Iterable[str]] = ..., network: _Optional[_Union[Needs.Network, str]] = ..., hosts: _Optional[_Iterable[str]] = ..., read_paths: _Optional[_Iterable[str]] = ..., write_paths: _Optional[_Iterable[str]] = ..., user_namespaces: bool = ..., tools: _Optional[_Iterable[_Union[Tool, _Mapping]]] = ..., credentials: bool = ...) -> None: ...

class Tool(_message.Message):
    __slots__ = ("program", "debian_package", "optional")
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    DEBIAN_PACKAGE_FIELD_NUMBER: _ClassVar[int]
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    program: str
    debian_package: str
    optional: bool
    def __init__(self, program: _Optional[str] = ..., debian_package: _Optional[str] = ..., optional: bool = ...) -> None: ...

class ValidateRequest(_message.Message):
    __slots__ = ("method", "template", "parameters_json", "secret_parameters", "target", "provider", "credentials")
    class SecretParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _secret_pb2.Secret
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ...) -> None: ...
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_JSON_FIELD_NUMBER: _ClassVar[int]
    SECRET_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    method: str
    template: _template_pb2.Template
    parameters_json: str
    secret_parameters: _containers.MessageMap[str, _secret_pb2.Secret]
    target: str
    provider: str
    credentials: _secret_pb2.Secret
    def __init__(self, method: _Optional[str] = ..., template: _Optional[_Union[_template_pb2.Template, _Mapping]] = ..., parameters_json: _Optional[str] = ..., secret_parameters: _Optional[_Mapping[str, _secret_pb2.Secret]] = ..., target: _Optional[str] = ..., provider: _Optional[str] = ..., credentials: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ...) -> None: ...

class ValidateResponse(_message.Message):
    __slots__ = ("diagnostics",)
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_failure_pb2.Diagnostic]
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[_failure_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...
