"""Arithmetic between cubes, planes and Maps on one grid, and differences of planes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from ndcube import NDCube

import astropy.units as u
from astropy.nddata import NDData
from astropy.table import Table
from astropy.time import Time
from astropy.wcs import WCS

from sunpy.map import GenericMap
from sunpy.time import parse_time

from sunpy_heliocloud.coordinates.indexers import shown
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.coordinates.times import common_times
from sunpy_heliocloud.lazy.planes import grid_of
from sunpy_heliocloud.text import inert

__all__ = ["SIGNS", "base_plane", "channel_name", "check_shape", "combined", "earlier_planes"]

SIGNS = {"__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/"}


@dataclass(frozen=True)
class _Grid:
    """
    Where the pixels of a cube or plane lie.

    Parameters
    ----------
    planes
        A single one if all lie on one grid.
    times
        Of the planes; `None` for what has no axis of time.
    fixed
        Whether row and column are fixed.
    """

    planes: tuple[PlaneWCS, ...]
    times: Time | None
    fixed: tuple[bool, bool] = (False, False)

    @classmethod
    def of(cls, cube: NDCube) -> "_Grid | None":
        """`None` for other cubes."""
        wcs = cube.wcs.low_level_wcs
        if isinstance(wcs, StackWCS):
            return cls(wcs.planes, wcs.times)
        if isinstance(wcs, SlicedStackWCS):
            return cls(wcs.stack.planes, None if wcs.fixed[0] else wcs.times, wcs.fixed[1:])
        if isinstance(wcs, WCS) and wcs.naxis == 2 and wcs.has_celestial:
            return cls((PlaneWCS.from_wcs(wcs, cube.shape),), None)
        return None

    def at(self, planes: np.ndarray) -> "_Grid":
        """The grid of some of the planes."""
        if self.times is None or len(self.planes) == 1:
            return self
        return _Grid(tuple(self.planes[i] for i in planes), self.times[planes], self.fixed)

    def __str__(self) -> str:
        first = self.planes[0]
        return f"{first.shape[0]}x{first.shape[1]} pixels of {first.stamp}"


def combined(first: NDCube, second: NDCube | GenericMap, operation: str) -> NDCube:
    """
    The sum, difference, product or quotient of two cubes on one grid, over their common times.

    Parameters
    ----------
    first, second
        Cubes with times, or planes and Maps, which are combined with every plane.
    operation
        The name of the method, such as ``"__add__"``.

    Raises
    ------
    ValueError
        When they lie on different grids, or have no time in common; the message says what to do.
    """
    if isinstance(second, GenericMap):
        second = _plane_of(second, first)
    first, second = _aligned(first, second)
    if operation in ("__add__", "__sub__"):
        check_unit(first.unit, second)
    whole = first
    if first.data.ndim < second.data.ndim:
        data = np.broadcast_to(first.data, second.data.shape)
        whole = second._new_instance(
            data=data, unit=first.unit, mask=first.mask, uncertainty=first.uncertainty
        )
    result = getattr(NDCube, operation)(whole, _values(second))
    return result._new_instance(meta=_meta(first, second, SIGNS[operation]))


def check_shape(shape: tuple[int, ...], value: Any) -> None:
    """Refuse an array that does not broadcast to the shape of a cube."""
    other = np.shape(value.data if isinstance(value, NDData) else value)
    try:
        if np.broadcast_shapes(shape, other) == shape:
            return
    except ValueError:
        pass
    raise ValueError(
        f"an array of shape {other} does not fit a cube of shape {shape}; arrays are broadcast as by numpy, so that one "
        "value a plane is values[:, None, None]"
    )


def check_unit(unit: u.UnitBase | None, value: Any) -> None:
    """Refuse to add a value in another unit than that of a cube."""
    other = value if isinstance(value, u.UnitBase) else getattr(value, "unit", None)
    is_number = not (hasattr(value, "unit") or isinstance(value, u.UnitBase)) and unit in (None, u.one)
    if is_number or unit is other is None:
        return
    if other is None or (unit is None and isinstance(value, NDData)):
        raise TypeError(
            f"units are {unit} and {other}, but sums and differences are of values that both have one or are both unitless; "
            "give it one first: image * (1 * u.DN), value * cube.unit"
        )
    if not other.is_equivalent(unit or u.one):
        raise u.UnitConversionError(
            f"units are {unit or 'none'} and {other or 'none'}, which cannot be converted into each other, but sums and "
            "differences are of values in one unit"
        )


def channel_name(meta: Any) -> str:
    """The channel of a cube, or how several were combined."""
    if "combined" in meta:
        return meta["combined"]
    if meta.get("wavelength") is None:
        return "unknown"
    return inert(f"{meta.get('observatory') or ''} {meta['wavelength']:g}".strip())


def earlier_planes(cube: NDCube, n: int) -> NDData:
    """
    What is subtracted from the planes from number ``n`` on for a running difference.

    Raises
    ------
    ValueError
        When there are not so many planes.
    """
    planes = cube.times.size
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n < planes:
        raise ValueError(
            f"n is {shown(n)}, but a difference of {planes} planes is that of planes 1 to {planes - 1} apart; a difference "
            "over a time needs planes at that cadence first: cube.resample_time(12 * u.min).difference()"
        )
    return _values(cube[: -int(n)])


def base_plane(cube: NDCube, base: Any) -> tuple[Any, str]:
    """
    What is subtracted from every plane for a base difference, and its name.

    Parameters
    ----------
    cube
        Whose planes share a grid.
    base
        The index or the time of a plane; or a plane on the same grid: of a cube, a Map, or an array.

    Raises
    ------
    ValueError
        When there is no plane of that time.
    """
    if isinstance(base, NDCube | GenericMap):
        if base.data.ndim >= cube.data.ndim and base.data.ndim > 2:
            raise ValueError(
                f"base is a cube of shape {base.data.shape}, but has to be one plane, such as cube[0]; cube - other "
                "subtracts plane by plane"
            )
        return base, "a plane"
    if np.ndim(base):
        return base if isinstance(base, u.Quantity) else NDData(base, unit=cube.unit), "an array"
    if isinstance(base, int | np.integer) and not isinstance(base, bool):
        index = base
        if not -cube.times.size <= base < cube.times.size:
            raise IndexError(f"base is {base}, but there are {cube.times.size} planes")
    else:
        index = _nearest(cube.times, base)
    return _values(cube[[index]]), cube.times[index].isot


def _nearest(times: Time, base: Any) -> int:
    try:
        time = parse_time(base)
    except (TypeError, ValueError, KeyError) as error:
        raise TypeError(
            f"base is {shown(base)}, but has to be the index or the time of a plane, or a plane: a Map, cube[0]"
        ) from error
    if not times[0] <= time <= times[-1]:
        raise ValueError(
            f"base is {time.isot}, but the planes are of {times[0].isot} to {times[-1].isot}; take a time between them"
        )
    return int(np.argmin(np.abs((times - time).to_value(u.s))))


def _values(cube: NDCube) -> NDData:
    """A cube without coordinates."""
    return NDData(cube.data, unit=cube.unit, mask=cube.mask, uncertainty=cube.uncertainty)


def _plane_of(image: GenericMap, cube: NDCube) -> NDCube:
    """A Map as a plane beside a cube, of which it takes all that a Map does not say."""
    meta = dict(cube.meta) | {"wavelength": image.wavelength, "observatory": image.observatory}
    wcs = grid_of(image).to_wcs()
    data = image.data.astype(cube.data.dtype, copy=False)
    return NDCube(data, wcs=wcs, unit=image.unit, mask=image.mask, meta=meta)


def _aligned(first: NDCube, second: NDCube) -> tuple[NDCube, NDCube]:
    """Both over their common times."""
    a, b = _Grid.of(first), _Grid.of(second)
    if a is None or b is None:
        if first.shape == second.shape and _are_equal(first.wcs.low_level_wcs, second.wcs.low_level_wcs):
            return first, second
        raise ValueError(
            f"cubes of shape {first.shape} and {second.shape} do not lie on one grid{_or_values()}"
        )
    if a.fixed != b.fixed:
        raise ValueError(f"of these cubes one has lost another axis than the other{_or_values()}")
    if a.times is None or b.times is None:
        _check_grids(a, b)
        return first, second
    if len(a.planes) == len(b.planes) == 1:
        _check_grids(a, b)
    ours, theirs = common_times(a.times, b.times)
    if ours.size == 0:
        shared = len(a.planes) == len(b.planes) == 1
        raise ValueError(_without_common_times(a.times, b.times, shared))
    _check_grids(a.at(ours), b.at(theirs))
    return _planes(first, ours), _planes(second, theirs)


def _planes(cube: NDCube, planes: np.ndarray) -> NDCube:
    first, last = int(planes[0]), int(planes[-1])
    if planes.size == cube.shape[0]:
        return cube
    return cube[first : last + 1] if planes.size == last - first + 1 else cube[planes]


def _check_grids(a: _Grid, b: _Grid) -> None:
    pairs = zip(a.planes, b.planes, strict=False)
    if len(a.planes) == len(b.planes) and all(one.is_one_grid_with(other) for one, other in pairs):
        return
    if a.fixed != (False, False):
        raise ValueError(f"these are pixels at different places{_or_values()}")
    own = " (each plane still has coordinates of its own)" if max(len(a.planes), len(b.planes)) > 1 else ""
    raise ValueError(
        f"cubes and planes are combined on one grid, but these lie on {a} and {b}{own}; derotate both to one map with "
        f"derotate_to(map) first{_or_values()}"
    )


def _or_values() -> str:
    return "; values alone are combined by a - b.to_nddata(wcs=None)"


def _without_common_times(a: Time, b: Time, shared: bool) -> str:
    spans = " and ".join(f"{times[0].isot} to {times[-1].isot}" for times in (a, b))
    said = f"cubes are combined over their common times (within 1 ms), but these of {spans} have none; "
    if 1 in (a.size, b.size):
        return f"{said}one plane is combined with every plane without its axis of time: a - b[0]"
    if a[0] > b[-1] or b[0] > a[-1]:
        return f"{said}values alone are combined by a - b.to_nddata(wcs=None), if there are as many"
    first = "" if shared else "derotate both to one map with derotate_to(map), and then "
    return f"{said}{first}bring one to the times of the other: b.resample_time(times=a.times)"


def _meta(first: NDCube, second: NDCube, sign: str) -> dict[str, Any]:
    """What both say, and which channels were combined."""
    a, b = first.meta, second.meta
    shared = {key: entry for key, entry in a.items() if _are_equal(entry, b.get(key))}
    with_frames = first if first.data.ndim >= second.data.ndim else second
    if first.data.ndim != second.data.ndim and "frames" in with_frames.meta:
        shared["frames"] = with_frames.meta["frames"]
    names = [channel_name(meta) for meta in (a, b)]
    if names[0] != names[1]:
        one, other = (f"({name})" if "combined" in m else name for name, m in zip(names, (a, b), strict=True))
        for key in ("wavelength", "observatory"):
            if key not in shared:
                shared["channels" if key == "wavelength" else "observatories"] = (a.get(key), b.get(key))
        shared["combined"] = f"{one} {sign} {other}"
    return shared


def _are_equal(first: Any, second: Any) -> bool:
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, Table):
        return len(first) == len(second) and (first["url"] == second["url"]).all()
    if isinstance(first, WCS):
        return first.to_header() == second.to_header()
    return bool(np.all(first == second))
