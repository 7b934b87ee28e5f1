"""
The Fido client for NASA's HelioCloud.

Importing this package registers `HelioCloudClient` with `sunpy.net.Fido` and its attrs as ``a.heliocloud``; it reads
nothing from the network.
"""

from sunpy_heliocloud.io.cache import cache
from .client import HelioCloudClient
from .http import CatalogError
from .overview import datasets
from .refresh import refresh_datasets
from .response import HelioCloudResponse

__all__ = [
    "CatalogError",
    "HelioCloudClient",
    "HelioCloudResponse",
    "cache",
    "datasets",
    "refresh_datasets",
]
