"""
The Fido client for NASA's HelioCloud.

Importing this package registers `HelioCloudClient` with `sunpy.net.Fido` and its attrs as ``a.heliocloud``; it reads
nothing from the network.
"""

from .catalog import CatalogError
from .client import HelioCloudClient, HelioCloudResponse, datasets

__all__ = ["CatalogError", "HelioCloudClient", "HelioCloudResponse", "datasets"]
