"""Texts of headers as times, many at once."""

import contextlib
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from erfa import ErfaWarning

import astropy.units as u
from astropy.time import Time

from sunpy.time import parse_time

from sunpy_heliocloud.metadata.maps import time_scale

__all__ = ["DAYS", "YEARS", "parse_stamps"]

YEARS = (1600, 2200)  # telescopes exist since 1608
DAYS = (2305447.5, 2524593.5)
_ISO = re.compile(r"\d{4}([-/])\d\d\1\d\d[T ]\d\d:\d\d:\d\d(\.\d*)?Z?")
_JSOC = re.compile(r"\d{4}\.\d\d\.\d\d_\d\d:\d\d:\d\d(\.\d*)?_TAI")


def parse_stamps(stamps: Sequence[Any], scales: Sequence[str]) -> np.ndarray:
    """
    Times of headers, many at once.

    Parameters
    ----------
    stamps
        As they stand in the headers.
    scales
        TIMESYS of each.

    Returns
    -------
    `numpy.ndarray`
        The two parts of the Julian dates, ``(2, n)``, in UTC; NaN for what is no time.
    """
    days = np.full((2, len(stamps)), np.nan)
    forms: dict[str, list[int]] = {"iso": [], "jsoc": [], "other": []}
    for i, (stamp, scale) in enumerate(zip(stamps, scales, strict=True)):
        if isinstance(stamp, str):
            is_iso = scale.upper() == "UTC" and _ISO.fullmatch(stamp)
            forms["iso" if is_iso else "jsoc" if _JSOC.fullmatch(stamp) else "other"].append(i)
    texts = {
        "iso": ("utc", [_as_isot(stamps[i]) for i in forms["iso"]]),
        "jsoc": ("tai", [stamps[i][:10].replace(".", "-") + "T" + stamps[i][11:-4] for i in forms["jsoc"]]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ErfaWarning)  # of years without known leap seconds
        for form, (scale, texts_of_form) in texts.items():
            if texts_of_form:
                try:
                    times = Time(texts_of_form, format="isot", scale=scale).utc
                    days[:, forms[form]] = times.jd1, times.jd2
                except ValueError:  # one of them at least: 2020-02-30
                    forms["other"] += forms[form]
        for i in forms["other"]:
            with contextlib.suppress(
                Exception
            ):  # sunpy and astropy raise many kinds of exceptions for odd texts
                time = _parsed(stamps[i], scales[i])
                days[:, i] = time.jd1, time.jd2
    days[:, ~((days[0] + days[1] > DAYS[0]) & (days[0] + days[1] < DAYS[1]))] = np.nan
    return days


def _as_isot(stamp: str) -> str:
    return stamp.removesuffix("Z").replace("/", "-").replace(" ", "T")


def _parsed(stamp: str, timesys: str) -> Time:
    scale, offset = ("tai", 0) if "TAI" in stamp else time_scale(timesys)
    return (parse_time(stamp, scale=scale) + offset * u.s).utc
