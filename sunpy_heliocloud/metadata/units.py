"""The unit of pixels, whatever the spelling in the header; and whether it is one of counts."""

import re
import warnings

import astropy.units as u

import sunpy.map

__all__ = ["is_counts", "unit_of", "unit_text"]

_COUNTS = (u.DN, u.adu, u.ct, u.ph, u.electron)
# Units that counts may be divided by and still grow with the exposure: pixels, angles and areas.
_NO_TIME = (u.pix, u.rad, u.m)
_WORDS = {
    **dict.fromkeys(("counts", "count", "cts", "ct", "cnts", "cnt"), "ct"),
    **dict.fromkeys(("electrons", "electron"), "electron"),
    **dict.fromkeys(("photons", "photon", "ph"), "ph"),
    **dict.fromkeys(("pixels", "pixel", "pix", "px", "ccdpix"), "pix"),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), "s"),
    "gauss": "G",
    **dict.fromkeys(("dn", "dns"), "DN"),
    "adu": "adu",
    **dict.fromkeys(("corrected", "raw"), ""),  # IRIS, as in sunpy's SJIMap
}
_ELECTRONS = re.compile(r"\be-(?![\w.])", re.I)


def unit_text(m: sunpy.map.GenericMap) -> str:
    """The text of BUNIT; empty if there is none."""
    keywords = ("bunit", "pixlunit") if isinstance(m, sunpy.map.sources.AIAMap) else ("bunit",)
    values = (m.meta.get(keyword) for keyword in keywords)
    return next((str(value).strip() for value in values if value is not None and str(value).strip()), "")


def unit_of(m: sunpy.map.GenericMap) -> u.UnitBase | None:
    """
    The unit as sunpy's Map has it, else as astropy reads it once usual words are spelled as astropy has them.

    Parameters
    ----------
    m
        The Map of a header. AIA images without a unit are in DN.

    Returns
    -------
    `~astropy.units.Unit`
        `None` if there is none, or none that can be read.
    """
    text = unit_text(m)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unreadable unit is warned of when a cube is made
        try:
            unit = m.unit
        except (AttributeError, TypeError, ValueError):
            unit = None
        if unit is None and text:
            unit = _read(text)
    if unit is None and not text and isinstance(m, sunpy.map.sources.AIAMap):
        return u.DN
    return unit


def _read(text: str) -> u.UnitBase | None:
    spelled = _ELECTRONS.sub("electron", text)
    spelled = re.sub(r"[A-Za-z]+", lambda word: _WORDS.get(word[0].lower(), word[0]), spelled).strip()
    for attempt in filter(re.compile("[A-Za-z]").search, (spelled, text)):
        try:
            return u.Unit(attempt)
        except (TypeError, ValueError):
            continue
    return None


def is_counts(unit: u.UnitBase | None) -> bool:
    """Whether pixels are counts that grow with the exposure: DN, counts a pixel, photons a square arcsecond."""
    if unit is None:
        return False
    parts = unit.decompose()
    powers = dict(zip(parts.bases, parts.powers, strict=True))
    counted = [base for base in powers if base in _COUNTS]
    return (
        len(counted) == 1
        and powers[counted[0]] == 1
        and all(base in (*_COUNTS, *_NO_TIME) for base in powers)
    )
