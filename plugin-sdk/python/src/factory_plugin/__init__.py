"""Write a plugin of the image factory: a class with the methods of `OSPlugin` or `CloudPlugin`, and `CLASS.main` as its program.

    from pathlib import Path
    from factory_plugin import BaseImageOperation, Description, OSPlugin

    class Hello(OSPlugin):
        def describe(self) -> Description:
            return Description.from_info(Path(__file__).with_name("hello.info"), output_formats=["raw"])

        def create_base_image(self, operation: BaseImageOperation) -> None:
            operation.log(f"installing {operation.template.name}")
            operation.progress("install", percent=10, activity="writing the disk")
            operation.property("x-image-properties-glance_id", "0c2f")
            (operation.work_dir / "disk.raw").write_text("hello")
            operation.artifact("disk", "disk.raw", "raw")

What the SDK does for it: the launch (handshake, mutual TLS, health), `describe` and `--help` on the command line, an operation per
request that survives a lost connection, events in batches, cancellation, programs that end with their operation (`Operation.run`), the
deletion of what an operation created elsewhere (`Operation.create`), logs, and the end.

Each operation runs in a thread of its own: a method may block or raise, and then its operation is slow or fails, and nothing else.
"""

from factory_plugin import stdout

stdout.claim()

from factory_plugin.delegate import CloudPlugin, Diagnostic, OSPlugin, Plugin, Severity, ValidateRequest
from factory_plugin.description import Description, Needs, Tool
from factory_plugin.failure import Cancelled, Failure, Fault, NotCreated
from factory_plugin.image import Artifact, CloudIdentifiers, Image, InstalledPackage
from factory_plugin.ledger import Account, Adopted, Deleted, Existing, LeftOver, NotThere, Resource, Settled, token
from factory_plugin.operation import (
    BaseImageOperation,
    DeleteOperation,
    Operation,
    ProviderOperation,
    PushOperation,
    SnapshotOperation,
    TargetImageOperation,
    TargetOperation,
)
from factory_plugin.parameters import Parameters
from factory_plugin.secret import Secret
from factory_plugin.template import (
    Checksum,
    CloudContent,
    Command,
    Extra,
    File,
    Install,
    OperatingSystem,
    Package,
    Repository,
    Template,
)
from factory_plugin.version import __version__

__all__ = [
    "Account",
    "Adopted",
    "Artifact",
    "BaseImageOperation",
    "Cancelled",
    "Checksum",
    "CloudContent",
    "CloudIdentifiers",
    "CloudPlugin",
    "Command",
    "DeleteOperation",
    "Deleted",
    "Description",
    "Diagnostic",
    "Existing",
    "Extra",
    "Failure",
    "Fault",
    "File",
    "Image",
    "Install",
    "InstalledPackage",
    "LeftOver",
    "Needs",
    "NotCreated",
    "NotThere",
    "OSPlugin",
    "OperatingSystem",
    "Operation",
    "Package",
    "Parameters",
    "Plugin",
    "ProviderOperation",
    "PushOperation",
    "Repository",
    "Resource",
    "Secret",
    "Settled",
    "Severity",
    "SnapshotOperation",
    "TargetImageOperation",
    "TargetOperation",
    "Template",
    "Tool",
    "ValidateRequest",
    "__version__",
    "token",
]
