"""The exception that plugins raise."""


class ImageFactoryException(Exception):
    """Something that a plugin of Image Factory can't do."""
