"""What is done with two or more cubes on one grid: what they have in common, and arrays of lags from it."""

from collections.abc import Sequence
from typing import Any, TypedDict

import dask.array as da
import numpy as np
from ndcube import NDCube

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud import time_grid
from sunpy_heliocloud.kernels.correlation import Correlator, lags
from sunpy_heliocloud.pencils import (
    CorrelationOverLag,
    FalseAlarm,
    LagsAndCorrelations,
    LagUncertainty,
    map_pencils,
)
from sunpy_heliocloud.version import version
from sunpy_heliocloud.wcs import SlicedStackWCS, StackWCS

__all__ = ["Comparison", "Options", "planes_of", "shared_stack"]

_SURROGATES = ("phase", "red_noise")


class Options(TypedDict, total=False):
    """What all comparisons have in common; see `~sunpy_heliocloud.TimeLagCube.time_lag`."""

    lag_bounds: u.Quantity | None
    min_overlap: float
    detrend: str | u.Quantity | None
    overlap_normalized: bool
    dtype: np.typing.DTypeLike


class Comparison:
    """
    Cubes of one grid, over the times that they have in common.

    Parameters
    ----------
    cubes
        Two or more `~sunpy_heliocloud.TimeLagCube` with even times. Light curves and time-distance diagrams count
        as cubes whose other axes have one pixel.
    lag_bounds, min_overlap, detrend, overlap_normalized, dtype
        As for `~sunpy_heliocloud.TimeLagCube.time_lag`.

    Raises
    ------
    ValueError
        When grids or times do not match, or an argument makes no sense; the message says what to do.
    """

    def __init__(
        self,
        cubes: Sequence[Any],
        *,
        lag_bounds: u.Quantity | None = None,
        min_overlap: float = 0.5,
        detrend: str | u.Quantity | None = None,
        overlap_normalized: bool = False,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        stacks = [shared_stack(cube) for cube in cubes]
        for stack in stacks[1:]:
            if stack.planes != stacks[0].planes:
                first, other = stacks[0].planes[0], stack.planes[0]
                raise ValueError(
                    f"the cubes lie on different grids, {first.shape} of {first.date.isot} and {other.shape} of "
                    f"{other.date.isot}; derotate both to the same map"
                )
        planes, cadence = time_grid.common_planes(*[stack.times for stack in stacks])
        self.stack = stacks[0].with_times(stacks[0].times[planes[0]])
        self.dtype = np.dtype(dtype)
        self.arrays = [
            planes_of(cube, stack)[own].astype(self.dtype, copy=False)
            for cube, stack, own in zip(cubes, stacks, planes, strict=True)
        ]
        bounds = None if lag_bounds is None else _in_seconds(lag_bounds)
        if not 0 <= min_overlap <= 1:
            raise ValueError(f"min_overlap is {min_overlap!r}, but is a share, from 0 to 1")
        self.how = Correlator(
            cadence, bounds, float(min_overlap), self._detrending(detrend, cadence), overlap_normalized
        )
        self.lags = lags(self.times.size, cadence, bounds) * u.s
        self._check_overlap(self.times.size)
        self._meta = {
            "observatory": cubes[0].observatory,
            "start": self.times[0],
            "stop": self.times[-1],
            "planes": self.times.size,
            "cadence": cadence * u.s,
            "lag_bounds": lag_bounds,
            "min_overlap": min_overlap,
            "detrend": detrend,
            "overlap_normalized": overlap_normalized,
            "precision": self.dtype.name,
            "version": version,
        }
        self._wavelengths = [cube.wavelength for cube in cubes]

    @property
    def times(self) -> Time:
        """What the cubes have in common."""
        return self.stack.times

    @property
    def wcs(self) -> Any:
        """The celestial WCS of the cubes."""
        return self.stack.plane(0).to_wcs()

    def meta(self, quantity: str, pair: tuple[int, int] = (0, 1), **more: Any) -> dict[str, Any]:
        """How a result was made."""
        channels = tuple(self._wavelengths[i] for i in pair)
        return {"quantity": quantity, "channels": channels} | self._meta | more

    def maxima(
        self, pairs: Sequence[tuple[int, int]] = ((0, 1),), windows: Sequence[tuple[int, int]] | None = None
    ) -> list[list[da.Array]]:
        """
        Lags, refined lags and maximum correlations, all of them from one array.

        Whoever computes several of them reads and transforms once.

        Returns
        -------
        list
            For each window and each pair an array ``(3, y, x)``.
        """
        windows = ((0, self.times.size),) if windows is None else windows
        task = LagsAndCorrelations(self.how, tuple(pairs), tuple(windows))
        planes = len(windows) * len(pairs) * 3
        maxima = map_pencils(task, *self.arrays, planes=planes, dtype=self.dtype)
        return [
            [maxima[3 * i : 3 * i + 3] for i in range(w * len(pairs), (w + 1) * len(pairs))]
            for w in range(len(windows))
        ]

    def over_lag(self) -> da.Array:
        """The correlation at each of the lags, ``(lags, y, x)``."""
        return map_pencils(
            CorrelationOverLag(self.how), *self.arrays, planes=len(self.lags), dtype=np.float32
        )

    def false_alarm(self, surrogates: str, trials: int, seed: int) -> da.Array:
        """The probability that unrelated series correlate as well, ``(y, x)``."""
        if surrogates not in _SURROGATES:
            raise ValueError(f"surrogates {surrogates!r} are unknown; choose one of {', '.join(_SURROGATES)}")
        task = FalseAlarm(self.how, surrogates, _at_least_one(trials), seed)
        return map_pencils(task, *self.arrays, planes=1, dtype=self.dtype)[0]

    def uncertainty(self, trials: int, seed: int) -> da.Array:
        """The standard deviation of the lag in seconds, ``(y, x)``."""
        task = LagUncertainty(self.how, _at_least_one(trials), seed)
        return map_pencils(task, *self.arrays, planes=1, dtype=self.dtype)[0]

    def windows(self, window: u.Quantity) -> list[tuple[int, int]]:
        """First planes of windows of time, and those after the last; the windows follow each other, or slide."""
        time_grid.duration("window", window)
        width, step = np.rint(np.broadcast_to((window / self.how.cadence / u.s).to_value(u.one), 2)).astype(
            int
        )
        if not (3 <= width <= self.times.size and step >= 1):
            raise ValueError(
                f"window is {window}, but has to be from 3 to the cubes' {self.times.size} planes of "
                f"{self.how.cadence:g} s long, with a step of one at least: 2 * u.hour, or [2, 0.5] * u.hour for a "
                "window that slides by half an hour"
            )
        return [(int(i), int(i + width)) for i in range(0, self.times.size - width + 1, step)]

    def middles(self, windows: Sequence[tuple[int, int]]) -> Time:
        """The times at the middle of windows."""
        middles = np.array([(start + stop - 1) / 2 for start, stop in windows])
        return self.times[0] + middles * self.how.cadence * u.s

    def _check_overlap(self, planes: int) -> None:
        """Refuse lags of which none has enough pairs."""
        pairs = planes - np.abs(self.how.steps(planes)).min()
        if self.how.per_overlap and pairs < self.how.min_overlap * planes:
            raise ValueError(
                f"with overlap_normalized a lag needs pairs of {self.how.min_overlap:.0%} of {planes} planes, but no "
                f"lag within the bounds has more than {pairs}; choose smaller lags, or a smaller min_overlap"
            )

    def _detrending(self, detrend: str | u.Quantity | None, cadence: float) -> str | int | None:
        if detrend is None or (isinstance(detrend, str) and detrend == "linear"):
            return detrend
        if not isinstance(detrend, u.Quantity):
            raise ValueError(
                f"detrend={detrend!r} is unknown; use None, 'linear', or the width of a running mean, such as "
                "2 * u.hour"
            )
        time_grid.duration("detrend", detrend)
        width = 2 * round((detrend.to_value(u.s) / cadence - 1) / 2) + 1
        if not 3 <= width:
            raise ValueError(
                f"a running mean of {detrend} holds fewer than 3 planes of {cadence:g} s; make it wider"
            )
        return width


def planes_of(cube: NDCube, stack: StackWCS) -> Any:
    """The data of a cube with all three axes, and NaN where its mask says that they are not to be used."""
    data = cube.data
    if cube.mask is not None:
        where = da.where if any(isinstance(a, da.Array) for a in (data, cube.mask)) else np.where
        data = where(cube.mask, np.nan, data)
    return data if data.ndim == 3 else data.reshape(stack.array_shape)


def _at_least_one(trials: int) -> int:
    if trials < 1:
        raise ValueError(f"trials is {trials}, but has to be 1 at least; some hundreds make sense")
    return int(trials)


def _in_seconds(lag_bounds: u.Quantity) -> tuple[float, float]:
    bounds = time_grid.duration("lag_bounds", lag_bounds).to_value(u.s)
    if bounds.shape != (2,):
        raise ValueError(
            f"lag_bounds are a smallest and a largest lag, such as [-2, 2] * u.hour, not {lag_bounds}"
        )
    return float(bounds[0]), float(bounds[1])


def shared_stack(cube: Any, purpose: str = "a time lag") -> StackWCS:
    """The planes of a cube, with axes of one pixel for those that it has lost."""
    if not isinstance(cube, NDCube):
        raise TypeError(f"{purpose} is that of a TimeLagCube, not of {type(cube).__name__}")
    wcs = cube.wcs.low_level_wcs
    stack = wcs.stack if isinstance(wcs, SlicedStackWCS) and not wcs.fixed[0] else wcs
    if not isinstance(stack, StackWCS):
        raise ValueError(
            f"{purpose} needs an axis of time, but a cube has the shape {cube.shape} with a {type(wcs).__name__}; "
            "slice time with ranges (3:40)"
        )
    if not stack.is_shared:
        raise ValueError(
            f"{purpose} needs planes on one grid, but each plane still has coordinates of its own; derotate them to "
            "a map first, with derotate_to(map)"
        )
    return stack
