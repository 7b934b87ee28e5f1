"""Planes at other times as a dask array."""

from typing import Any

import dask.array as da

import astropy.units as u
from astropy.time import Time

from sunpy_heliocloud.coordinates.times import seconds
from sunpy_heliocloud.kernels.time_axis import METHODS
from sunpy_heliocloud.lazy.light_curves import ResampleTime, map_pencils

__all__ = ["resample"]


def resample(planes: Any, times: Time, new_times: Time, max_gap: u.Quantity, method: str) -> da.Array:
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

    Raises
    ------
    ValueError
        When there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is unknown; choose one of {', '.join(METHODS)}")
    task = ResampleTime(
        tuple(seconds(times, times[0])),
        tuple(seconds(new_times, times[0])),
        float(max_gap.to_value(u.s)),
        method,
    )
    return map_pencils(task, planes, planes=new_times.size, dtype=planes.dtype)
