"""The quantities that maps and cubes of lags hold: their names, and the colours and limits of their plots."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import astropy.units as u

from sunpy_heliocloud.text import inert

__all__ = [
    "CORRELATION",
    "CROSS_CORRELATION",
    "FALSE_ALARM",
    "LAG",
    "UNCERTAINTY",
    "colours",
    "normalization",
    "in_other_order",
    "pair_title",
]

LAG = "time lag"
CORRELATION = "maximum cross-correlation"
CROSS_CORRELATION = "cross-correlation"
FALSE_ALARM = "false-alarm probability"
UNCERTAINTY = "uncertainty of the time lag"


def normalization(meta: dict[str, Any]) -> str:
    """How the correlation is normalised, in words."""
    return "normalised on the overlap" if meta["overlap_normalized"] else "tapered, as in sunkit-image"


def pair_title(meta: dict[str, Any]) -> str:
    """The two channels, and who observed them."""
    channels = ["" if one is None else f"{one.value:g}" for one in meta.get("channels", ())]
    seen_from = [inert(one or "") for one in meta.get("observatories", ())]
    if len(set(seen_from)) > 1:
        return " - ".join(f"{a} {b}".strip() for a, b in zip(channels, seen_from, strict=True))
    return f"{'-'.join(filter(None, channels))} {''.join(seen_from[:1])}".strip()


def in_other_order(meta: dict[str, Any]) -> dict[str, Any]:
    """What is known of the lags of a pair, of the same pair in the other order, whose lags have the other sign."""
    swapped = {name: meta[name][::-1] for name in ("channels", "observatories") if name in meta}
    mirrored = {name: -meta[name][::-1] for name in ("lag_bounds", "lags_used") if meta.get(name) is not None}
    return meta | swapped | mirrored


def colours(maps: Sequence[Any], given: dict[str, Any]) -> dict[str, Any]:
    """
    How to plot maps that are to be compared.

    Parameters
    ----------
    maps
        `~sunpy_heliocloud.LagMap` objects of one quantity, in one unit.
    given
        What the caller has chosen.

    Returns
    -------
    dict
        What is given, and for the rest the same colour map and limits for all.
    """
    unit, quantity = maps[0].unit, maps[0].meta.get("quantity")
    _check_limits(given, unit)
    chosen = {
        name: value.to_value(unit) if isinstance(value, u.Quantity) else value
        for name, value in given.items()
        if value is not None
    }
    reach = max((one.reach or 0 for one in maps), default=0) or None
    if quantity == LAG:
        # A limit that is given is that of the other side, too; zero is none.
        mirrored = [limit for limit in (-chosen.get("vmin", 0), chosen.get("vmax", 0)) if limit > 0]
        limit = mirrored[0] if mirrored else reach or 1
        settings: dict[str, Any] = {"cmap": "RdYlBu_r", "vmin": -limit, "vmax": limit}
    elif unit.is_equivalent(u.s):
        settings = {"cmap": "magma", "vmin": 0, "vmax": reach}
    else:
        settings = {"cmap": "viridis", "vmin": 0, "vmax": 1}
    if "norm" in chosen:
        settings = {"cmap": settings["cmap"]}
    settings |= chosen
    lowest, highest = settings.get("vmin"), settings.get("vmax")
    if lowest is not None and highest is not None and not lowest < highest:
        raise ValueError(
            f"vmin is {lowest:g} and vmax {highest:g}, but vmin has to be lower; exchange them, or give both"
        )
    return settings


def _check_limits(given: dict[str, Any], unit: u.UnitBase) -> None:
    """Refuse limits of plots that are no finite numbers."""
    for name in ("vmin", "vmax"):
        if given.get(name) is None:
            continue
        try:
            value = u.Quantity(given[name])
            finite = value.isscalar and bool(np.isfinite(value.value))
        except TypeError:
            finite = False
        if not finite:
            example = 7200 * unit if unit.is_equivalent(u.s) else 0.5
            raise ValueError(f"{name} is {given[name]!r}, but has to be a finite number, such as {example}")
