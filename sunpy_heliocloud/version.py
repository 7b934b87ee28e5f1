"""The version of the installed package."""

from importlib.metadata import version as installed_version

__all__ = ["version"]

version = installed_version("sunpy_heliocloud")
