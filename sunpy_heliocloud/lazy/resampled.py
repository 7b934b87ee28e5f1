"""Planes at other times as a dask array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.caller import warn_caller
from sunpy_heliocloud.coordinates.indexers import At, Indexer, Stretch
from sunpy_heliocloud.coordinates.times import seconds
from sunpy_heliocloud.kernels.time_axis import METHODS
from sunpy_heliocloud.kernels.time_neighbours import Steps, samples_of_steps, samples_of_times
from sunpy_heliocloud.lazy.light_curves import AverageTime, ResampleTime
from sunpy_heliocloud.lazy.pencils import map_pencils
from sunpy_heliocloud.lazy.sliced import SlicedArray
from sunpy_heliocloud.lazy.wholes import Source, outer_part

__all__ = ["resample"]


def resample(planes: Any, times: Time, new_times: Time, max_gap: u.Quantity, method: str) -> SlicedArray:
    """
    Interpolate planes to other times.

    Parameters
    ----------
    planes
        Array ``(n, y, x)``.
    times, new_times
        Of the planes and of those of the result.
    max_gap
        Longest interval between valid samples of a pixel that is bridged.
    method
        One of `sunpy_heliocloud.kernels.time_axis.METHODS`.

    Returns
    -------
    SlicedArray
        ``(new_times, y, x)``, all times of some pixels a chunk. A slice of it depends only on the planes that its values
        can depend on, and on their pixels.

    Raises
    ------
    ValueError
        When there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}")
    own, new = (seconds(some, times[0]) for some in (times, new_times))
    steps = Steps.of(own, new) if method == "mean" and new.size > 1 else None
    method = "linear" if method == "mean" else method
    resampled = _Resampled(planes, own, new, float(max_gap.to_value(u.s)), method, steps)
    _warn_of_missing(resampled)
    return SlicedArray(resampled)


@dataclass(frozen=True, eq=False)
class _Resampled(Source):
    """
    Planes at other times.

    Parameters
    ----------
    planes
        Array ``(n, y, x)``.
    times, new_times, max_gap
        In seconds since a common epoch.
    method
        Of interpolation.
    steps
        Of the new times, if values are means over steps.
    """

    planes: Any
    times: np.ndarray
    new_times: np.ndarray
    max_gap: float
    method: str
    steps: Steps | None

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.new_times), *self.planes.shape[1:])

    def made(self, index: Sequence[Indexer]) -> da.Array:
        which, rows, columns = index
        new = np.array(which.positions)
        needed = self._needed(new)
        (top, bottom), (left, right) = rows.span or (0, 0), columns.span or (0, 0)
        if needed.size:
            planes = self.planes[_stretch(needed), top:bottom, left:right]
            part = map_pencils(self._task(needed, new), planes, planes=new.size, dtype=planes.dtype)
        else:
            shape = new.size, bottom - top, right - left
            part = da.full(shape, np.nan, self.planes.dtype, chunks=shape)
        planes_kept = Stretch(0, new.size) if which.keeps_axis else At(0)
        return outer_part(part, (planes_kept, rows.within_span(), columns.within_span()))

    def samples(self, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first of the planes that each of some new ones can depend on, and the one after the last; equal for none."""
        if self.steps is not None:
            return samples_of_steps(self.times, self.steps.part(new), max_gap=self.max_gap)
        return samples_of_times(self.times, self.new_times[new], max_gap=self.max_gap, method=self.method)

    def _needed(self, new: np.ndarray) -> np.ndarray:
        """The planes that new ones can depend on."""
        first, stop = (np.bincount(edges, minlength=len(self.times) + 1) for edges in self.samples(new))
        return np.flatnonzero(np.cumsum(first - stop))

    def _task(self, needed: np.ndarray, new: np.ndarray) -> "ResampleTime | AverageTime":
        times = tuple(self.times[needed].tolist())
        if self.steps is None:
            return ResampleTime(times, tuple(self.new_times[new].tolist()), self.max_gap, self.method)
        starts, stops, uncovered = (tuple(one.tolist()) for one in self.steps.part(new))
        return AverageTime(times, starts, stops, uncovered, self.max_gap)


def _stretch(positions: np.ndarray) -> slice | np.ndarray:
    """The index of increasing positions: a slice if they follow each other."""
    first, last = int(positions[0]), int(positions[-1])
    return slice(first, last + 1) if last - first + 1 == positions.size else positions


def _warn_of_missing(resampled: _Resampled) -> None:
    """Say why more than half of the new planes have no value, as far as times alone tell it."""
    new, times = resampled.new_times, resampled.times
    first, stop = resampled.samples(np.arange(new.size))
    missing = first == stop
    if 2 * np.count_nonzero(missing) <= new.size:
        return
    outside = missing & ((new < times[0]) | (new > times[-1]))
    in_gaps = np.count_nonzero(missing & ~outside)
    reasons = []
    if outside.any():
        reasons.append(
            f"{np.count_nonzero(outside)} are before the first or after the last frame, where nothing is extrapolated: "
            "choose times between them"
        )
    if in_gaps:
        longest = np.ceil(np.diff(times).max(initial=0.0).round(3))
        reasons.append(
            f"{in_gaps} are in gaps longer than max_gap, {resampled.max_gap:g} s, or in steps that reach into one: the longest "
            f"is {longest:.0f} s, and max_gap={longest:.0f} * u.s bridges it"
        )
    warn_caller(f"{np.count_nonzero(missing)} of {new.size} resampled planes are NaN: {'; '.join(reasons)}")
