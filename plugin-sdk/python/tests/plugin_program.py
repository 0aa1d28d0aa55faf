"""The plugin that the tests of the launch start. It prints where it should not."""

from __future__ import annotations

import logging
import sys
import time

from factory_plugin import BaseImageOperation, Description, OSPlugin

print("printed while it was imported")


class Program(OSPlugin):
    """Does what its parameters say."""

    def describe(self) -> Description:
        info = '{"type": "os", "targets": [["Test", null, null]], "version": "1.0"}'
        return Description.from_info(info, name="program")

    def create_base_image(self, operation: BaseImageOperation) -> None:
        parameters = operation.parameters
        if "print" in parameters:
            print(parameters["print"])
        if "echo" in parameters:
            import subprocess

            subprocess.run(["echo", parameters["echo"]], check=True)
        if "log" in parameters:
            logging.getLogger("program").warning(parameters["log"], extra={"size": 7})
        for line in range(parameters.number("events") or 0):
            operation.log(f"line {line}", source="flood")
        if parameters.boolean("deaf"):
            operation.log("deaf")
            time.sleep(60)
        operation.sleep(parameters.number("seconds") or 0)


if __name__ == "__main__":
    sys.exit(Program.main())
