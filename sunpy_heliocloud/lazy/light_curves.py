"""What tasks do with pencils: all planes of some pixels of a cube, or of several. Workers import it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sunpy_heliocloud.kernels.correlation import Correlator, cross_correlation, lags_and_correlations
from sunpy_heliocloud.kernels.maxima import marks_in_steps
from sunpy_heliocloud.kernels.significance import chance_among_pixels, chance_of_correlation
from sunpy_heliocloud.kernels.time_axis import average_steps, interpolate_time
from sunpy_heliocloud.kernels.time_neighbours import Steps
from sunpy_heliocloud.kernels.uncertainty import uncertainty_of_lag

__all__ = [
    "AverageTime",
    "ChanceAmongPixels",
    "CorrelationOverLag",
    "FalseAlarm",
    "LagUncertainty",
    "LagsAndCorrelations",
    "ResampleTime",
    "Taken",
    "itself",
    "of_pencil",
]


def of_pencil(function: Callable, chunks: list[np.ndarray], rows: slice, columns: slice) -> np.ndarray:
    """What a function makes of a pencil: some rows and columns of chunks of planes."""
    return function(np.concatenate([chunk[:, rows, columns] for chunk in chunks]))


def itself(pencil: np.ndarray) -> np.ndarray:
    """The pencil."""
    return pencil


@dataclass(frozen=True)
class ResampleTime:
    """
    Interpolate pencils to other times.

    Parameters
    ----------
    times, new_times
        In seconds since a common epoch.
    max_gap
        In seconds.
    method
        See `~sunpy_heliocloud.kernels.time_axis.interpolate_time`.
    """

    times: tuple[float, ...]
    new_times: tuple[float, ...]
    max_gap: float
    method: str

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        return interpolate_time(
            planes, np.array(self.times), np.array(self.new_times), max_gap=self.max_gap, method=self.method
        )


@dataclass(frozen=True)
class AverageTime:
    """
    Means of pencils over steps of time.

    Parameters
    ----------
    times
        In seconds since a common epoch.
    starts, stops, uncovered
        See `~sunpy_heliocloud.kernels.time_neighbours.Steps`.
    max_gap
        In seconds.
    """

    times: tuple[float, ...]
    starts: tuple[float, ...]
    stops: tuple[float, ...]
    uncovered: tuple[bool, ...]
    max_gap: float

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        steps = Steps(*map(np.array, (self.starts, self.stops, self.uncovered)))
        return average_steps(planes, np.array(self.times), steps, max_gap=self.max_gap)


@dataclass(frozen=True)
class LagsAndCorrelations:
    """
    Lag, refined lag, maximum correlation and marks of each pair of pencils, each of these in all windows of time.

    Parameters
    ----------
    how
        See `Correlator`.
    pairs
        Which of the pencils are compared.
    windows
        First plane of each window, and the one after its last; by default all planes are one window.
    """

    how: Correlator
    pairs: tuple[tuple[int, int], ...] = ((0, 1),)
    windows: tuple[tuple[int, int | None], ...] = ((0, None),)

    def __call__(self, *series: np.ndarray) -> np.ndarray:
        in_windows = [
            lags_and_correlations([one[start:stop] for one in series], self.pairs, self.how)
            for start, stop in self.windows
        ]
        return np.stack(in_windows, axis=1).reshape(-1, *series[0].shape[1:])


@dataclass(frozen=True)
class Taken:
    """
    Some planes of what a task has made, copied.

    Parameters
    ----------
    planes
        Which.
    cadence
        Of marks, which become small integers, see `~sunpy_heliocloud.kernels.maxima.marks_in_steps`.
    """

    planes: int | slice
    cadence: float | None = None

    def __call__(self, made: np.ndarray) -> np.ndarray:
        taken = made[self.planes]
        return taken.copy() if self.cadence is None else marks_in_steps(taken, cadence=self.cadence)


@dataclass(frozen=True)
class CorrelationOverLag:
    """The correlation of two pencils at every lag."""

    how: Correlator

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return cross_correlation(a, b, self.how)


@dataclass(frozen=True)
class FalseAlarm:
    """See `~sunpy_heliocloud.kernels.significance.chance_of_correlation`."""

    how: Correlator
    surrogates: str
    trials: int
    seed: int

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return chance_of_correlation(
            a, b, self.how, surrogates=self.surrogates, trials=self.trials, seed=self.seed
        )


@dataclass(frozen=True)
class ChanceAmongPixels:
    """See `~sunpy_heliocloud.kernels.significance.chance_among_pixels`."""

    how: Correlator
    places: tuple[tuple[int, int], ...]
    distance: float

    def __call__(
        self, a: np.ndarray, b: np.ndarray, *, references: np.ndarray, block_info: Any = None
    ) -> np.ndarray:
        # dask calls functions without blocks to see what they return.
        (top, _), (left, _) = block_info[0]["array-location"][1:] if block_info else ((0, 0), (0, 0))
        return chance_among_pixels(
            a,
            b,
            self.how,
            references=references,
            places=np.array(self.places),
            origin=(int(top), int(left)),
            distance=self.distance,
        )


@dataclass(frozen=True)
class LagUncertainty:
    """See `~sunpy_heliocloud.kernels.uncertainty.uncertainty_of_lag`."""

    how: Correlator
    trials: int
    seed: int

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return uncertainty_of_lag(a, b, self.how, trials=self.trials, seed=self.seed)
