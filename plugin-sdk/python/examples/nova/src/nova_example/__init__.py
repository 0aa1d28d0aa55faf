"""Reports as the Nova plugin of Image Factory does: a line of log, a tenth of the way, the Glance id of what is built."""

import logging
import uuid
from pathlib import Path

from factory_plugin import BaseImageOperation, Description, OSPlugin

LOG = logging.getLogger(__name__)


class Nova(OSPlugin):
    """An OS plugin that installs nothing."""

    def describe(self) -> Description:
        return Description.from_info(Path(__file__).with_name("nova-example.info"), output_formats=["raw"])

    def create_base_image(self, operation: BaseImageOperation) -> None:
        system = operation.template.os
        LOG.info("creating a base image of %s %s", system.name, system.version)
        operation.progress("install", percent=10, activity="asking Nova for an instance")
        operation.sleep(operation.parameters.number("seconds") or 0)
        operation.property("x-image-properties-glance_id", str(uuid.uuid4()))
        (operation.work_dir / "disk.raw").write_bytes(bytes(512))
        operation.artifact("disk", "disk.raw", "raw")
