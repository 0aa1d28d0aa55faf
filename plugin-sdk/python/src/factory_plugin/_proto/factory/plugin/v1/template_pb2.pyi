from factory_plugin._proto.factory.plugin.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Template(_message.Message):
    __slots__ = ("name", "description", "os", "packages", "repositories", "files", "commands", "precommands", "disk_size_bytes", "xml")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    OS_FIELD_NUMBER: _ClassVar[int]
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    REPOSITORIES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    PRECOMMANDS_FIELD_NUMBER: _ClassVar[int]
    DISK_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    XML_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    os: OperatingSystem
    packages: _containers.RepeatedCompositeFieldContainer[Package]
    repositories: _containers.RepeatedCompositeFieldContainer[Repository]
    files: _containers.RepeatedCompositeFieldContainer[File]
    commands: _containers.RepeatedCompositeFieldContainer[Command]
    precommands: _containers.RepeatedCompositeFieldContainer[Command]
    disk_size_bytes: str
    xml: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., os: _Optional[_Union[OperatingSystem, _Mapping]] = ..., packages: _Optional[_Iterable[_Union[Package, _Mapping]]] = ..., repositories: _Optional[_Iterable[_Union[Repository, _Mapping]]] = ..., files: _Optional[_Iterable[_Union[File, _Mapping]]] = ..., commands: _Optional[_Iterable[_Union[Command, _Mapping]]] = ..., precommands: _Optional[_Iterable[_Union[Command, _Mapping]]] = ..., disk_size_bytes: _Optional[str] = ..., xml: _Optional[str] = ...) -> None: ...

class OperatingSystem(_message.Message):
    __slots__ = ("name", "version", "arch", "install", "root_password", "product_key", "kernel_parameters", "icicle_extra_command")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ARCH_FIELD_NUMBER: _ClassVar[int]
    INSTALL_FIELD_NUMBER: _ClassVar[int]
    ROOT_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_KEY_FIELD_NUMBER: _ClassVar[int]
    KERNEL_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ICICLE_EXTRA_COMMAND_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    arch: str
    install: Install
    root_password: _secret_pb2.Secret
    product_key: _secret_pb2.Secret
    kernel_parameters: str
    icicle_extra_command: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., arch: _Optional[str] = ..., install: _Optional[_Union[Install, _Mapping]] = ..., root_password: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ..., product_key: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ..., kernel_parameters: _Optional[str] = ..., icicle_extra_command: _Optional[str] = ...) -> None: ...

class Install(_message.Message):
    __slots__ = ("url", "iso", "checksum", "extras")
    URL_FIELD_NUMBER: _ClassVar[int]
    ISO_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    EXTRAS_FIELD_NUMBER: _ClassVar[int]
    url: str
    iso: str
    checksum: Checksum
    extras: _containers.RepeatedCompositeFieldContainer[Extra]
    def __init__(self, url: _Optional[str] = ..., iso: _Optional[str] = ..., checksum: _Optional[_Union[Checksum, _Mapping]] = ..., extras: _Optional[_Iterable[_Union[Extra, _Mapping]]] = ...) -> None: ...

class Checksum(_message.Message):
    __slots__ = ("algorithm", "url")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    algorithm: str
    url: str
    def __init__(self, algorithm: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class Extra(_message.Message):
    __slots__ = ("directory", "source", "destination")
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    directory: bool
    source: str
    destination: str
    def __init__(self, directory: bool = ..., source: _Optional[str] = ..., destination: _Optional[str] = ...) -> None: ...

class Package(_message.Message):
    __slots__ = ("name", "repository", "file", "arguments")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    repository: str
    file: str
    arguments: str
    def __init__(self, name: _Optional[str] = ..., repository: _Optional[str] = ..., file: _Optional[str] = ..., arguments: _Optional[str] = ...) -> None: ...

class Repository(_message.Message):
    __slots__ = ("name", "url", "signed", "persisted", "ssl_verify")
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    PERSISTED_FIELD_NUMBER: _ClassVar[int]
    SSL_VERIFY_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    signed: bool
    persisted: bool
    ssl_verify: bool
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., signed: bool = ..., persisted: bool = ..., ssl_verify: bool = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...
