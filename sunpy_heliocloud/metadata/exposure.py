"""How long exposures were, as sunpy's Map has it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

import astropy.units as u

from sunpy.map import GenericMap, Map

from sunpy_heliocloud.metadata.columns import column
from sunpy_heliocloud.metadata.maps import empty_map, map_class, once_for_each_kind
from sunpy_heliocloud.metadata.units import readable_unit

__all__ = ["EXPOSURE_KEYS", "exposure_times"]

EXPOSURE_KEYS = ("XPOSURE", "EXPTIME")


def exposure_times(headers: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """
    Exposure times in seconds: XPOSURE, else EXPTIME, in units of TIMEUNIT. Texts of numbers count as numbers.

    Parameters
    ----------
    headers
        Of the frames.

    Returns
    -------
    `numpy.ndarray`
        NaN where a header has none, or one that is no number or negative.
    """
    columns = (column(headers, keyword) for keyword in (*EXPOSURE_KEYS, "TIMEUNIT"))
    seconds = [_number(exposures) * _seconds(timeunit) for *exposures, timeunit in zip(*columns, strict=True)]
    if any(cls.exposure_time is not GenericMap.exposure_time for cls in Map.registry):
        for i, cls in enumerate(once_for_each_kind(headers, map_class)):
            if cls.exposure_time is not GenericMap.exposure_time:
                own = empty_map(headers[i]).exposure_time
                seconds[i] = np.nan if own is None else u.Quantity(own).to_value(u.s)
    exposures = np.array(seconds, dtype=float)
    exposures[exposures < 0] = np.nan
    return exposures


def _number(values: Sequence[Any]) -> float:
    """The first that is a number other than 0, else the first number, which may be a text. A truth value is none."""
    numbers = [number for value in values if not np.isnan(number := _as_number(value))]
    return next((number for number in numbers if number), numbers[0] if numbers else np.nan)


def _as_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return np.nan
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return np.nan
    return number if np.isfinite(number) else np.nan


@lru_cache
def _seconds(timeunit: Any) -> float:
    """How long a unit of time is; NaN for what is none."""
    if timeunit is None or not str(timeunit).strip():
        return 1.0
    try:
        return u.Unit(readable_unit(str(timeunit).strip())).to(u.s)
    except (u.UnitConversionError, ValueError, TypeError):
        return np.nan
