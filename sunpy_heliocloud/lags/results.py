"""From a comparison of cubes to maps and cubes of its results."""

from collections.abc import Sequence

import astropy.units as u

from sunpy_heliocloud.lags.comparison import Comparison
from sunpy_heliocloud.lags.correlation_cube import CorrelationCube
from sunpy_heliocloud.lags.lag_cube import LagCube
from sunpy_heliocloud.lags.lag_map import LagMap
from sunpy_heliocloud.lags.marks import AMBIGUOUS, Marks
from sunpy_heliocloud.lags.pixel import Pair
from sunpy_heliocloud.lags.quantities import CORRELATION, CROSS_CORRELATION, FALSE_ALARM, LAG, UNCERTAINTY

__all__ = [
    "correlation_over_lag",
    "false_alarm_map",
    "maps_of_maxima",
    "uncertainty_map",
    "window_cubes_of_maxima",
]


def maps_of_maxima(
    comparison: Comparison,
    pairs: Sequence[tuple[int, int]] = ((0, 1),),
    *,
    refine: str | None = None,
    min_correlation: float | None = None,
) -> list[tuple[LagMap, LagMap]]:
    """
    Of each pair of cubes the map of lags and that of maximum correlations, both of one array.

    Parameters
    ----------
    comparison
        The cubes.
    pairs
        Which of them.
    refine, min_correlation
        As for `~sunpy_heliocloud.TimeLagCube.time_lag`.
    """
    maps = []
    for pair, maxima in zip(pairs, comparison.maxima(pairs), strict=True):
        shown = maxima.above(min_correlation)
        lag, marks = shown.lags(refine), Marks(shown.marks)
        meta = comparison.meta(LAG, pair, min_correlation=min_correlation, refine=refine)
        lags = LagMap(lag, wcs=comparison.wcs, unit=u.s, meta=meta).with_marks(marks)
        meta = comparison.meta(CORRELATION, pair)
        correlations = LagMap(
            maxima.correlation, wcs=comparison.wcs, unit=u.dimensionless_unscaled, meta=meta
        )
        origin = comparison.origin(pair)
        maps.append((lags.with_origin(origin), correlations.with_origin(origin)))
    return maps


def window_cubes_of_maxima(
    comparison: Comparison,
    window: u.Quantity,
    *,
    refine: str | None = None,
    min_correlation: float | None = None,
) -> tuple[LagCube, LagCube]:
    """
    The lags and the maximum correlations of two cubes in windows of time, both of one array.

    Parameters
    ----------
    comparison
        The cubes.
    window, refine, min_correlation
        As for `~sunpy_heliocloud.TimeLagCube.time_lag`.
    """
    windows = comparison.windows(window)
    [maxima] = comparison.maxima(windows=windows)
    shown = maxima.above(min_correlation)
    lag, marks = shown.lags(refine), Marks(shown.marks)
    first, middles = windows[0], comparison.middles(windows)
    meta = comparison.meta(LAG, window=first, min_correlation=min_correlation, refine=refine)
    lags = LagCube.of_windows(lag, comparison.stack, middles, u.s, meta).with_marks(marks)
    meta = comparison.meta(CORRELATION, window=first)
    unit = u.dimensionless_unscaled
    correlations = LagCube.of_windows(maxima.correlation, comparison.stack, middles, unit, meta)
    origin = comparison.origin(windows=[list(one) for one in windows])
    return lags.with_origin(origin), correlations.with_origin(origin)


def correlation_over_lag(comparison: Comparison) -> CorrelationCube:
    """The correlation of two cubes at each lag."""
    meta = comparison.meta(CROSS_CORRELATION)
    first, second = comparison.arrays
    pair = Pair(first, second, comparison.how)
    cube = CorrelationCube.at_lags(comparison.over_lag(), comparison.wcs, comparison.lags, meta, pair)
    return cube.with_origin(comparison.origin())


def false_alarm_map(comparison: Comparison, surrogates: str, trials: int, seed: int) -> LagMap:
    """The probability of the maximum correlation of two cubes by chance."""
    meta = comparison.meta(FALSE_ALARM, surrogates=surrogates, trials=trials, seed=seed)
    chance = comparison.false_alarm(surrogates, trials, seed)
    made = LagMap(chance, wcs=comparison.wcs, unit=u.dimensionless_unscaled, meta=meta)
    return made.with_origin(comparison.origin())


def uncertainty_map(comparison: Comparison, trials: int, seed: int) -> LagMap:
    """The standard deviation of the lag of two cubes."""
    meta = comparison.meta(UNCERTAINTY, trials=trials, seed=seed)
    found = comparison.uncertainty(trials, seed)
    made = LagMap(found[0], wcs=comparison.wcs, unit=u.s, meta=meta)
    return made.with_marks(Marks(found[1:] * AMBIGUOUS, ("ambiguous",))).with_origin(comparison.origin())
