"""Says as much as it is asked to: how fast events travel, and what becomes of them before a reader that stalls."""

from pathlib import Path

from factory_plugin import BaseImageOperation, Description, OSPlugin


class Flood(OSPlugin):
    """An OS plugin that logs as many lines as its parameter `flood` says, and installs nothing."""

    def describe(self) -> Description:
        return Description.from_info(Path(__file__).with_name("flood-python.info"), output_formats=["raw"])

    def create_base_image(self, operation: BaseImageOperation) -> None:
        for number in range(operation.parameters.number("flood") or 0):
            operation.log(f"line {number}", source="flood")
        (operation.work_dir / "disk.raw").write_bytes(bytes(512))
        operation.artifact("disk", "disk.raw", "raw")
