"""Two or more cubes on one grid: their common times, and arrays of lags and correlations over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.base import tokenize

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.caller import warn_caller
from sunpy_heliocloud.coordinates import times as time_grid
from sunpy_heliocloud.kernels.correlation import Correlator, lags
from sunpy_heliocloud.kernels.maxima import LAST, MARKS, N_MAXIMA, NONE
from sunpy_heliocloud.lags import arguments
from sunpy_heliocloud.lazy.light_curves import (
    ChanceAmongPixels,
    CorrelationOverLag,
    FalseAlarm,
    LagsAndCorrelations,
    LagUncertainty,
    Taken,
)
from sunpy_heliocloud.lazy.pencils import map_pencils
from sunpy_heliocloud.lazy.planes import planes_of, shared_stack
from sunpy_heliocloud.lazy.sliced import part_of_tasks
from sunpy_heliocloud.store.origin import described_value, origin_of
from sunpy_heliocloud.version import version

__all__ = ["Comparison", "Maxima", "Origin"]

# Entries of a cube's meta that are repeated in the meta of a result.
_HISTORY = ("derotated", "resampled", "light_travel")
# Of the longer side of a map: pixels so far from each other have nothing to do with each other.
_DISTANT = 0.25


class Maxima(NamedTuple):
    """Where the correlation of two cubes is largest, and how large it is there: ``(windows, y, x)``, or ``(y, x)`` without windows."""

    lag: da.Array
    refined: da.Array
    correlation: da.Array
    marks: da.Array  # (3, ...): see `~sunpy_heliocloud.lags.marks.Marks`

    def lags(self, refine: str | None) -> da.Array:
        """The lags, as ``refine`` of `~sunpy_heliocloud.TimeLagCube.time_lag` says; else a ``ValueError``."""
        if refine not in (None, "parabolic"):
            raise ValueError(f"refine={refine!r} is unknown; use 'parabolic' or None")
        return self.lag if refine is None else self.refined

    def above(self, min_correlation: float | None) -> "Maxima":
        """The same, without lags and marks where the correlation is lower."""
        if min_correlation is None:
            return self
        least = arguments.number("min_correlation", min_correlation, -1, 1, "a correlation")
        high = self.correlation >= least
        lag, refined = (da.where(high, one, np.nan) for one in (self.lag, self.refined))
        unmarked = np.array([0, NONE, NONE], self.marks.dtype).reshape(-1, *[1] * lag.ndim)
        return self._replace(lag=lag, refined=refined, marks=da.where(high, self.marks, unmarked))


@dataclass(frozen=True, eq=False)
class Origin:
    """
    What a result was made from, for stores. A copy in another process has the description only.

    Parameters
    ----------
    arrays, planes
        Planes of arrays.
    how, more
        See `Comparison`; and values of JSON.
    """

    arrays: tuple[Any, ...]
    planes: tuple[slice, ...]
    how: Correlator
    more: dict[str, Any]

    def __call__(self) -> dict[str, Any]:
        """As JSON, see `sunpy_heliocloud.store.origin`."""
        cubes = [
            {"planes": f"{planes.start} to {planes.stop}"} | origin_of(array)
            for array, planes in zip(self.arrays, self.planes, strict=True)
        ]
        return {"cubes": cubes, "how": described_value(self.how), **self.more}

    def __reduce__(self) -> tuple:
        return partial, (dict, self())

    def __deepcopy__(self, memo: dict[int, Any]) -> "Origin":
        # ndcube copies a cube with each change of its data; the description hashes what is in memory.
        return self


class Comparison:
    """
    Cubes of one grid, over the times that they have in common.

    Parameters
    ----------
    cubes
        Two or more `~sunpy_heliocloud.TimeLagCube` with even times. Light curves and time-distance diagrams count
        as cubes whose other axes have one pixel.
    lag_bounds, min_overlap, detrend, overlap_normalized, at_bounds, dtype
        As for `~sunpy_heliocloud.TimeLagCube.time_lag`.

    Raises
    ------
    ValueError, TypeError
        When grids or times do not match, or an argument makes no sense; the message says what to do.
    """

    def __init__(
        self,
        cubes: Sequence[Any],
        *,
        lag_bounds: u.Quantity | None = None,
        min_overlap: float = 0.5,
        detrend: str | u.Quantity | tuple[str, u.Quantity] | None = None,
        overlap_normalized: bool = True,
        at_bounds: str = "nan",
        dtype: np.typing.DTypeLike = np.float32,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(
                f"there is no option {', '.join(unknown)} here, but {', '.join(arguments.Options.__annotations__)}"
            )
        stacks = [shared_stack(cube) for cube in cubes]
        for stack in stacks[1:]:
            if not stack.plane(0).is_one_grid_with(stacks[0].plane(0)):
                first, other = stacks[0].planes[0], stack.planes[0]
                raise ValueError(
                    f"the cubes lie on different grids, {first.shape} of {first.date.isot} and {other.shape} of "
                    f"{other.date.isot}; derotate both to the same map"
                )
        planes, cadence = time_grid.common_planes(*[stack.times for stack in stacks])
        self.stack = stacks[0].with_times(stacks[0].times[planes[0]])
        self.dtype = arguments.precision(dtype)
        whole = [planes_of(cube, stack) for cube, stack in zip(cubes, stacks, strict=True)]
        self.arrays = [
            part_of_tasks(array, own).astype(self.dtype, copy=False)
            for array, own in zip(whole, planes, strict=True)
        ]
        self._whole, self._planes = whole, planes
        lag_bounds = arguments.bounds(lag_bounds)
        if not isinstance(overlap_normalized, (bool, np.bool)):
            raise TypeError(f"overlap_normalized is {overlap_normalized!r}, but has to be True or False")
        self.how = Correlator(
            cadence,
            None if lag_bounds is None else tuple(lag_bounds.to_value(u.s).tolist()),
            arguments.number("min_overlap", min_overlap, 0, 1, "a share"),
            arguments.detrending(detrend, cadence, self.times.size),
            bool(overlap_normalized),
            arguments.at_bounds(at_bounds) == "keep",
        )
        self._cubes = cubes
        of_frames = [cube.meta["frame_cadence"] for cube in cubes if "frame_cadence" in cube.meta]
        self._meta = {
            "cadence": cadence * u.s,
            "frame_cadence": max(of_frames, default=cadence * u.s),
            "min_overlap": self.how.min_overlap,
            "detrend": detrend,
            "overlap_normalized": self.how.per_overlap,
            "at_bounds": at_bounds,
            "precision": self.dtype.name,
            "version": version,
        }
        self._lag_bounds = lag_bounds
        self._check_lags(self.times.size)

    @property
    def times(self) -> Time:
        """The common times of the cubes."""
        return self.stack.times

    @property
    def wcs(self) -> Any:
        """The celestial WCS of the cubes."""
        return self.stack.plane(0).to_wcs()

    @property
    def lags(self) -> u.Quantity:
        """The lags that are considered, increasing."""
        compared = self.how.samples(self.times.size)
        return lags(compared, self.how.cadence, self.how.lag_bounds) * u.s

    def meta(
        self,
        quantity: str,
        pair: tuple[int, int] = (0, 1),
        window: tuple[int, int] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """How a result was made, from all planes or those of a window."""
        start, stop = (0, self.times.size) if window is None else window
        cubes = [self._cubes[i] for i in pair]
        made = {
            "quantity": quantity,
            "channels": tuple(cube.wavelength for cube in cubes),
            "observatories": tuple(cube.observatory for cube in cubes),
            "start": self.times[start],
            "stop": self.times[stop - 1],
            "planes": stop - start,
            "lag_bounds": self._bounds_within(stop - start),
        }
        for name in _HISTORY:
            said = dict.fromkeys(cube.meta[name] for cube in cubes if cube.meta.get(name))
            if said:
                made[name] = "; ".join(said)
        return made | self._meta | more

    def origin(self, pair: tuple[int, int] = (0, 1), **more: Any) -> "Origin":
        """What a result of two of the cubes was made from, beside what its ``meta`` says."""
        arrays, planes = (tuple(some[i] for i in pair) for some in (self._whole, self._planes))
        return Origin(arrays, planes, self.how, more)

    def maxima(
        self, pairs: Sequence[tuple[int, int]] = ((0, 1),), windows: Sequence[tuple[int, int]] | None = None
    ) -> list[Maxima]:
        """
        Lags, refined lags and maximum correlations of each pair, all of them from one array.

        Computing several of them reads and transforms once.
        """
        of_windows = ((0, self.times.size),) if windows is None else tuple(windows)
        task = LagsAndCorrelations(self.how, tuple(pairs), of_windows)
        planes = len(of_windows) * len(pairs) * N_MAXIMA
        maxima = map_pencils(task, *self.arrays, planes=planes, dtype=self.dtype)
        firsts = range(0, len(pairs) * N_MAXIMA, N_MAXIMA)
        found = []
        for first in firsts:
            if windows is None:
                quantities = [self._taken(maxima, first + k) for k in range(3)]
                marks = self._taken(maxima, slice(first + MARKS, first + LAST + 1), as_marks=True)
            else:
                edges = [len(windows) * (first + k) for k in (0, 1, 2, MARKS, LAST + 1)]
                quantities = [self._taken(maxima, slice(*some)) for some in pairwise(edges[:4])]
                marks = self._taken(maxima, slice(*edges[3:]), as_marks=True)
                marks = marks.reshape(-1, len(windows), *maxima.shape[1:])
            found.append(Maxima._make([*quantities, marks]))
        return found

    def _taken(self, maxima: da.Array, planes: int | slice, *, as_marks: bool = False) -> da.Array:
        """Some planes by themselves, a task of its own: a slice would keep all that a pencil has made in memory."""
        task = Taken(planes, self.how.cadence if as_marks else None)
        count = () if isinstance(planes, int) else ((planes.stop - planes.start,),)
        made = {"dtype": np.int16 if as_marks else self.dtype, "chunks": (*count, *maxima.chunks[1:])}
        name = f"taken-{tokenize(maxima.name, task)}"
        return da.map_blocks(task, maxima, **made, drop_axis=[] if count else [0], name=name)

    def over_lag(self) -> da.Array:
        """The correlation at each of the lags, ``(lags, y, x)``."""
        task = CorrelationOverLag(self.how)
        return map_pencils(task, *self.arrays, planes=len(self.lags), dtype=self.dtype)

    def false_alarm(self, surrogates: str, trials: int, seed: int) -> da.Array:
        """The probability that unrelated series correlate as well, ``(y, x)``."""
        kind = arguments.surrogate_kind(surrogates)
        trials, seed = arguments.random_numbers(trials, seed)
        if kind == "pixels":
            return self._chance_among_pixels(trials, seed)
        task = FalseAlarm(self.how, kind, trials, seed)
        return map_pencils(task, *self.arrays, planes=1, dtype=self.dtype, is_slow=True)[0]

    def _chance_among_pixels(self, trials: int, seed: int) -> da.Array:
        first, shape = self.arrays[0], self.arrays[0].shape[1:]
        distance = max(shape) * _DISTANT
        if distance < 2:
            raise ValueError(
                f"surrogates='pixels' compares light curves of distant pixels, but the map has {shape[0]} x {shape[1]} "
                "only; use surrogates='phase'"
            )
        chosen = np.random.default_rng(seed).permutation(shape[0] * shape[1])[:trials]
        rows, columns = np.unravel_index(np.sort(chosen), shape)
        lazy = isinstance(first, da.Array)
        references = first.vindex[:, rows, columns].T if lazy else first[:, rows, columns]
        places = tuple(zip(rows.tolist(), columns.tolist(), strict=True))
        task = ChanceAmongPixels(self.how, places, distance)
        options = {"planes": 1, "dtype": self.dtype, "references": references, "is_slow": True}
        return map_pencils(task, *self.arrays, **options)[0]

    def uncertainty(self, trials: int, seed: int) -> da.Array:
        """The standard deviation of the lag in seconds, and where it is ambiguous: ``(2, y, x)``."""
        task = LagUncertainty(self.how, *arguments.random_numbers(trials, seed))
        return map_pencils(task, *self.arrays, planes=2, dtype=self.dtype, is_slow=True)

    def windows(self, window: u.Quantity) -> list[tuple[int, int]]:
        """First plane of each window of time, and the plane after its last; windows follow each other or slide."""
        time_grid.duration("window", window, (), (2,), example="2 * u.hour or [2, 0.5] * u.hour")
        planes = np.broadcast_to((window / self.how.cadence / u.s).to_value(u.one), 2)
        if not (3 <= np.rint(planes[0]) <= self.times.size and 1 <= np.rint(planes[1]) < np.inf):
            raise ValueError(
                f"window is {window}, but has to be from 3 to the cubes' {self.times.size} planes of "
                f"{self.how.cadence:g} s long, with a step of one at least: 2 * u.hour, or [2, 0.5] * u.hour for a "
                "window that slides by half an hour"
            )
        width, step = np.rint(planes).astype(int)
        self._check_lags(int(width))
        windows = [(int(i), int(i + width)) for i in range(0, self.times.size - width + 1, step)]
        if left := self.times.size - windows[-1][1]:
            warn_caller(
                f"The last {left} of {self.times.size} planes, from {self.times[-left].isot} on, are in no window of "
                f"{width} planes; choose a window, or a step, that divides them"
            )
        return windows

    def middles(self, windows: Sequence[tuple[int, int]]) -> Time:
        """The times at the middle of windows."""
        middles = np.array([(start + stop - 1) / 2 for start, stop in windows])
        return self.times[0] + middles * self.how.cadence * u.s

    def _bounds_within(self, planes: int) -> u.Quantity | None:
        """The bounds, clipped to the lags that so many planes have."""
        if self._lag_bounds is None:
            return None
        longest = (self.how.samples(planes) - 1) * self.how.cadence * u.s
        return np.clip(self._lag_bounds, -longest, longest)

    def _check_lags(self, planes: int) -> None:
        """Refuse bounds without a lag of so many planes, or with none that has enough pairs."""
        planes = self.how.samples(planes)
        if planes < 3:
            raise ValueError(
                f"a running mean of {self._meta['detrend']} leaves fewer than 3 planes of a window; make one of them "
                "narrower or wider, or use ('line', width)"
            )
        pairs = planes - np.abs(self.how.steps(planes)).min()
        if self.how.per_overlap and pairs < self.how.min_overlap * planes:
            raise ValueError(
                f"with overlap_normalized a lag needs pairs of {self.how.min_overlap:.0%} of {planes} planes, but no "
                f"lag within the bounds has more than {pairs}; choose smaller lags, or a smaller min_overlap"
            )
