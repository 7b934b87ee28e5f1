"""Times of many headers from those of a few: what a Map class makes of texts of the same form."""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

import astropy.units as u
from astropy.time import Time

__all__ = ["times_by_form"]

_FEWEST = 8  # headers of a form: fewer are asked for one by one
_SAME = 1e-6  # seconds
_DATED = re.compile(r"\d\D+\d+\D+\d")
_SCALES = ("UTC", "TAI", "GPS")

type Days = np.ndarray


def times_by_form(
    columns: Mapping[str, Sequence[Any]],
    half: np.ndarray,
    ask: Callable[[int], Time],
    parse: Callable[[Sequence[str], Sequence[str]], Days],
) -> tuple[Days, list[int]]:
    """
    The times that a Map class has for headers, by rules that reproduce its times of some of them.

    A rule is a keyword, or one of the date and one of the time of day, a time scale, and whether half the exposure
    time is added. Texts are of one form if they differ in digits only. The class is asked for the first, the middle and
    the last header of each form; a rule that gives the same times holds for the others. If several such rules differ
    for any header, none is used.

    Parameters
    ----------
    columns
        By keyword that the class reads for a time, the values of the headers.
    half
        Half the exposure time of each, in seconds.
    ask
        The time of a header by its class; it may raise.
    parse
        From texts and their time scales to Julian dates, see `~sunpy_heliocloud.metadata.stamps.parse_stamps`.

    Returns
    -------
    `numpy.ndarray`
        The two parts of the Julian dates, ``(2, n)``, in UTC.
    list
        The headers for which there is no rule.
    """
    days = np.full((2, len(half)), np.nan)
    rest: list[int] = []
    forms: dict[tuple, list[int]] = {}
    for i, values in enumerate(zip(*columns.values(), strict=True) if columns else [()] * len(half)):
        forms.setdefault(tuple(map(_form, values)), []).append(i)
    for members in forms.values():
        found = None
        if len(members) >= _FEWEST:
            of_form = {key: [values[i] for i in members] for key, values in columns.items()}
            found = _by_rule(of_form, half[members], partial(_ask_member, ask, members), parse)
        if found is None:
            rest += members
        else:
            days[:, members] = found
    return days, rest


def _ask_member(ask: Callable[[int], Any], members: Sequence[int], at: int) -> Any:
    return ask(members[at])


def _form(value: Any) -> Any:
    return re.sub(r"\d", "0", value) if isinstance(value, str) else repr(value)


def _by_rule(
    columns: Mapping[str, Sequence[Any]],
    half: np.ndarray,
    ask: Callable[[int], Time],
    parse: Callable[[Sequence[str], Sequence[str]], Days],
) -> Days | None:
    samples = [0, len(half) // 2, len(half) - 1]
    try:
        asked = [ask(at) for at in samples]
    except Exception:  # noqa: BLE001  sunpy and astropy raise anything on odd texts; each is asked for by itself
        return None
    wanted = np.array([(time.jd1, time.jd2) for time in asked]).T
    found: list[Days] = []
    for texts, scale, seconds in itertools.product(_texts(columns), _SCALES, (np.zeros(len(half)), half)):
        some = _later(parse([texts[at] for at in samples], [scale] * len(samples)), seconds[samples])
        if _are_same(some, wanted):
            found.append(_later(parse(texts, [scale] * len(texts)), seconds))
    if not found or not all(_are_same(found[0], other) for other in found):
        return None
    return found[0]


def _texts(columns: Mapping[str, Sequence[Any]]) -> Iterable[list[str]]:
    """What may be the time in each header: one text, or one of the date and one of the time of day."""
    texts = {
        key: [value.strip() for value in values]
        for key, values in columns.items()
        if isinstance(values[0], str)
    }
    dates = [key for key, values in texts.items() if _DATED.search(values[0])]
    for date in dates:
        if ":" in texts[date][0]:
            yield texts[date]
            continue
        for clock in texts:
            if ":" in texts[clock][0]:
                yield [f"{day}T{time}" for day, time in zip(texts[date], texts[clock], strict=True)]


def _later(days: Days, seconds: np.ndarray) -> Days:
    if np.isnan(days).any():
        return np.full_like(days, np.nan)
    times = Time(*days, format="jd", scale="utc") + seconds * u.s
    return np.array([times.jd1, times.jd2])


def _are_same(days: Days, others: Days) -> bool:
    """Whether all are, and none is missing."""
    difference = (days[0] - others[0]) + (days[1] - others[1])
    return bool((np.abs(difference) * 86400 < _SAME).all())
