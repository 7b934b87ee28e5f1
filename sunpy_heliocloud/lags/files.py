"""Maps of lags in FITS and ASDF files: data, coordinates and how they were made, as one header."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import asdf
import numpy as np

import astropy.units as u
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

from sunpy_heliocloud.text import inert

__all__ = ["header_of", "read", "write"]

_FORMATS = {".fits": "fits", ".fit": "fits", ".fts": "fits", ".asdf": "asdf"}


class _Card(NamedTuple):
    """How an entry of ``meta`` is written, and read."""

    keyword: str
    comment: str
    to_card: Callable[[Any], Any] = lambda value: value
    from_card: Callable[[Any], Any] = lambda value: value


def _seconds(value: u.Quantity) -> float:
    return float(value.to_value(u.s))


def _detrend_card(value: str | u.Quantity | tuple[str, u.Quantity]) -> float | str:
    if isinstance(value, tuple):
        return f"{value[0]} {_seconds(value[1])!r}"
    return value if isinstance(value, str) else _seconds(value)


def _detrend(card: float | str) -> str | u.Quantity | tuple[str, u.Quantity]:
    if not isinstance(card, str):
        return card * u.s
    kind, *width = card.split()
    return (kind, float(width[0]) * u.s) if width else kind


_CARDS = {
    "quantity": _Card("CONTENT", "what the pixels are"),
    "start": _Card("LAGSTART", "first time compared, UTC", lambda time: time.utc.isot, Time),
    "stop": _Card("LAGSTOP", "last time compared, UTC", lambda time: time.utc.isot, Time),
    "planes": _Card("NPLANES", "number of times compared", int),
    "cadence": _Card("CADENCE", "[s] between them", _seconds, lambda value: value * u.s),
    "min_overlap": _Card("MINOVLAP", "least share of valid pairs", float),
    "min_correlation": _Card("MINCORR", "least maximum correlation", float),
    "detrend": _Card(
        "DETREND",
        "linear, or [s] of running mean or lines",
        _detrend_card,
        _detrend,
    ),
    "overlap_normalized": _Card("OVLPNORM", "divided by the pairs at each lag", bool),
    "at_bounds": _Card("ATBOUNDS", "what becomes of maxima at an edge of lags"),
    "at_edge": _Card("NATEDGE", "pixels with a maximum at an edge of lags", int),
    "pulled": _Card("NPULLED", "pixels where tapering moves the maximum", int),
    "short_of_pairs": _Card("NSHORT", "pixels with lags of too few pairs", int),
    "ambiguous": _Card("NAMBIG", "pixels with two maxima within the noise", int),
    "frame_cadence": _Card("FRMCADNC", "[s] between frames", _seconds, lambda value: value * u.s),
    "refine": _Card("REFINE", "how lags are finer than the cadence"),
    "precision": _Card("PRECISN", "type of the computation"),
    "surrogates": _Card("SURROGAT", "kind of surrogates"),
    "trials": _Card("TRIALS", "number of surrogates or subsets", int),
    "seed": _Card("SEED", "of the random numbers", int),
    # Sentences leave no room for comments.
    "derotated": _Card("DEROTATE", ""),
    "resampled": _Card("RESAMPLE", ""),
    "light_travel": _Card("LGTTRAVL", ""),
    "version": _Card("LAGVERS", "version of sunpy_heliocloud"),
}


def header_of(wcs: WCS, unit: u.Unit, meta: dict[str, Any]) -> fits.Header:
    """
    Coordinates and ``meta`` as a FITS header.

    Parameters
    ----------
    wcs, unit, meta
        Of a `~sunpy_heliocloud.LagMap`.

    Returns
    -------
    `astropy.io.fits.Header`
    """
    header = wcs.to_header()
    header["BUNIT"] = unit.to_string("fits")
    for name, card in _CARDS.items():
        if meta.get(name) is not None:
            header[card.keyword] = (_card_value(card.to_card(meta[name])), card.comment)
    for letter, channel in zip("AB", meta.get("channels", ()), strict=False):
        if channel is not None:
            header[f"CHANNEL{letter}"] = (channel.to_value(u.AA), "[Angstrom]")
    observatories = [_card_value(one) for one in meta.get("observatories", ())]
    for letter, observatory in zip("AB", observatories, strict=False):
        if observatory is not None:
            header[f"OBSRVTR{letter}"] = (observatory, "where the images come from")
    if any(observatories):
        # The keyword that other software reads.
        header["OBSRVTRY"] = " and ".join(dict.fromkeys(filter(None, observatories)))
    if meta.get("lag_bounds") is not None:
        header["LAGMIN"], header["LAGMAX"] = (_seconds(bound) for bound in meta["lag_bounds"])
    if meta.get("lags_used") is not None:
        header["LAGFIRST"], header["LAGLAST"] = (_seconds(lag) for lag in meta["lags_used"])
    return header


def _card_value(value: Any) -> Any:
    """A text in ASCII, which is all that FITS has."""
    return inert(value).encode("ascii", "backslashreplace").decode() if isinstance(value, str) else value


def write(path: Path, data: np.ndarray, header: fits.Header, *, overwrite: bool) -> None:
    """
    Write an image and its header to a FITS or ASDF file, as the suffix of the path says.

    Raises
    ------
    ValueError
        For another suffix.
    FileExistsError
        When there is a file that is not to be overwritten.
    """
    kind = _kind(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name, or say overwrite=True")
    if kind == "fits":
        fits.PrimaryHDU(data, header).writeto(path, overwrite=overwrite)
    else:
        asdf.AsdfFile({"data": data, "header": dict(header)}).write_to(path)


def read(path: Path) -> tuple[np.ndarray, WCS, u.Unit, dict[str, Any]]:
    """
    What `write` has written: data, WCS, unit and ``meta``.

    Raises
    ------
    ValueError
        For an unknown suffix, and for a file that holds something else.
    """
    data, header = _image(path)
    if data is None or "LAGVERS" not in header:
        raise ValueError(
            f"{path} was not written by LagMap.write, since it has no keyword LAGVERS; open it with sunpy.map.Map"
        )
    wcs = WCS(header)
    wcs.array_shape = data.shape
    meta = {
        name: card.from_card(header[card.keyword]) for name, card in _CARDS.items() if card.keyword in header
    }
    channels = [header.get(f"CHANNEL{letter}") for letter in "AB"]
    meta["channels"] = tuple(None if one is None else one * u.AA for one in channels)
    meta["observatories"] = tuple(header.get(f"OBSRVTR{letter}") for letter in "AB")
    meta["lag_bounds"] = [header["LAGMIN"], header["LAGMAX"]] * u.s if "LAGMIN" in header else None
    if "LAGFIRST" in header:
        meta["lags_used"] = [header["LAGFIRST"], header["LAGLAST"]] * u.s
    unit = u.Unit(header["BUNIT"]) if header.get("BUNIT") else u.dimensionless_unscaled
    return data.astype(data.dtype.newbyteorder("="), copy=False), wcs, unit, meta


def _image(path: Path) -> tuple[np.ndarray | None, fits.Header]:
    """The first image of a file, if there is one."""
    if _kind(path) == "fits":
        with fits.open(path, memmap=False) as hdus:
            return hdus[0].data, hdus[0].header
    with asdf.open(path, memmap=False, lazy_load=False) as file:
        data, header = file.tree.get("data"), file.tree.get("header", {})
        return None if data is None else np.array(data), fits.Header(header)


def _kind(path: Path) -> str:
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f"the suffix of {path} is unknown; a map is written as one of {', '.join(_FORMATS)}")
    return _FORMATS[path.suffix.lower()]
