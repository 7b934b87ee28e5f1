"""
Properties of headers from sunpy's Map classes, computed once for all headers with the same values of the
keywords in use.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import STANDARD_TIME_SCALES

import sunpy.map
from sunpy.time import parse_time

from sunpy_heliocloud.metadata.columns import HeaderColumns, column
from sunpy_heliocloud.metadata.units import readable_unit
from sunpy_heliocloud.text import inert

__all__ = [
    "Watched",
    "empty_map",
    "map_class",
    "map_header",
    "once_for_each_kind",
    "readable",
    "satellite_of",
    "time_scale",
]

type Header = Mapping[str, Any]

_DATES = ("DATE-OBS", "DATE_OBS", "DATE-BEG", "DATE-AVG", "DATE-END", "T_OBS")
_GPS_TO_TAI = 19  # seconds
# Names of the FITS standard (section 9.2.1) that astropy lacks, and those of astropy.
_SCALES = {"GMT": "utc", "UT": "utc", "ET": "tt", "TDT": "tt", "IAT": "tai", "GPS": "tai"}
_SCALES |= {scale.upper(): scale for scale in STANDARD_TIME_SCALES}


def time_scale(timesys: Any) -> tuple[str, int]:
    """
    The time scale that TIMESYS means, and the seconds to be added.

    Raises
    ------
    ValueError
        When it means none.
    """
    words = str(timesys or "UTC").split() or ["UTC"]
    name = words[0].upper()  # Hinode says 'UTC (TBR)'
    if name not in _SCALES:
        known = ", ".join(sorted(scale.upper() for scale in STANDARD_TIME_SCALES))
        raise ValueError(f"TIMESYS={inert(repr(timesys), 60)} is no time scale; known are {known}, GPS")
    return _SCALES[name], _GPS_TO_TAI if name == "GPS" else 0


def readable(header: Header) -> dict[str, Any]:
    """
    A header that sunpy can read.

    What means UTC is UTC, times in GPS become TAI, and the unit of HMI is spelled as astropy does, or left out.
    """
    header = dict(header)
    if str(header.get("INSTRUME", "")).startswith("HMI") and (text := str(header.pop("BUNIT", None) or "")):
        header |= {"BUNIT": unit} if (unit := readable_unit(text)) else {}
    timesys = header.get("TIMESYS", "UTC")
    try:
        scale, offset = time_scale(timesys)
    except ValueError:
        return header
    if offset and "GONG" not in str(header.get("TELESCOP")):  # whose Map class defines it
        for keyword in _DATES:
            stamp = header.get(keyword)
            if isinstance(stamp, str) and stamp.strip() and "TAI" not in stamp:
                header[keyword] = (parse_time(stamp, scale=scale) + offset * u.s).isot
    if str(timesys).lower() != scale:
        header["TIMESYS"] = scale.upper()
    return header


def map_header(header: Header, dtype: np.dtype) -> dict[str, Any]:
    """
    The header of a Map, `readable` and without blank keywords.

    BLANK is left out where pixels are floats, since it would be warned of when the Map is saved.
    """
    header = {keyword: value for keyword, value in readable(header).items() if value is not None}
    if dtype.kind == "f":
        header.pop("BLANK", None)
    return header


def empty_map(header: Header) -> sunpy.map.GenericMap:
    """A Map of a header, on an array that takes no memory; blank keywords count as missing."""
    header = {keyword: value for keyword, value in readable(header).items() if not _is_blank(keyword, value)}
    shape = (header["NAXIS2"], header["NAXIS1"])
    return sunpy.map.Map(np.broadcast_to(np.float32(0), shape), header)


def _is_blank(keyword: str, value: Any) -> bool:
    """Sunpy's arithmetic with Maps leaves an empty unit where there was none."""
    return value is None or (keyword.upper() in ("BUNIT", "PIXLUNIT") and not str(value).strip())


class Watched(dict):
    """
    A header for sunpy, with keywords in any case, that notes which of them are read.

    Parameters
    ----------
    header
        Its blank keywords count as missing.
    """

    def __init__(self, header: Header) -> None:
        super().__init__(
            (keyword.lower(), value) for keyword, value in header.items() if not _is_blank(keyword, value)
        )
        self.read: dict[str, None] = {}

    def __getitem__(self, keyword: str) -> Any:
        return super().__getitem__(self._noted(keyword))

    def get(self, keyword: str, default: Any = None) -> Any:
        return super().get(self._noted(keyword), default)

    def __contains__(self, keyword: object) -> bool:
        return super().__contains__(self._noted(str(keyword)))

    def _noted(self, keyword: str) -> str:
        self.read[keyword.upper()] = None
        return keyword.lower()

    def __iter__(self) -> Iterator[str]:
        self.read |= dict.fromkeys(map(str.upper, super().keys()))
        return super().__iter__()

    def keys(self) -> Any:
        return dict.fromkeys(self).keys()

    def upper(self) -> dict[str, Any]:
        """The header itself, with keywords in upper case; reading it is not noted."""
        return {keyword.upper(): dict.__getitem__(self, keyword) for keyword in dict.keys(self)}


def satellite_of(name: str) -> str:
    """``"g16"`` of GOES files, whose headers have all satellites as GOES-R."""
    found = re.search(r"_(g\d\d)_", str(name).lower())
    return found[1] if found else ""


# Required properties of values that differ from frame to frame.
_REDUCED: dict[str, Callable[[Any], Any]] = {
    "HISTORY": lambda text: "xrt_renormalize" in str(text).lower(),
    "FILENAME": satellite_of,
    "KEYCOMMENTS": lambda comments: [
        comments.get(keyword) for keyword in ("WAVEUNIT", "WAVELNTH", "TIMESYS")
    ],
}


def _of_a_kind(keyword: str, value: Any) -> Any:
    if keyword in _REDUCED and value is not None:
        value = _REDUCED[keyword](value)
    return repr(value) if isinstance(value, (list, dict)) else value


def _is_shared(headers: Sequence[Header], keyword: str) -> bool:
    return isinstance(headers, HeaderColumns) and headers.is_shared(keyword)


def once_for_each_kind[T](
    headers: Sequence[Header],
    question: Callable[[Watched], T],
    known: dict[tuple, dict[tuple, T]] | None = None,
) -> list[T]:
    """
    The results of a function for many headers, computed once for all headers that agree in the keywords that
    it reads.

    Parameters
    ----------
    headers
        Of the frames.
    question
        Function of one header. The result depends only on the keywords that it reads.
    known
        Results for earlier headers, to which those of these headers are added.

    Returns
    -------
    list
        An answer a header.
    """
    known = {} if known is None else known
    kinds = [_Kind(headers, keywords, known) for keywords in dict.fromkeys(key[0] for key in known)]
    answers = []
    for i in range(len(headers)):
        for kind in kinds:
            if kind.values[i] in kind.answers:
                answers.append(kind.answers[kind.values[i]])
                break
        else:
            header = Watched(headers[i])
            answer = question(header)
            keywords = tuple(sorted(header.read))
            same = [kind for kind in kinds if kind.keywords == keywords]
            if not same:
                same = [_Kind(headers, keywords, known)]
                kinds += same
            same[0].answers[same[0].values[i]] = answer
            answers.append(answer)
    return answers


class _Kind[T]:
    """Answers that depend on the same keywords, for headers that share the values of some of them."""

    def __init__(
        self, headers: Sequence[Header], keywords: tuple[str, ...], known: dict[tuple, dict[tuple, T]]
    ) -> None:
        self.keywords = keywords
        varying = tuple(key for key in keywords if not _is_shared(headers, key))
        columns = [[_of_a_kind(key, value) for value in column(headers, key)] for key in varying]
        self.values = list(zip(*columns, strict=True)) if columns else [()] * len(headers)
        first = headers[0] if len(headers) else {}
        shared = tuple(_of_a_kind(key, first.get(key)) for key in keywords if key not in varying)
        self.answers: dict[tuple, T] = known.setdefault((keywords, varying, shared), {})


def map_class(header: Mapping[str, Any]) -> type[sunpy.map.GenericMap]:
    """The class that `sunpy.map.Map` chooses for a header, with keywords in lower case."""
    data = np.broadcast_to(np.float32(0), (1, 1))
    found = [cls for cls, is_source in sunpy.map.Map.registry.items() if is_source(data, header)]
    return found[0] if len(found) == 1 else sunpy.map.GenericMap
