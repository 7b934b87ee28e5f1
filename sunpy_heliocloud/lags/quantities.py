"""The quantities that maps and cubes of lags hold: their names, and the colours and limits of their plots."""

from collections.abc import Sequence
from typing import Any

import astropy.units as u

__all__ = [
    "CORRELATION",
    "CROSS_CORRELATION",
    "FALSE_ALARM",
    "LAG",
    "UNCERTAINTY",
    "colours",
    "normalization",
]

LAG = "time lag"
CORRELATION = "maximum cross-correlation"
CROSS_CORRELATION = "cross-correlation"
FALSE_ALARM = "false-alarm probability"
UNCERTAINTY = "uncertainty of the time lag"


def normalization(meta: dict[str, Any]) -> str:
    """How the correlation is normalised, in words."""
    return "normalised on the overlap" if meta["overlap_normalized"] else "tapered, as in sunkit-image"


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
        settings = {"cmap": "RdYlBu_r", "vmin": -limit, "vmax": limit}
    elif unit.is_equivalent(u.s):
        settings = {"cmap": "magma", "vmin": 0, "vmax": reach}
    else:
        settings = {"cmap": "viridis", "vmin": 0, "vmax": 1}
    if "norm" in chosen:
        settings = {"cmap": settings["cmap"]}
    return settings | chosen
