"""Observation times: the midpoints of exposures, in UTC."""

import contextlib
import copy
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy.map import GenericMap

from sunpy_heliocloud.coordinates.times import days_as_times
from sunpy_heliocloud.metadata.columns import column, picked
from sunpy_heliocloud.metadata.exposure import exposure_times
from sunpy_heliocloud.metadata.forms import times_by_form
from sunpy_heliocloud.metadata.maps import (
    Watched,
    empty_map,
    map_class,
    once_for_each_kind,
    readable,
    time_scale,
)
from sunpy_heliocloud.metadata.stamps import DAYS, YEARS, parse_stamps
from sunpy_heliocloud.text import inert

__all__ = ["MIDPOINT", "Midpoints", "midpoints", "no_time"]

type Header = Mapping[str, Any]

MIDPOINT = "DATE-MID"
"""Keyword of the midpoint in Maps of planes, whose T_OBS or DATE-AVG would be the time of the coordinates."""
_DATE_ONLY = re.compile(r"\d{4}[-/]\d\d?[-/]\d\d?")
_KEYWORDS = ("T_OBS", "DATE-AVG", "DATE-BEG", "DATE-END", "DATE-OBS", "DATE_OBS")
_PLAUSIBLE = f"a time between the years {YEARS[0]} and {YEARS[1]}"
_NO_TIME = f"no observation time: none of {', '.join(_KEYWORDS)} is {_PLAUSIBLE} in the header"
_NEVER = Time("2000-01-01")  # in place of the time of the call


@dataclass
class Midpoints:
    """
    The midpoints of exposures, UTC.

    DATE-MID in Maps of planes of a cube. T_OBS where the Map's ``reference_date`` reads it (AIA, HMI, SUIT); else the Map's ``date_average``; else its
    ``date_start`` or ``date`` and half the exposure time.

    Parameters
    ----------
    headers
        Of the frames.

    Attributes
    ----------
    days
        The two parts of the Julian dates, ``(2, n)``, in UTC; NaN where there is no time.
    reasons
        For each header the reason why it has no time; `None` if it has one.
    without_time_of_day
        The headers whose date is read, but not the time of day in TIME-OBS beside it.
    """

    headers: Sequence[Header]
    days: np.ndarray = field(init=False)
    reasons: list[str | None] = field(init=False)
    without_time_of_day: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.days = np.full((2, len(self.headers)), np.nan)
        self.reasons = [None] * len(self.headers)
        self.without_time_of_day = []
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of missing metadata; they are seen when a Map is made in earnest
            kinds = once_for_each_kind(self.headers, _kind)
            seconds = np.nan_to_num(exposure_times(self.headers)) / 2
            self._read_many([i for i, kind in enumerate(kinds) if kind.is_plain], kinds, seconds)
            for kind in dict.fromkeys(kind for kind in kinds if not kind.is_plain):
                self._read_class([i for i, other in enumerate(kinds) if other == kind], kind, seconds)
            self._read_midpoints()

    def _read_class(self, indices: Sequence[int], kind: "_Kind", half: np.ndarray) -> None:
        """The times of headers whose class has rules of its own."""
        asked, some = _ClassTimes(kind), picked(self.headers, indices)
        columns: dict[str, Any] = {"DATE-OBS": []}
        while columns.keys() != asked.read.keys():  # which keywords it reads is seen when it is asked
            columns = {keyword: column(some, keyword) for keyword in asked.read}
            found, rest = times_by_form(
                columns, half[indices], lambda at: asked.time(some[at], half[indices[at]]), parse_stamps
            )
        for at in rest:
            try:
                time = asked.time(some[at], half[indices[at]])
                found[:, at] = time.jd1, time.jd2
            except Exception as error:  # noqa: BLE001  sunpy and astropy raise anything on odd texts
                name = kind.map_class.__name__
                self.reasons[indices[at]] = f"no observation time: sunpy's {name} finds none: {inert(error)}"
        self.days[:, indices] = found

    def _read_midpoints(self) -> None:
        """The times of planes that were moved to the coordinates of another time."""
        stamps = column(self.headers, MIDPOINT)
        if any(stamps):
            days = parse_stamps(
                stamps, [str(timesys or "UTC") for timesys in column(self.headers, "TIMESYS")]
            )
            for i in np.flatnonzero(np.isfinite(days[0])):
                self.days[:, i], self.reasons[i] = days[:, i], None

    def _read_many(self, indices: Sequence[int], kinds: Sequence["_Kind"], half: np.ndarray) -> None:
        """The times of headers whose class has the rules of GenericMap."""
        columns = {keyword: column(self.headers, keyword) for keyword in (*_KEYWORDS, "TIME-OBS", "TIME_OBS")}
        picked = [_picked({key: columns[key][i] for key in _KEYWORDS}, kinds[i].reads_t_obs) for i in indices]
        scales = [kinds[i].timesys for i in indices]
        first = parse_stamps([stamp for _, stamp, *_ in picked], scales)
        last = parse_stamps([end for *_, end, _ in picked], scales)
        for at, (i, (keyword, stamp, end, sign)) in enumerate(zip(indices, picked, strict=True)):
            if np.isnan(first[0, at]) and keyword == "DATE-OBS" and columns["DATE_OBS"][i]:
                keyword, stamp = "DATE_OBS", columns["DATE_OBS"][i]  # as sunpy does
                first[:, at] = parse_stamps([stamp], [scales[at]])[:, 0]
            if np.isnan(first[0, at]) or (end is not None and np.isnan(last[0, at])):
                if not np.isnan(first[0, at]):
                    keyword, stamp = "DATE-END", end
                self.reasons[i] = no_time(keyword, stamp, scales[at])
            elif sign and _DATE_ONLY.fullmatch(str(stamp).strip()) and _time_of_day(columns, i):
                self.without_time_of_day.append(i)
        signs = np.array([sign for *_, sign in picked], dtype=float)
        good = ~np.isnan(first[0])
        both = good & ~np.isnan(last[0])
        start = Time(*first[:, good], format="jd", scale="utc") + (half[indices] * signs)[good] * u.s
        first[:, good] = start.jd1, start.jd2
        if both.any():
            start, stop = (Time(*days[:, both], format="jd", scale="utc") for days in (first, last))
            middle = start + (stop - start) / 2
            first[:, both] = middle.jd1, middle.jd2
        self.days[:, indices] = first

    @property
    def times(self) -> Time:
        """
        All of them.

        Raises
        ------
        ValueError
            When a header has none.
        """
        if problem := next(filter(None, self.reasons), None):
            raise ValueError(problem)
        return days_as_times(self.days)


def no_time(keyword: str | None, stamp: Any, timesys: str = "UTC") -> str:
    """The reason why a keyword is not a time."""
    if keyword is None:
        return _NO_TIME
    try:
        time_scale(timesys)
    except ValueError as error:
        return str(error)
    return f"{keyword}={inert(repr(stamp), 60)} is no {_PLAUSIBLE.removeprefix('a ')}"


def midpoints(headers: Sequence[Header]) -> Time:
    """The midpoint of each exposure, UTC; see `Midpoints`."""
    return Midpoints(headers).times


def _time_of_day(columns: Mapping[str, Sequence[Any]], i: int) -> bool:
    return any(str(columns[keyword][i] or "").strip() for keyword in ("TIME-OBS", "TIME_OBS"))


def _picked(values: Mapping[str, Any], reads_t_obs: bool) -> tuple[str | None, Any, Any, int]:
    """
    The time of a GenericMap: its keyword and value, the value of the end, and whether half the exposure time
    is added.
    """
    if reads_t_obs and values["T_OBS"]:
        return "T_OBS", values["T_OBS"], None, 0
    if values["DATE-AVG"]:
        return "DATE-AVG", values["DATE-AVG"], None, 0
    if values["DATE-BEG"]:
        return "DATE-BEG", values["DATE-BEG"], values["DATE-END"] or None, 0 if values["DATE-END"] else 1
    for keyword, sign in (("DATE-OBS", 1), ("DATE_OBS", 1), ("DATE-END", -1)):
        if str(values[keyword] or "").strip():
            return keyword, values[keyword], None, sign
    return None, None, None, 0


@dataclass(frozen=True)
class _Kind:
    """How a Map class takes times from headers of a kind."""

    map_class: type[GenericMap]
    reads_t_obs: bool
    is_plain: bool
    timesys: str = "UTC"


def _kind(header: Watched) -> _Kind:
    cls: Any = map_class(header)
    own = ("_get_date", "_date_obs", "date", "date_start", "date_end", "date_average")
    is_plain = all(getattr(cls, name) is getattr(GenericMap, name) for name in own)
    if not is_plain:
        return _Kind(cls, _reads_t_obs(cls), is_plain)
    bare = cls.__new__(cls)
    bare.meta = header
    try:
        return _Kind(cls, _reads_t_obs(cls), is_plain, str(bare._timesys))
    except Exception:  # noqa: BLE001  then the class is asked for the time, and says why there is none
        return _Kind(cls, _reads_t_obs(cls), is_plain=False)


@lru_cache
def _reads_t_obs(cls: Any) -> bool:
    """Whether a class's reference date is T_OBS, if there is one."""
    bare = cls.__new__(cls)
    bare.meta = header = Watched({})
    with contextlib.suppress(Exception):  # a header without any time, and a Map without anything else
        _ = bare.reference_date
    return next(iter(header.read), None) == "T_OBS"


class _ClassTimes:
    """
    The times of a class with its own rules. Making a Map takes a millisecond, copying a Map takes microseconds.

    Parameters
    ----------
    kind
        The class.

    Attributes
    ----------
    read
        The keywords that it has read for any time.
    """

    def __init__(self, kind: _Kind) -> None:
        self.kind = kind
        self.template: GenericMap | None = None
        self.read: dict[str, None] = {}

    def time(self, header: Header, half: float) -> Time:
        """The time of a header, to which half of the exposure time is added where sunpy has the start only."""
        self.template = empty_map(header) if self.template is None else self.template
        m = copy.copy(self.template)
        m.meta = Watched(readable(header))
        m._default_time = _NEVER
        try:
            time = self._time(m, half)
        finally:
            self.read |= m.meta.read
        if not DAYS[0] < time.jd < DAYS[1]:
            raise ValueError(f"{time.isot} is no {_PLAUSIBLE.removeprefix('a ')}")
        return time

    def _time(self, m: GenericMap, half: float) -> Time:
        if self.kind.reads_t_obs and str(m.meta.get("T_OBS") or "").strip():
            return m.reference_date.utc
        average = m.date_average
        if average is not None:
            return average.utc
        start = m.date_start
        start = m.date if start is None else start
        if start is _NEVER:
            raise ValueError("there is none")
        return (start + half * u.s).utc
