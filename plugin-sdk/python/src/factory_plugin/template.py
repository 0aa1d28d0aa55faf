"""A TDL template, read, checked and complete. Its elements keep their TDL names."""

from __future__ import annotations

from dataclasses import dataclass, field

from factory_plugin import proto
from factory_plugin.secret import Secret


@dataclass(frozen=True)
class Checksum:
    """Where the checksums of a medium are."""

    algorithm: str
    """`md5`, `sha1` or `sha256`."""
    url: str
    """URL of a checksum file (not a digest)."""


@dataclass(frozen=True)
class Extra:
    """`install/extras/directory` or `file`."""

    directory: bool
    """Whether it is a directory."""
    source: str
    """`@source`."""
    destination: str
    """`@destination`."""


@dataclass(frozen=True)
class Install:
    """`os/install`: where the operating system comes from. One of `url` and `iso` is given."""

    url: str | None = None
    """An installation tree or a package mirror. `apt:host` means the build host's own apt sources."""
    iso: str | None = None
    """An installation medium."""
    checksum: Checksum | None = None
    """The checksum file of the medium."""
    extras: tuple[Extra, ...] = ()
    """More content for the medium."""


@dataclass(frozen=True)
class OperatingSystem:
    """`template/os`."""

    name: str
    """`os/name`, such as `Debian`."""
    version: str
    """`os/version`, such as `12`."""
    arch: str
    """`os/arch`: `i386 x86_64 ppc64 ppc64le aarch64 armv7l s390x`."""
    install: Install = field(default_factory=Install)
    """`os/install`."""
    root_password: Secret | None = None
    """`os/rootpw`. `None`: no password was given; the account must be locked, never given a default."""
    product_key: Secret | None = None
    """`os/key`."""
    kernel_parameters: str = ""
    """`os/kernelparam`: more for the kernel's command line."""
    icicle_extra_command: str = ""
    """`os/icicle/extra_command`: run for each package; its output goes into the ICICLE."""


@dataclass(frozen=True)
class Package:
    """`packages/package`."""

    name: str
    """`@name`."""
    repository: str = ""
    """`repository`."""
    file: str = ""
    """`file`."""
    arguments: str = ""
    """`arguments`."""


@dataclass(frozen=True)
class Repository:
    """`repositories/repository`."""

    name: str
    """`@name`."""
    url: str
    """`url`."""
    signed: bool = False
    """Packages must be signed by a known key."""
    persisted: bool = True
    """The repository stays configured in the image."""
    ssl_verify: bool = False
    """`sslverify`."""


@dataclass(frozen=True)
class File:
    """`files/file`, its content read and decoded; or a file that a cloud needs."""

    name: str
    """An absolute path in the image."""
    content: bytes
    """The content."""


@dataclass(frozen=True)
class Command:
    """A command to run in the image: a script for `/bin/sh` unless it starts with `#!`."""

    name: str
    """`@name`."""
    content: bytes
    """The script."""


@dataclass(frozen=True)
class Template:
    """What to install."""

    name: str
    """`template/name`."""
    os: OperatingSystem
    """`template/os`."""
    description: str = ""
    """`template/description`."""
    packages: tuple[Package, ...] = ()
    """In document order."""
    repositories: tuple[Repository, ...] = ()
    """In document order."""
    files: tuple[File, ...] = ()
    """In document order."""
    commands: tuple[Command, ...] = ()
    """In the order in which they run."""
    precommands: tuple[Command, ...] = ()
    """In the order in which they run."""
    disk_size: int | None = None
    """`template/disk/size` in bytes. `None`: the plugin's default."""
    xml: str = ""
    """The document itself, with `os/rootpw` and `os/key` blanked."""


@dataclass(frozen=True)
class CloudContent:
    """Files and commands that a cloud needs in a target image."""

    files: tuple[File, ...] = ()
    """Written first."""
    commands: tuple[Command, ...] = ()
    """Run then, in order."""

    def __bool__(self) -> bool:
        return bool(self.files or self.commands)


def template_of(message: proto.Template) -> Template:
    """Reads a template as it travels."""
    return Template(
        name=message.name,
        os=_os(message.os),
        description=message.description,
        packages=tuple(Package(it.name, it.repository, it.file, it.arguments) for it in message.packages),
        repositories=tuple(
            Repository(it.name, it.url, it.signed, it.persisted, it.ssl_verify) for it in message.repositories
        ),
        files=tuple(File(it.name, it.content) for it in message.files),
        commands=tuple(Command(it.name, it.content) for it in message.commands),
        precommands=tuple(Command(it.name, it.content) for it in message.precommands),
        disk_size=int(message.disk_size_bytes) if message.disk_size_bytes else None,
        xml=message.xml,
    )


def content_of(message: proto.CloudContent) -> CloudContent:
    """Reads cloud content as it travels."""
    files = tuple(File(it.name, it.content) for it in message.files)
    return CloudContent(files, tuple(Command(it.name, it.content) for it in message.commands))


def content_message(content: CloudContent) -> proto.CloudContent:
    """Makes cloud content as it travels."""
    return proto.CloudContent(
        files=[proto.ContentFile(name=it.name, content=it.content) for it in content.files],
        commands=[proto.ContentCommand(name=it.name, content=it.content) for it in content.commands],
    )


def secret_of(message: proto.Secret) -> Secret:
    """Hides a secret as it travels."""
    return Secret(message.value)


def _os(message: proto.OperatingSystem) -> OperatingSystem:
    return OperatingSystem(
        name=message.name,
        version=message.version,
        arch=message.arch,
        install=_install(message.install),
        root_password=secret_of(message.root_password) if message.HasField("root_password") else None,
        product_key=secret_of(message.product_key) if message.HasField("product_key") else None,
        kernel_parameters=message.kernel_parameters,
        icicle_extra_command=message.icicle_extra_command,
    )


def _install(message: proto.Install) -> Install:
    source = message.WhichOneof("source")
    checksum = message.checksum
    return Install(
        url=message.url if source == "url" else None,
        iso=message.iso if source == "iso" else None,
        checksum=Checksum(checksum.algorithm, checksum.url) if message.HasField("checksum") else None,
        extras=tuple(Extra(it.directory, it.source, it.destination) for it in message.extras),
    )
