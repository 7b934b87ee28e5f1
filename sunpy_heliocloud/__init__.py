"""
Solar image sequences from NASA's HelioCloud: found with Fido, read lazily, derotated, turned into time lag maps.

Importing this registers the client with `sunpy.net.Fido` and the attributes ``a.heliocloud``. All else is imported when
it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sunpy_heliocloud.registration import register_client
from sunpy_heliocloud.version import version as __version__

if TYPE_CHECKING:
    from sunpy_heliocloud import net
    from sunpy_heliocloud.alignment import aligned_cubes
    from sunpy_heliocloud.correlation_cube import CorrelationCube
    from sunpy_heliocloud.cube import TimeLagCube
    from sunpy_heliocloud.lag_collection import LagMapCollection
    from sunpy_heliocloud.lag_cube import LagCube
    from sunpy_heliocloud.lag_map import LagMap
    from sunpy_heliocloud.pairs import time_lag_pairs
    from sunpy_heliocloud.sequence import LazyMapSequence

__all__ = [
    "CorrelationCube",
    "LagCube",
    "LagMap",
    "LagMapCollection",
    "LazyMapSequence",
    "TimeLagCube",
    "__version__",
    "aligned_cubes",
    "net",
    "time_lag_pairs",
]

_HOMES = {
    "CorrelationCube": "correlation_cube",
    "LagCube": "lag_cube",
    "LagMap": "lag_map",
    "LagMapCollection": "lag_collection",
    "LazyMapSequence": "sequence",
    "TimeLagCube": "cube",
    "aligned_cubes": "alignment",
    "time_lag_pairs": "pairs",
}


register_client()


def __getattr__(name: str) -> Any:
    if name == "net":
        return import_module(f"{__name__}.net")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "net"})
