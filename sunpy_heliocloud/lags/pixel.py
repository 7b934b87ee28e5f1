"""The correlation of one pixel over lag: its maximum, how uncertain that is, and what would be chance."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

import astropy.units as u

from sunpy_heliocloud.display.images import PLAIN
from sunpy_heliocloud.kernels.correlation import Correlator
from sunpy_heliocloud.kernels.significance import level_of_correlation
from sunpy_heliocloud.kernels.uncertainty import uncertainty_of_lag
from sunpy_heliocloud.lags.bars import leaders, readable_unit, set_time_ticks
from sunpy_heliocloud.lags.quantities import CROSS_CORRELATION, normalization

__all__ = ["Pair", "PixelMarks", "draw_correlation"]


@dataclass(frozen=True)
class Pair:
    """
    What is correlated.

    Parameters
    ----------
    first, second
        Arrays with time as first axis, lazy or not.
    how
        The correlation.
    """

    first: Any
    second: Any
    how: Correlator

    def __getitem__(self, item: tuple) -> "Pair":
        """Of some of the pixels."""
        return replace(self, first=self.first[(slice(None), *item)], second=self.second[(slice(None), *item)])

    @property
    def series(self) -> tuple[Any, Any]:
        """Both arrays."""
        return self.first, self.second


@dataclass(frozen=True)
class PixelMarks:
    """
    What is marked in the correlation of a pixel.

    Parameters
    ----------
    lag, correlation
        Of the maximum; the lag in seconds is NaN where the largest correlation is at an edge of the lags, or there is none.
    uncertainty
        Of the lag, one standard deviation in seconds; NaN if unknown.
    level, probability
        The correlation that unrelated series exceed with a probability; NaN if unknown.
    """

    lag: float
    correlation: float
    uncertainty: float = np.nan
    level: float = np.nan
    probability: float = np.nan

    @classmethod
    def of(cls, correlation: np.ndarray, lags: u.Quantity) -> Self:
        """The maximum; of equal ones that of the smallest lag."""
        if not np.isfinite(correlation).any():
            return cls(np.nan, np.nan)
        seconds, most = lags.to_value(u.s), np.nanmax(correlation)
        places = np.flatnonzero(correlation == most)
        best = places[np.abs(seconds[places]).argmin()]
        valid = np.flatnonzero(np.isfinite(correlation))
        at_edge = best in (valid[0], valid[-1])
        return cls(np.nan if at_edge else float(seconds[best]), float(most))

    def with_uncertainty(
        self, how: Correlator, series: tuple[np.ndarray, np.ndarray], trials: int, seed: int
    ) -> Self:
        """The same with the uncertainty of the lag."""
        first, second = (one[:, np.newaxis, np.newaxis] for one in series)
        found = uncertainty_of_lag(first, second, how, trials=trials, seed=seed)
        return replace(self, uncertainty=float(found[0, 0, 0]))

    def with_level(
        self,
        how: Correlator,
        series: tuple[np.ndarray, np.ndarray],
        probability: float,
        trials: int,
        seed: int,
    ) -> Self:
        """The same with the level that unrelated series exceed with a probability."""
        first, second = (one[:, np.newaxis, np.newaxis] for one in series)
        level = level_of_correlation(first, second, how, probability=probability, trials=trials, seed=seed)
        return replace(self, level=float(level[0, 0]), probability=probability)


def draw_correlation(
    axes: Any, lags: u.Quantity, values: np.ndarray, marks: PixelMarks, meta: dict[str, Any], **kwargs: Any
) -> Any:
    """
    Draw the correlation of a pixel over lag.

    Parameters
    ----------
    axes
        Of matplotlib.
    lags, values
        Of the curve.
    marks
        What is marked.
    meta
        Of the cube.
    **kwargs
        Of `matplotlib.axes.Axes.plot`.
    """
    seconds = lags.to_value(u.s)
    unit = readable_unit(np.abs(lags).max())
    (curve,) = axes.plot(seconds, values, **kwargs)
    color = curve.get_color()
    if np.isfinite(marks.lag):
        lag = (marks.lag * u.s).to_value(unit)
        known = np.isfinite(marks.uncertainty)
        sigma = f" ± {(marks.uncertainty * u.s).to_value(unit):.2g}" if known else ""
        label = f"maximum {marks.correlation:.2f} at {lag:.4g}{sigma} {unit}"
        axes.plot(marks.lag, marks.correlation, "o", color=color, label=label)
        if known:
            axes.axvspan(
                marks.lag - marks.uncertainty, marks.lag + marks.uncertainty, color=color, alpha=0.2, lw=0
            )
    else:
        axes.plot([], [], " ", label="no maximum within the lags")
    if np.isfinite(marks.level):
        label = f"{marks.probability * 100:g} % of unrelated light curves exceed {marks.level:.2f}"
        axes.axhline(marks.level, color="0.4", ls="--", label=label)
    axes.axvline(0, color="0.6", lw=0.8, zorder=0)
    set_time_ticks(axes.xaxis, u.s, unit)
    pair = leaders(meta)
    sides = f"← {pair[1]} leads    lag [{unit}]    {pair[0]} leads →" if pair else f"lag [{unit}]"
    axes.set_xlabel(sides, **PLAIN)
    axes.set_ylabel(
        f"{CROSS_CORRELATION}, {normalization(meta)}" if "overlap_normalized" in meta else CROSS_CORRELATION
    )
    for text in axes.legend(fontsize="small").get_texts():
        text.set(**PLAIN)
    return axes
