"""The options of comparisons of cubes, and a check of each."""

import operator
from typing import Any, TypedDict

import numpy as np

import astropy.units as u

from sunpy_heliocloud.coordinates import times as time_grid
from sunpy_heliocloud.kernels.detrending import Detrend, remaining

__all__ = [
    "Options",
    "at_bounds",
    "bounds",
    "detrending",
    "number",
    "precision",
    "random_numbers",
    "surrogate_kind",
]

_SURROGATES = ("phase", "red_noise", "pixels")
_PRECISIONS = (np.dtype(np.float32), np.dtype(np.float64))


class Options(TypedDict, total=False):
    """The options of all comparisons, see `~sunpy_heliocloud.TimeLagCube.time_lag`."""

    lag_bounds: u.Quantity | None
    min_overlap: float
    detrend: str | u.Quantity | tuple[str, u.Quantity] | None
    overlap_normalized: bool
    at_bounds: str
    dtype: np.typing.DTypeLike


def precision(dtype: Any) -> np.dtype:
    """The type of the computation, float32 or float64."""
    try:
        # numpy takes None for float64.
        chosen = np.dtype("O" if dtype is None else dtype)
    except TypeError:
        chosen = np.dtype("O")
    if chosen not in _PRECISIONS:
        raise ValueError(f"dtype is {dtype!r}, but lags are computed in numpy.float32 or numpy.float64")
    return chosen


def number(name: str, value: Any, least: float, most: float, what: str) -> float:
    """The value, if it is a number from the least to the most."""
    try:
        checked = float(value)
    except (TypeError, ValueError):
        checked = np.nan
    if not least <= checked <= most:
        raise ValueError(f"{name} is {value!r}, but is {what}, from {least} to {most}")
    return checked


def random_numbers(trials: Any, seed: Any) -> tuple[int, int]:
    """The number of trials and the seed, if they are whole numbers from 1 and from 0."""
    try:
        trials, seed = operator.index(trials), operator.index(seed)
    except TypeError:
        raise TypeError(f"trials and seed have to be whole numbers, not {trials!r} and {seed!r}") from None
    if trials < 1:
        raise ValueError(f"trials is {trials}, but has to be 1 at least; some hundreds make sense")
    if seed < 0:
        raise ValueError(f"seed is {seed}, but has to be 0 at least")
    return trials, seed


def at_bounds(choice: Any) -> str:
    """What becomes of a maximum at an edge of the lags."""
    if choice not in ("nan", "keep"):
        raise ValueError(
            f"at_bounds={choice!r} is unknown; use 'nan', or 'keep' for maxima at the edge as found"
        )
    return choice


def surrogate_kind(surrogates: Any) -> str:
    """The kind of surrogates, if it is a known one."""
    if surrogates not in _SURROGATES:
        raise ValueError(f"surrogates {surrogates!r} are unknown; choose one of {', '.join(_SURROGATES)}")
    return surrogates


def bounds(lag_bounds: Any) -> u.Quantity | None:
    """The smallest and the largest lag, also from a pair of times; `None` for all lags."""
    if lag_bounds is None:
        return None
    if isinstance(lag_bounds, (tuple, list)) and all(isinstance(one, u.Quantity) for one in lag_bounds):
        lag_bounds = u.Quantity(lag_bounds)
    checked = time_grid.duration("lag_bounds", lag_bounds, (2,), example="[-2, 2] * u.hour")
    if checked[0] > checked[1]:
        raise ValueError(
            f"lag_bounds are {checked[0]:g} to {checked[1]:g}, but the smallest lag comes first: "
            f"[{checked[1].value:g}, {checked[0].value:g}] * u.{checked.unit}"
        )
    return checked


def detrending(detrend: Any, cadence: float, planes: int) -> Detrend:
    """The trend to take off, with widths in planes; ``cadence`` in seconds."""
    if detrend is None:
        return None
    if isinstance(detrend, str) and detrend == "linear":
        return "linear"
    if isinstance(detrend, tuple) and len(detrend) == 2 and detrend[0] == "line":
        return "line", _width(detrend[1], cadence, "a local line")
    if not isinstance(detrend, u.Quantity):
        raise ValueError(
            f"detrend={detrend!r} is unknown; use None, 'linear', the width of a running mean, such as 2 * u.hour, or "
            "that of local lines, such as ('line', 2 * u.hour)"
        )
    width = _width(detrend, cadence, "a running mean")
    if remaining(planes, width) < 3:
        raise ValueError(
            f"a running mean of {detrend} is whole in {max(remaining(planes, width), 0)} of {planes} planes of "
            f"{cadence:g} s, but a correlation needs 3 at least; make it narrower, or use ('line', {detrend})"
        )
    return width


def _width(detrend: Any, cadence: float, what: str) -> int:
    """In planes, odd."""
    planes = time_grid.duration("detrend", detrend).to_value(u.s) / cadence
    if planes == np.inf:
        raise ValueError(f"{what} of {detrend} has no end; make it narrower, or use 'linear'")
    width = 2 * round((planes - 1) / 2) + 1
    if width < 3:
        raise ValueError(f"{what} of {detrend} holds fewer than 3 planes of {cadence:g} s; make it wider")
    return width
