"""Crops: the part of a cube that holds some places and times."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

import astropy.units as u
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame
from astropy.wcs.wcsapi import BaseLowLevelWCS

from sunpy.coordinates import SphericalScreen
from sunpy.time import TimeRange, parse_time

from sunpy_heliocloud.coordinates.indexers import shown
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.slicing import SlicedStackWCS
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.coordinates.times import seconds

__all__ = ["angles_in_frame", "crop_index", "index_of_values"]

# Places are transformed to the frames of so many planes; between them, where observers move evenly, their angles are
# interpolated.
_MOST_FRAMES = 25
_FORMS = "crop((bottom_left, start), (top_right, stop)), crop(bottom_left, top_right) or crop(start, stop)"


class _Stack(NamedTuple):
    """The planes that are cropped, and which of the axes time, y, x are not there."""

    stack: StackWCS
    fixed: tuple[bool, bool, bool]

    @classmethod
    def of(cls, wcs: BaseLowLevelWCS, shape: tuple[int, ...]) -> "_Stack | None":
        """`None` for a WCS without images or times, or of another kind."""
        if isinstance(wcs, StackWCS):
            return cls(wcs, (False, False, False))
        if isinstance(wcs, SlicedStackWCS):
            return cls(wcs.stack, wcs.fixed)
        if isinstance(wcs, WCS) and wcs.naxis == 2 and wcs.has_celestial:
            return cls(
                StackWCS([PlaneWCS.from_wcs(wcs, (shape[0], shape[1]))], Time(["2000-01-01"])),
                (True, False, False),
            )
        return None


def crop_index(
    wcs: BaseLowLevelWCS, shape: tuple[int, ...], points: Sequence[Any], keepdims: bool
) -> tuple[int | slice, ...] | None:
    """
    The index of the smallest part of a cube that holds some points.

    Parameters
    ----------
    wcs, shape
        Of the cube.
    points
        As for `ndcube.NDCube.crop`: each a place, a time, or both, of which either can be `None`. Times are anything
        that `sunpy.time.parse_time` takes, or a `sunpy.time.TimeRange`; a Map is a place, from corner to corner.
    keepdims
        Whether an axis of one pixel is kept.

    Returns
    -------
    tuple or None
        `None` for a cube of another kind.

    Raises
    ------
    TypeError, ValueError
        When points are of another kind or order, or lie beside the cube.
    """
    planes = _Stack.of(wcs, shape)
    if planes is None:
        return None
    places: list[SkyCoord] = []
    times: list[Time] = []
    for i, point in enumerate(points):
        place, time = _parts(i, point)
        if place is not None:
            places.append(place)
        if time is not None:
            times.append(time)

    def angles(wanted: range) -> np.ndarray:
        return _angles(planes.stack, wanted, places)

    since = planes.stack.epoch
    moments = np.concatenate([seconds(time, since).ravel() for time in times]) if times else None
    return _index(planes, moments, angles if places else None, keepdims)


def index_of_values(
    wcs: BaseLowLevelWCS,
    shape: tuple[int, ...],
    points: Sequence[Sequence[Any]],
    units: Sequence[Any] | None,
    keepdims: bool,
) -> tuple[int | slice, ...] | None:
    """
    The same as `crop_index` for world coordinates as quantities, or as numbers with units.

    Parameters
    ----------
    wcs, shape, keepdims
        As there.
    points
        In the order of the world axes: longitude, latitude and seconds, as far as the cube has them; `None` where a point has none.
    units
        Of numbers.
    """
    planes = _Stack.of(wcs, shape)
    if planes is None:
        return None
    moments: list[float] = []
    places: list[list[float]] = []
    for point in points:
        values = _values(wcs, point, units)
        if (moment := values.pop("time", None)) is not None:
            moments.append(moment)
        place = [value for value in values.values() if value is not None]
        if len(place) == 1:
            raise ValueError(
                f"{point} has one of longitude and latitude; together they are a place, so give both"
            )
        if place:
            places.append(place)

    def angles(wanted: range) -> np.ndarray:
        return np.broadcast_to(np.transpose(places), (len(wanted), 2, len(places)))

    return _index(planes, np.array(moments) if moments else None, angles if places else None, keepdims)


def _values(wcs: BaseLowLevelWCS, point: Any, units: Sequence[Any] | None) -> dict[str, float | None]:
    """The numbers of a point by physical type, in the units of the WCS."""
    entries = list(point) if isinstance(point, tuple | list) else [point]
    names = list(wcs.world_axis_physical_types)
    if len(entries) != len(names) or (units is not None and len(units) != len(names)):
        raise ValueError(
            f"a point and its units have {len(names)} values, of {', '.join(names)}, but these are {shown(point)}"
        )
    values: dict[str, float | None] = {}
    for i, (name, value, wanted) in enumerate(zip(names, entries, wcs.world_axis_units, strict=True)):
        if value is not None and not isinstance(value, u.Quantity):
            if units is None or units[i] is None or isinstance(value, Time):
                raise TypeError(
                    f"{shown(value)} has no unit; give quantities, such as 240 * u.s, or units=...; crop takes places and times"
                )
            value = u.Quantity(value, units[i])
        values[name] = None if value is None else float(value.to_value(wanted))
    return values


def _parts(i: int, point: Any) -> tuple[SkyCoord | None, Time | None]:
    """Place and time of a point."""
    entries = list(point) if isinstance(point, tuple | list) else [point]
    kinds = [_part(i, entry) for entry in entries]
    found = [type(kind) for kind in kinds if kind is not None]
    if len(entries) > 2 or found not in ([], [SkyCoord], [Time], [SkyCoord, Time]) or _are_swapped(kinds):
        given = ", ".join("None" if kind is None else type(kind).__name__ for kind in kinds)
        raise TypeError(
            f"point {i} is ({given}), but a point is a place, a time, or a place and a time: {_FORMS}"
        )
    place = next((kind for kind in kinds if isinstance(kind, SkyCoord)), None)
    return place, next((kind for kind in kinds if isinstance(kind, Time)), None)


def _are_swapped(kinds: list[SkyCoord | Time | None]) -> bool:
    return len(kinds) == 2 and (isinstance(kinds[0], Time) or isinstance(kinds[1], SkyCoord))


def _part(i: int, entry: Any) -> SkyCoord | Time | None:
    if entry is None or isinstance(entry, SkyCoord):
        return entry
    if hasattr(entry, "bottom_left_coord"):  # a Map
        return SkyCoord([entry.bottom_left_coord, entry.top_right_coord])
    if isinstance(entry, BaseCoordinateFrame):
        return SkyCoord(entry)
    if isinstance(entry, TimeRange):
        return Time([entry.start, entry.end])
    try:
        return parse_time(entry)
    except (TypeError, ValueError, KeyError) as error:
        raise TypeError(
            f"{shown(entry)} of point {i} is neither a place nor a time; points are given as {_FORMS}"
        ) from error


def _angles(stack: StackWCS, wanted: range, places: Sequence[SkyCoord]) -> np.ndarray:
    """Longitudes and latitudes of places, in any order, in the frame of each plane, ``(planes, 2, places)``."""
    places = _joined(places)
    count = min(len(wanted), _MOST_FRAMES)
    sampled = np.unique(np.linspace(wanted[0], wanted[-1], count).round().astype(int))
    values = []
    for plane in sampled:
        celestial = stack.celestial(int(plane))
        values.append(np.concatenate([angles_in_frame(place, celestial) for place in places], axis=1))
    if len(sampled) == len(wanted):
        return np.array(values)
    flat = np.reshape(values, (len(sampled), -1)).T
    return np.transpose([np.interp(wanted, sampled, angle) for angle in flat]).reshape(len(wanted), 2, -1)


def _joined(places: Sequence[SkyCoord]) -> Sequence[SkyCoord]:
    """Points of the same frame as one `SkyCoord`: its transformation takes as long as that of one of them."""
    kinds = {(place.isscalar, type(place.data)) for place in places}
    are_alike = len(kinds) == 1 and all(map(places[0].is_equivalent_frame, places))
    return [SkyCoord(list(places))] if are_alike and places[0].isscalar else places


def angles_in_frame(place: SkyCoord, celestial: WCS) -> np.ndarray:
    """Longitudes and latitudes of places in the frame and the units of an image, shape ``(2, places)``."""
    frame = wcs_to_celestial_frame(celestial)
    if getattr(place.frame, "observer", frame) is None:  # angles alone: those of any observer
        here = SkyCoord(place.spherical.lon, place.spherical.lat, frame=frame)
    else:
        # Off the disk only the sphere around the Sun through the observer tells where a place lies.
        observer = getattr(place.frame, "observer", None)
        with nullcontext() if observer is None else SphericalScreen(observer, only_off_disk=True):
            here = place.transform_to(frame)
    lon, lat = here.spherical.lon, here.spherical.lat
    return np.array(
        [np.ravel(angle.to_value(unit)) for angle, unit in zip((lon, lat), celestial.wcs.cunit, strict=True)]
    )


def _index(
    planes: _Stack, moments: np.ndarray | None, angles: Callable[[range], np.ndarray] | None, keepdims: bool
) -> tuple[int | slice, ...]:
    stack, fixed = planes
    if moments is not None and fixed[0]:
        raise ValueError(
            "this cube has no axis of time; crop it by place alone: crop(bottom_left, top_right)"
        )
    if angles is not None and fixed[1:] == (True, True):
        raise ValueError("a light curve is of one place; crop it by time alone: crop(start, stop)")
    boxes: list[tuple[int, int] | None] = [None, None, None]
    if moments is not None:
        boxes[0] = _box(stack.plane_at(moments), stack.times.size)
        if boxes[0] is None:
            asked = " to ".join(time.isot for time in stack.epoch + np.sort(moments)[[0, -1]] * u.s)
            raise ValueError(
                f"the cube is of {stack.times[0].isot} to {stack.times[-1].isot}, and not of {asked}"
            )
    if angles is not None:
        wanted = range(1) if stack.is_shared else range(stack.times.size)[slice(*(boxes[0] or (None, None)))]
        boxes[1:] = _image_boxes(stack, wanted, angles(wanted), fixed[1:])
    index = tuple(
        slice(0, length) if box is None else slice(*box) if keepdims or box[1] - box[0] > 1 else box[0]
        for box, length, is_fixed in zip(boxes, stack.array_shape, fixed, strict=True)
        if not is_fixed
    )
    if all(isinstance(one, int) for one in index):
        raise ValueError("the points lie in one pixel, which is no cube; keepdims=True keeps its axes")
    return index


def _image_boxes(
    stack: StackWCS, wanted: range, angles: np.ndarray, fixed: tuple[bool, ...]
) -> list[tuple[int, int] | None]:
    """Rows and columns that hold the places in every plane, as far as they are free."""
    pixels = [
        stack.celestial(plane).world_to_pixel_values(*angle)
        for plane, angle in zip(wanted, angles, strict=True)
    ]
    columns, rows = np.transpose(pixels, (1, 0, 2)).reshape(2, -1)
    if not np.isfinite(pixels).all():
        raise ValueError(
            "a place cannot be seen by the observer of the cube, or lies in no direction of its coordinates"
        )
    boxes = [_box(some, length) for some, length in zip((rows, columns), stack.array_shape[1:], strict=True)]
    if any(box is None and not is_fixed for box, is_fixed in zip(boxes, fixed, strict=True)):
        raise ValueError(
            f"the places are all outside the images, at x = {columns.min():.0f} to {columns.max():.0f} and "
            f"y = {rows.min():.0f} to {rows.max():.0f} of {stack.array_shape[2]} x {stack.array_shape[1]} pixels"
        )
    return boxes


def _box(pixels: np.ndarray, length: int) -> tuple[int, int] | None:
    """The pixels in which the points lie, and those between; `None` if they are all to one side, as in ndcube."""
    first, stop = int(np.floor(pixels.min() + 0.5)), int(np.ceil(pixels.max() - 0.5)) + 1
    if stop < 0 or (stop == 0 and first < 0) or first >= length:
        return None
    first = max(first, 0)
    return first, max(stop, first + 1)
