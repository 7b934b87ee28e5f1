"""What is wrong with a header: judged once, when a frame is opened."""

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sunpy.map import GenericMap

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.log import silent
from sunpy_heliocloud.metadata.channels import channel_of
from sunpy_heliocloud.metadata.columns import column, keyword_rows, picked
from sunpy_heliocloud.metadata.exposure import EXPOSURE_KEYS
from sunpy_heliocloud.metadata.maps import Watched, empty_map, map_class, once_for_each_kind
from sunpy_heliocloud.metadata.stamps import parse_stamps
from sunpy_heliocloud.metadata.times import Midpoints, no_time
from sunpy_heliocloud.metadata.wcs import AIA_TIMES, follows_aia
from sunpy_heliocloud.text import inert

__all__ = ["problems"]

# What must be a number, if it is there: a text such as 'nan' would spoil coordinates, or the whole sequence's.
_NUMBER_KEYS = tuple(
    "CRPIX1 CRPIX2 CRVAL1 CRVAL2 CDELT1 CDELT2 CROTA1 CROTA2 PC1_1 PC1_2 PC2_1 PC2_2 CD1_1 CD1_2 CD2_1 CD2_2 RSUN_REF "
    "DSUN_OBS HGLN_OBS HGLT_OBS CRLN_OBS CRLT_OBS HAEX_OBS HAEY_OBS HAEZ_OBS".split()
)
# What decides scale and place: missing, sunpy takes defaults.
_SCALE_KEYS = tuple(
    "CRPIX1 CRPIX2 CRVAL1 CRVAL2 CDELT1 CDELT2 PC1_1 PC1_2 PC2_1 PC2_2 CD1_1 CD1_2 CD2_1 CD2_2".split()
)
# What astropy reads as units.
_UNIT_KEYS = ("BUNIT", "CUNIT1", "CUNIT2", "PIXLUNIT", "TIMEUNIT", "WAVEUNIT")
# Of a unit; in a header each fits a card. astropy takes minutes for very long ones.
_LONGEST_UNIT = 100
# A power of more than three digits: those of 10 astropy would compute to the last digit, for minutes or for ever.
_HUGE_POWER = re.compile(r"(\*\*|\^|[\d.]\s*[+-])[\s(+-]*\d{4}")

type Header = Mapping[str, Any]


def problems(headers: Sequence[Header], maps: dict | None = None) -> list[str | None]:
    """
    Why a header says too little of its observation; `None` for those that are good.

    Parameters
    ----------
    headers
        Of the frames.
    maps
        What `sunpy.map.Map` makes of kinds of headers, see `~sunpy_heliocloud.metadata.maps.once_for_each_kind`.

    Returns
    -------
    list
        Of each header the first problem: its coordinates, its time, or what `sunpy.map.Map` makes of it.
    """
    found = [_no_number(values) for values in keyword_rows(headers, _NUMBER_KEYS)]
    first = [_no_unit(values) for values in keyword_rows(headers, _UNIT_KEYS)]
    if not any(first):
        first = once_for_each_kind(headers, _no_class)
    if any(first):
        # The other judges would read them.
        rest = [i for i, problem in enumerate(first) if problem is None]
        for i, problem in zip(rest, problems(picked(headers, rest), maps), strict=True):
            first[i] = problem
        return first
    for judged in (
        [_no_exposure(*values) for values in keyword_rows(headers, EXPOSURE_KEYS)],
        _no_scales(headers),
        Midpoints(headers).reasons,
        _no_starts(headers),
    ):
        found = [problem or another for problem, another in zip(found, judged, strict=True)]
    good = [i for i, problem in enumerate(found) if problem is None]
    for i, problem in zip(good, once_for_each_kind(picked(headers, good), _no_map, maps), strict=True):
        found[i] = problem
    return found


def _no_number(values: Sequence[Any]) -> str | None:
    for keyword, value in zip(_NUMBER_KEYS, values, strict=True):
        if value is not None and not _is_number(value):
            return f"{keyword}={inert(repr(value), 60)} is no number"
    return None


def _no_unit(values: Sequence[Any]) -> str | None:
    for keyword, value in zip(_UNIT_KEYS, values, strict=True):
        if isinstance(value, str) and (len(value) > _LONGEST_UNIT or _HUGE_POWER.search(value)):
            return f"{keyword}={inert(repr(value), 60)} is no unit"
    return None


def _is_number(value: Any) -> bool:
    """Whether it is a finite number; `True` is none."""
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    )


def _no_exposure(*values: Any) -> str | None:
    """A text, such as 'nan', says that it is unknown; true, or infinite, it cannot be."""
    for keyword, value in zip(EXPOSURE_KEYS, values, strict=True):
        if isinstance(value, (bool, float)) and not _is_number(value):
            return f"{keyword}={value!r} is no exposure time in seconds"
    return None


def _no_scales(headers: Sequence[Header]) -> list[str | None]:
    """Some classes (GONG) take the scale from other keywords."""
    plain = once_for_each_kind(headers, lambda header: map_class(header).scale is GenericMap.scale)
    rows = keyword_rows(headers, _SCALE_KEYS)
    return [_no_scale(*values) if is_plain else None for values, is_plain in zip(rows, plain, strict=True)]


def _no_scale(*values: Any) -> str | None:
    """Whether sunpy would take defaults for the reference point or the scale, or the axes would fall together."""
    if not all(value is None or _is_number(value) for value in values):
        return None  # `_no_number` says which
    crpix1, crpix2, crval1, crval2, cdelt1, cdelt2, *matrices = values
    pc, cd = matrices[:4], matrices[4:]
    needed = {"CRPIX1": crpix1, "CRPIX2": crpix2, "CRVAL1": crval1, "CRVAL2": crval2}
    if cdelt1 is not None or cdelt2 is not None or None in cd:
        needed |= {"CDELT1": cdelt1, "CDELT2": cdelt2}
    for keyword, value in needed.items():
        if value is None:
            return f"{keyword} is missing, without which there are no coordinates"
        if value == 0 and keyword.startswith("CDELT"):
            return f"{keyword}=0, but a pixel has a size"
    for matrix in (pc, cd):
        a, b, c, d = (
            value if value is not None else default
            for value, default in zip(matrix, (1, 0, 0, 1), strict=True)
        )
        if a * d == b * c:
            name = "PC" if matrix is pc else "CD"
            return f"{name}i_j=({a}, {b}; {c}, {d}) is no rotation: both axes would be one"
    return None


def _no_starts(headers: Sequence[Header]) -> list[str | None]:
    """Of AIA a second time is needed for the coordinates."""
    keyword = AIA_TIMES["dateobs"]
    found: list[str | None] = [None] * len(headers)
    needed = [i for i, is_aia in enumerate(follows_aia(headers)) if is_aia]
    some = picked(headers, needed)
    stamps = column(some, keyword)
    days = parse_stamps(stamps, [str(timesys or "UTC") for timesys in column(some, "TIMESYS")])
    for at in np.flatnonzero(np.isnan(days[0])):
        found[needed[at]] = no_time(keyword, stamps[at])
    return found


def _no_class(header: Watched) -> str | None:
    try:
        map_class(header)
    except Exception as error:  # noqa: BLE001  sunpy raises anything on odd headers
        return _no_map_because(error)
    return None


@silent()
def _no_map(header: Watched) -> str | None:
    for keyword in ("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2"):
        header.get(keyword)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are seen when the Map is made in earnest
            channel_of(header)
            PlaneWCS.from_wcs(empty_map(header.upper()).wcs)
    except Exception as error:  # noqa: BLE001  sunpy and astropy raise anything on odd headers
        header.keys()  # any keyword may be the cause: the answer holds for no other header
        return _no_map_because(error)
    return None


def _no_map_because(error: Exception) -> str:
    return f"sunpy makes no Map of it: {type(error).__name__}: {inert(error)}"
