"""Paths across an image, and the WCS of values along them over time."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

import astropy.units as u
from astropy.coordinates import BaseCoordinateFrame, ConvertError, SkyCoord
from astropy.time import Time
from astropy.wcs.utils import wcs_to_celestial_frame
from astropy.wcs.wcsapi import BaseLowLevelWCS

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.coordinates.crops import angles_in_frame
from sunpy_heliocloud.coordinates.plane import PlaneWCS

__all__ = ["ImagePath", "PathWCS"]

_FINEST, _MOST = 1e-9, 100_000  # of a step in pixels; samples


@dataclass(frozen=True)
class ImagePath:
    """
    Evenly spaced points along a line across an image, and lines beside it.

    Parameters
    ----------
    x, y
        Pixels, shape ``(lines, points)``.
    distance
        Of the points along the line, in arcseconds.
    length
        The same in the plane of the sky at the centre of the Sun, in metres; NaN without the observer's distance.
    """

    x: np.ndarray
    y: np.ndarray
    distance: np.ndarray
    length: np.ndarray

    @classmethod
    def across(cls, plane: PlaneWCS, path: Any, width: u.Quantity | None) -> Self:
        """
        The points a pixel apart on straight lines between places.

        Parameters
        ----------
        plane
            The image.
        path
            The places, two at least.
        width
            Across the line, as an angle or a length; `None` for the line alone.

        Raises
        ------
        TypeError, ValueError, ~astropy.units.UnitsError
            When they are no places, lie all beside the image, or the width is none.
        """
        x, y = _pixels_of(plane, path)
        scale = 3600 * np.abs(plane.cdelt) * u.Unit(plane.cunit[0]).to(u.deg)
        steps = np.hypot(np.diff(x) * scale[0], np.diff(y) * scale[1])
        along = np.concatenate([[0.0], np.cumsum(steps)])
        step = float(scale.min())
        if not along[-1] > _FINEST * step:
            raise ValueError("the places of the path are one; give two that differ, or more")
        if along[-1] / step > _MOST:
            raise ValueError(
                f"the path is {along[-1]:.3g}″ long, more than {_MOST} pixels; give places in the image"
            )
        points = np.arange(int(along[-1] / step * (1 + 1e-9)) + 1) * step
        middle = np.array([np.interp(points, along, x), np.interp(points, along, y)])
        ny, nx = plane.shape
        if not ((middle > -0.5) & (middle < np.array([[nx], [ny]]) - 0.5)).all(axis=0).any():
            raise ValueError("the path lies beside the image; give places that it shows")
        offsets = _offsets(width, step, plane)
        # Across the path as it is on the sky, where pixels need not be square.
        tangent = (
            np.gradient(middle, axis=1) * scale[:, None] if points.size > 1 else np.array([[1.0], [0.0]])
        )
        normal = np.array([-tangent[1], tangent[0]]) / np.hypot(*tangent) / scale[:, None]
        lines = middle[:, None] + offsets[:, None] * normal[:, None]
        return cls(lines[0], lines[1], points, np.radians(points / 3600) * plane.observer_distance)


def _pixels_of(plane: PlaneWCS, path: Any) -> tuple[np.ndarray, np.ndarray]:
    expected = "has to be a SkyCoord of two places or more, such as SkyCoord([-100, 50] * u.arcsec, [0, 80] * u.arcsec, frame=map.coordinate_frame)"
    if isinstance(path, BaseCoordinateFrame) and path.has_data:
        path = SkyCoord(path)
    if not isinstance(path, SkyCoord):
        raise TypeError(f"path is {shown(path)}, but {expected}")
    if path.isscalar or path.ndim != 1 or path.size < 2:
        raise ValueError(f"path has the shape {path.shape}, but {expected}")
    wcs = plane.to_wcs()
    try:
        longitude, latitude = angles_in_frame(path, wcs)
    except (ConvertError, ValueError, TypeError) as e:
        frame = type(wcs_to_celestial_frame(wcs)).__name__
        raise ValueError(
            f"path is in {path.frame.name}, which cannot be transformed to the {frame} of the cube"
        ) from e
    x, y = wcs.world_to_pixel_values(longitude, latitude)
    if not np.isfinite([x, y]).all():
        raise ValueError("a place of the path has no direction in the coordinates of the cube; leave it out")
    return x, y


def _offsets(width: Any, step: float, plane: PlaneWCS) -> np.ndarray:
    """Distances of the lines from that in the middle, in arcseconds."""
    if width is None:
        return np.zeros(1)
    if not isinstance(width, u.Quantity) or not (
        width.unit.is_equivalent(u.deg) or width.unit.is_equivalent(u.m)
    ):
        raise u.UnitTypeError(
            f"width is {shown(width)}, but has to be an angle or a length, such as 5 * u.arcsec"
        )
    if width.unit.is_equivalent(u.m):
        width = np.degrees(width.to_value(u.m) / plane.observer_distance) * u.deg
    if not width.isscalar or not 0 < width.value < np.inf:
        raise ValueError(
            f"width is {width}, but has to be one positive angle or length, such as 5 * u.arcsec"
        )
    n = max(1, round(width.to_value(u.arcsec) / step))
    if n > _MOST:
        raise ValueError(f"width is {width}, but has to be smaller than the image, such as 5 * u.arcsec")
    return (np.arange(n) - (n - 1) / 2) * step


class PathWCS(BaseLowLevelWCS):
    """
    The WCS of values along a path over time; immutable. Pixel axes are the point and the plane, world axes distance in
    arcseconds, length in megametres, and time.

    Parameters
    ----------
    distance, length
        Of the points, in arcseconds and metres.
    times
        Of the planes, increasing.
    """

    def __init__(self, distance: np.ndarray, length: np.ndarray, times: Time) -> None:
        self.distance, self.length = np.asarray(distance, float), np.asarray(length, float)
        self.times = Time(times.utc, format="isot")
        self._seconds = (self.times - self.times[0]).to_value(u.s)

    def __deepcopy__(self, memo: Any) -> "PathWCS":
        return self

    def __reduce__(self) -> tuple:
        return PathWCS, (self.distance, self.length, self.times)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PathWCS):
            return NotImplemented
        return self.__dask_tokenize__() == other.__dask_tokenize__()

    def __hash__(self) -> int:
        return hash((self.distance.size, self.times.size))

    def __dask_tokenize__(self) -> tuple:
        return "PathWCS", self.distance.tolist(), repr(self.length.tolist()), self.times.isot.tolist()

    @property
    def pixel_n_dim(self) -> int:
        return 2

    @property
    def world_n_dim(self) -> int:
        return 3

    @property
    def array_shape(self) -> tuple[int, int]:
        return self.times.size, self.distance.size

    @property
    def pixel_shape(self) -> tuple[int, int]:
        return self.array_shape[::-1]

    @property
    def world_axis_physical_types(self) -> list[str]:
        return ["custom:pos.path.angle", "custom:pos.path.length", "time"]

    @property
    def world_axis_units(self) -> list[str]:
        return ["arcsec", "Mm", "s"]

    @property
    def world_axis_names(self) -> list[str]:
        return ["distance", "length", "time"]

    @property
    def pixel_axis_names(self) -> list[str]:
        return ["point", "plane"]

    @property
    def axis_correlation_matrix(self) -> np.ndarray:
        return np.array([[True, False], [True, False], [False, True]])

    @property
    def world_axis_object_components(self) -> list[tuple]:
        start = self.times[0]
        return [
            ("distance", 0, lambda distance: distance.to_value(u.arcsec)),
            ("length", 0, lambda length: length.to_value(u.Mm)),
            ("time", 0, lambda time: (time - start).to_value(u.s)),
        ]

    @property
    def world_axis_object_classes(self) -> dict[str, tuple]:
        start = self.times[0]
        return {
            "distance": (u.Quantity, (), {"unit": u.arcsec}),
            "length": (u.Quantity, (), {"unit": u.Mm}),
            # A Time is kept: cropping passes times, not seconds.
            "time": (Time, (), {}, lambda time: time if isinstance(time, Time) else start + time * u.s),
        }

    def pixel_to_world_values(self, point: Any, plane: Any) -> tuple[Any, Any, Any]:
        point, plane = np.broadcast_arrays(np.asarray(point, float), np.asarray(plane, float))
        points, planes = (np.arange(one.size) for one in (self.distance, self._seconds))
        distance, length, seconds = (
            _linear(at, index, values)
            for at, index, values in (
                (point, points, self.distance),
                (point, points, self.length / 1e6),
                (plane, planes, self._seconds),
            )
        )
        return distance, length, seconds

    def world_to_pixel_values(self, distance: Any, length: Any, seconds: Any) -> tuple[Any, Any]:
        point = _linear(np.asarray(distance, float), self.distance, np.arange(self.distance.size))
        plane = _linear(np.asarray(seconds, float), self._seconds, np.arange(self._seconds.size))
        point, plane = np.broadcast_arrays(point, plane)
        return point, plane


def _linear(at: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Linear interpolation, and extrapolation from the two nearest."""
    if x.size == 1:
        return y[0] + (at - x[0])
    left = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    return y[left] + (at - x[left]) * (y[left + 1] - y[left]) / (x[left + 1] - x[left])
