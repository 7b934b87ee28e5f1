"""
The Fido client for NASA's HelioCloud.

Importing this package registers `HelioCloudClient` with `sunpy.net.Fido` and its attrs as ``a.heliocloud``; it reads
nothing from the network. What reads catalogues is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sunpy_heliocloud.io.cache import cache
from .client import HelioCloudClient
from .response import HelioCloudResponse

if TYPE_CHECKING:
    from .http import CatalogError
    from .overview import datasets
    from .refresh import refresh_datasets

__all__ = [
    "CatalogError",
    "HelioCloudClient",
    "HelioCloudResponse",
    "cache",
    "datasets",
    "refresh_datasets",
]

_HOMES = {"CatalogError": "http", "datasets": "overview", "refresh_datasets": "refresh"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
