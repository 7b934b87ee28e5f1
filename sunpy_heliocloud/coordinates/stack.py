"""The WCS of a stack of images: celestial axes plane by plane, and an absolute time axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame
from astropy.wcs.wcsapi import BaseLowLevelWCS

import sunpy.coordinates  # NOQA: F401  registers the solar frames with astropy

from sunpy_heliocloud.coordinates.indexers import Picked, Stretch
from sunpy_heliocloud.coordinates.plane import PlaneWCS

__all__ = ["StackWCS"]


class StackWCS(BaseLowLevelWCS):
    """
    The WCS of a cube of images with axes time, y, x.

    It is immutable, so that cubes share it instead of copying it. Pixel axes are x, y, plane; world axes are
    longitude, latitude and time.

    Parameters
    ----------
    planes
        The WCS of each plane; a single one when all planes lie on the same grid in the same frame.
    times
        Time of each plane, strictly increasing.
    epoch
        From which the world coordinate counts seconds; by default the first of the times. Slices keep that of the whole.

    Raises
    ------
    ValueError
        When times do not increase, or the number or shape of the planes does not fit.

    Notes
    -----
    Where planes have their own WCS, so that each has its own observer and time, celestial coordinates have values
    but no common frame: they come as coordinates without observer and time. Slicing out a plane gives its frame.
    """

    def __init__(self, planes: Sequence[PlaneWCS], times: Time, epoch: Time | None = None) -> None:
        self.planes = tuple(planes)
        self.times = Time(times.utc, format="isot")
        if len(self.planes) not in (1, times.size) or len({plane.shape for plane in self.planes}) != 1:
            raise ValueError(f"{len(self.planes)} planes do not fit {times.size} times, or differ in shape")
        self.epoch = self.times[0] if epoch is None else epoch
        self._seconds = (self.times - self.epoch).to_value(u.s)
        steps = np.diff(self._seconds)
        if not (steps > 0).all():
            i = int(np.argmin(steps))
            raise ValueError(
                f"times must increase, but plane {i + 1} ({self.times[i + 1].isot}) does not come after "
                f"plane {i} ({self.times[i].isot}); sort the planes in time and drop duplicates"
            )
        self._celestial: dict[int, WCS] = {}

    def __deepcopy__(self, memo: Any) -> "StackWCS":
        return self

    def __reduce__(self) -> tuple:
        return StackWCS, (self.planes, self.times, self.epoch)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StackWCS):
            return NotImplemented
        return (
            self.planes == other.planes
            and self.times.shape == other.times.shape
            and (self.times == other.times).all()
        )

    def __hash__(self) -> int:
        return hash((self.planes, self.times.size))

    def __dask_tokenize__(self) -> tuple:
        return "StackWCS", [plane.__dask_tokenize__() for plane in self.planes], self.times.isot.tolist()

    @property
    def is_shared(self) -> bool:
        """Whether all planes lie on the same grid in the same frame."""
        return len(self.planes) == 1

    def plane(self, index: int) -> PlaneWCS:
        """The WCS of one plane."""
        return self.planes[0 if self.is_shared else index]

    @property
    def all_planes(self) -> list[PlaneWCS]:
        """The WCS of each plane."""
        return [self.plane(i) for i in range(self.times.size)]

    def celestial(self, index: int = 0) -> WCS:
        """The WCS of one plane as astropy's; not to be changed."""
        index = 0 if self.is_shared else index
        if index not in self._celestial:
            self._celestial[index] = self.planes[index].to_wcs()
        return self._celestial[index]

    def with_times(self, times: Time) -> "StackWCS":
        """The same grid at other times; planes must share it."""
        if not self.is_shared:
            raise ValueError(
                "planes with their own coordinates cannot be given other times; derotate the cube first"
            )
        return StackWCS(self.planes, times)

    # ---- slicing and binning

    def sliced(self, frames: Stretch | Picked, rows: Stretch, columns: Stretch) -> "StackWCS":
        """The WCS of some planes, rows and columns; steps must be positive."""
        planes = self.planes if self.is_shared else [self.planes[i] for i in frames.positions]
        return StackWCS(
            [plane.sliced(rows, columns) for plane in planes], self.times[frames.item], self.epoch
        )

    def binned(self, bin_shape: Sequence[int]) -> "StackWCS":
        """The WCS of bins of so many planes, rows and columns; a bin's time is the mean of its planes' times."""
        if bin_shape[0] != 1 and not self.is_shared:
            raise ValueError(
                f"planes with their own observer and time cannot be binned in time (by {bin_shape[0]}); "
                "derotate the cube first, then all planes share one grid"
            )
        seconds = self._seconds.reshape(-1, bin_shape[0]).mean(axis=1)
        planes = [plane.binned(bin_shape[1:]) for plane in self.planes]
        return StackWCS(planes, self.epoch + seconds * u.s, self.epoch)

    # ---- astropy's low-level WCS interface (APE 14)

    @property
    def pixel_n_dim(self) -> int:
        return 3

    @property
    def world_n_dim(self) -> int:
        return 3

    @property
    def array_shape(self) -> tuple[int, int, int]:
        return (self.times.size, *self.planes[0].shape)

    @property
    def pixel_shape(self) -> tuple[int, int, int]:
        return self.array_shape[::-1]

    @property
    def world_axis_physical_types(self) -> list[str]:
        return [*self.celestial().world_axis_physical_types, "time"]

    @property
    def world_axis_units(self) -> list[str]:
        return [*self.celestial().world_axis_units, "s"]

    @property
    def world_axis_names(self) -> list[str]:
        return [*self.celestial().world_axis_names, "time"]

    @property
    def pixel_axis_names(self) -> list[str]:
        return ["x", "y", "plane"]

    @property
    def axis_correlation_matrix(self) -> np.ndarray:
        own = not self.is_shared
        return np.array([[True, True, own], [True, True, own], [False, False, True]])

    @property
    def world_axis_object_components(self) -> list[tuple]:
        start = self.epoch
        time = ("time", 0, lambda time: (time - start).to_value(u.s))
        return [*self.celestial().world_axis_object_components, time]

    @property
    def world_axis_object_classes(self) -> dict[str, tuple]:
        start = self.epoch
        classes = dict(self.celestial().world_axis_object_classes)
        if not self.is_shared:
            frame = type(wcs_to_celestial_frame(self.celestial()))
            _, args, kwargs = classes["celestial"][:3]
            classes["celestial"] = (SkyCoord, args, {**kwargs, "frame": frame()})
        # A Time is kept: cropping passes times, not seconds.
        classes["time"] = (Time, (), {}, lambda time: time if isinstance(time, Time) else start + time * u.s)
        return classes

    def pixel_to_world_values(self, x: Any, y: Any, plane: Any) -> tuple[Any, Any, Any]:
        x, y, plane = np.broadcast_arrays(x, y, plane)
        longitude, latitude = self._per_plane("pixel_to_world_values", plane, x, y)
        return longitude, latitude, self._seconds_at(plane)

    def world_to_pixel_values(self, longitude: Any, latitude: Any, seconds: Any) -> tuple[Any, Any, Any]:
        longitude, latitude, seconds = np.broadcast_arrays(longitude, latitude, seconds)
        plane = self.plane_at(seconds)
        x, y = self._per_plane("world_to_pixel_values", plane, longitude, latitude)
        return x, y, plane

    def _per_plane(self, method: str, plane: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple:
        """Evaluate the WCS of the plane that is nearest to each point."""
        if self.is_shared:
            return getattr(self.celestial(), method)(first, second)
        nearest = np.clip(np.rint(plane), 0, len(self.planes) - 1).astype(int)
        results = np.empty((2, *nearest.shape))
        for index in np.unique(nearest):
            here = nearest == index
            results[:, here] = getattr(self.celestial(index), method)(first[here], second[here])
        return results[0], results[1]

    def _seconds_at(self, plane: np.ndarray) -> np.ndarray:
        """Time of a possibly fractional plane, in seconds since the epoch; straight on beyond the ends."""
        if self.times.size == 1:
            # One plane has no cadence: one second a plane keeps the conversion invertible.
            return self._seconds[0] + np.asarray(plane, dtype=float)
        left = np.clip(np.floor(plane).astype(int), 0, self.times.size - 2)
        return self._seconds[left] + (plane - left) * np.diff(self._seconds)[left]

    def plane_at(self, seconds: np.ndarray) -> np.ndarray:
        """The possibly fractional plane of times in seconds since the epoch."""
        if self.times.size == 1:
            return np.asarray(seconds, dtype=float) - self._seconds[0]
        left = np.clip(np.searchsorted(self._seconds, seconds, side="right") - 1, 0, self.times.size - 2)
        return left + (seconds - self._seconds[left]) / np.diff(self._seconds)[left]
