"""`python -m factory_plugin.bridge`."""

import sys

from factory_plugin.bridge.command_line import main

sys.exit(main())
