"""The version of this SDK."""

__version__ = "0.1.0"
"""The version, as semantic versioning writes it."""

SDK = f"factory-plugin/{__version__} (python)"
"""What a plugin's description says that it was built with."""
