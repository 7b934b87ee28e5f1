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
    from sunpy_heliocloud.bounds import limits
    from sunpy_heliocloud.channels import CubeCollection, aligned_cubes, time_lag_pairs
    from sunpy_heliocloud.cube import TimeLagCube
    from sunpy_heliocloud.io.cache import cache
    from sunpy_heliocloud.lags.collection import LagMapCollection
    from sunpy_heliocloud.lags.correlation_cube import CorrelationCube
    from sunpy_heliocloud.lags.lag_cube import LagCube
    from sunpy_heliocloud.lags.lag_map import LagMap
    from sunpy_heliocloud.lazy.progress import progress
    from sunpy_heliocloud.sequence import LazyMapSequence

__all__ = [
    "CorrelationCube",
    "CubeCollection",
    "LagCube",
    "LagMap",
    "LagMapCollection",
    "LazyMapSequence",
    "TimeLagCube",
    "__version__",
    "aligned_cubes",
    "cache",
    "limits",
    "net",
    "progress",
    "time_lag_pairs",
]

_HOMES = {
    "Estimate": "lazy.estimate",
    "CorrelationCube": "lags.correlation_cube",
    "CubeCollection": "channels",
    "LagCube": "lags.lag_cube",
    "LagMap": "lags.lag_map",
    "LagMapCollection": "lags.collection",
    "LazyMapSequence": "sequence",
    "LostFrameWarning": "lazy.losses",
    "ReadError": "io.ranges",
    "TimeLagCube": "cube",
    "aligned_cubes": "channels",
    "cache": "io.cache",
    "limits": "bounds",
    "progress": "lazy.progress",
    "time_lag_pairs": "channels",
}


register_client()


def __getattr__(name: str) -> Any:
    if name == "net":
        return import_module(f"{__name__}.net")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in ("limits", "progress"):
        import_module(f"{__name__}.lazy.expressions").refuse_array_expressions()
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "net"})
