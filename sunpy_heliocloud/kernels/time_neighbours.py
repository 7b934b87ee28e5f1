"""Which samples the values at new times come from; see `sunpy_heliocloud.kernels.time_axis`."""

from typing import Any, NamedTuple, Self

import numpy as np

__all__ = ["SAME_TIME", "Steps", "neighbours", "samples_of_steps", "samples_of_times"]

# Seconds since 1970 are good to 2.4e-7 s in float64: times that differ by less than this are the same.
SAME_TIME = 1e-6


class Steps(NamedTuple):
    """
    The steps of new times that means are made over.

    Parameters
    ----------
    starts, stops
        Of each step, in seconds, within the times of the samples.
    uncovered
        Which steps reach too far beyond the first or the last sample to have a mean.
    """

    starts: np.ndarray
    stops: np.ndarray
    uncovered: np.ndarray

    @classmethod
    def of(cls, times: np.ndarray, new_times: np.ndarray) -> Self:
        """
        The steps of new times: from the middle between a time and the one before to that between it and the one after.

        Parameters
        ----------
        times, new_times
            Of the samples, and of the means: increasing, two at least.

        Raises
        ------
        ValueError
            When the new times are too few, or do not increase.
        """
        times, new_times = np.asarray(times, float), np.asarray(new_times, float)
        if len(new_times) < 2 or not (np.diff(new_times) > 0).all():
            raise ValueError(
                "means over steps need two new times at least, and increasing ones; use 'linear' for others"
            )
        middles = (new_times[1:] + new_times[:-1]) / 2
        starts = np.r_[2 * new_times[0] - middles[0], middles]
        stops = np.r_[middles, 2 * new_times[-1] - middles[-1]]
        if len(times) == 0:
            return cls(starts, stops, np.ones(len(starts), bool))
        slack = float(np.median(np.diff(times))) * (1 + 1e-6) if len(times) > 1 else 0.0
        within = np.maximum(starts, times[0]), np.minimum(stops, times[-1])
        return cls(*within, stops - starts - (within[1] - within[0]) > slack)

    def part(self, which: Any) -> Self:
        """Those of some of the new times."""
        return type(self)(*(values[which] for values in self))


def neighbours(
    times: np.ndarray, new_times: np.ndarray, max_gap: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """
    The samples next to new times.

    Parameters
    ----------
    times, new_times
        In seconds; times increase.
    max_gap
        Longest time in seconds between two samples that is interpolated across.

    Returns
    -------
    tuple
        Samples before and after each new time, which are the same where it is that of a sample, and the latter's
        weight; sample -1 where there is no value.
    """
    if len(times) == 0:
        nowhere = np.full(len(new_times), -1)
        return nowhere, nowhere, np.zeros(len(new_times))
    closest = np.clip(np.searchsorted(times, new_times), 1, max(len(times) - 1, 1))
    before, after = closest - 1, np.minimum(closest, len(times) - 1)
    gap = times[after] - times[before]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (new_times - times[before]) / gap
    unknown = (new_times < times[0]) | (new_times > times[-1]) | (gap > max_gap + SAME_TIME)
    before, after = np.where(unknown, -1, before), np.where(unknown, -1, after)
    for plane in (closest - 1, np.minimum(closest, len(times) - 1)):
        same = np.abs(new_times - times[plane]) <= SAME_TIME
        before, after, weight = (
            np.where(same, plane, before),
            np.where(same, plane, after),
            np.where(same, 0, weight),
        )
    return before, after, weight


def samples_of_times(
    times: np.ndarray, new_times: np.ndarray, *, max_gap: float, method: str
) -> tuple[np.ndarray, np.ndarray]:
    """
    The samples that interpolated values can depend on, whichever of them are missing.

    Parameters
    ----------
    times, new_times, max_gap, method
        As for `~sunpy_heliocloud.kernels.time_axis.interpolate_time`; not ``"mean"``.

    Returns
    -------
    tuple
        First sample, and the one after the last, for each of the new times; equal where there is no value.
    """
    if len(times) == 0:
        return _nothing(len(new_times))
    times, reach, last = np.asarray(times, float), max_gap + 2 * SAME_TIME, len(times) - 1
    before, after, _ = neighbours(times, new_times, max_gap)
    is_known, is_sample = before >= 0, before == after
    # A sample at the new time may be missing: then those around it count, if there are some on both sides.
    is_inner = is_sample & (before > 0) & (after < last)
    left, right = np.where(is_inner, before - 1, before), np.where(is_inner, after + 1, after)
    first = np.searchsorted(times, times[right] - reach)
    stop = np.searchsorted(times, times[left] + reach, side="right")
    if method == "cubic":  # a slope on either side takes one more sample
        first = np.searchsorted(times, times[first] - reach)
        stop = np.searchsorted(times, times[stop - 1] + reach, side="right")
    alone = is_sample & ~is_inner
    first = np.where(alone, before, np.minimum(first, before))
    stop = np.where(alone, after, np.maximum(stop - 1, after)) + 1
    return np.where(is_known, first, 0), np.where(is_known, stop, 0)


def samples_of_steps(times: np.ndarray, steps: Steps, *, max_gap: float) -> tuple[np.ndarray, np.ndarray]:
    """
    The samples that means over steps can depend on, whichever of them are missing.

    Parameters
    ----------
    times, steps, max_gap
        As for `~sunpy_heliocloud.kernels.time_axis.average_steps`.

    Returns
    -------
    tuple
        As of `samples_of_times`.
    """
    if len(times) < 2:
        return _nothing(len(steps.starts))
    times, reach = np.asarray(times, float), max_gap + 2 * SAME_TIME
    # A long gap that touches the step leaves nothing of it; it is not empty unless it is uncovered.
    long_gaps = np.r_[0, np.cumsum(np.diff(times) > max_gap + SAME_TIME)]
    after_start = np.searchsorted(times, steps.starts, side="right").clip(1, len(times) - 1)
    before_stop = np.searchsorted(times, steps.stops).clip(1, len(times) - 1) - 1
    has_gap = long_gaps[before_stop + 1] > long_gaps[after_start - 1]
    is_known = ~steps.uncovered & (steps.stops > steps.starts) & ~has_gap
    first = np.searchsorted(times, times[after_start] - reach)
    stop = np.searchsorted(times, times[before_stop] + reach, side="right")
    return np.where(is_known, first, 0), np.where(is_known, stop, 0)


def _nothing(count: int) -> tuple[np.ndarray, np.ndarray]:
    nothing = np.zeros(count, int)
    return nothing, nothing
