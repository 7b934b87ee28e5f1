"""Facts about maps and cubes of lags for their displays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import astropy.units as u

from sunpy_heliocloud.display.facts import Rows, chunk_rows, duration, field_row
from sunpy_heliocloud.lags.bars import leaders
from sunpy_heliocloud.lags.quantities import normalization
from sunpy_heliocloud.summary import Summary

__all__ = ["lag_summary"]


def lag_summary(cube: Any, what: str, counted: Sequence[str] = (), windows: int | None = None) -> Summary:
    """
    What a map or a cube of lags or correlations says of itself.

    Parameters
    ----------
    cube
        With ``meta`` that says how it was made.
    what
        Follows the name of the quantity.
    counted
        What speaks against some of the lags.
    windows
        How many windows of time there are; `None` where they are none.
    """
    meta, (view, picture) = cube.meta, field_row(cube)
    between = "" if windows is None else f"in {windows} windows of "
    rows = [
        ("", f"{meta.get('quantity')}{'' if what.startswith(',') else ' '}{what}"),
        (
            "",
            f"{between or 'from '}{meta.get('planes')} planes of {meta.get('cadence')}, {meta.get('start')} to "
            f"{meta.get('stop')}",
        ),
    ]
    if "overlap_normalized" in meta:
        rows.append(("", "; ".join([f"correlation {normalization(meta)}", *counted])))
    return Summary(
        f"{type(cube).__name__} of shape {cube.shape}, {cube.data.dtype}, {cube._state()}",
        [*rows, *_rows_of_meta(meta), *view, *chunk_rows(cube.data)],
        picture,
    )


def _rows_of_meta(meta: dict[str, Any]) -> Rows:
    rows = []
    if pair := leaders(meta):
        rows.append(("Leads", f"{pair[0]} where the lag is positive, {pair[1]} where it is negative"))
    bounds = meta.get("lag_bounds")
    if isinstance(bounds, u.Quantity) and bounds.shape == (2,) and np.isfinite(bounds).all():
        low, high = (_signed(float(bound)) for bound in bounds.to_value(u.s))
        rows.append(("Lags", f"{low} to {high}"))
    options = [
        f"{name}={meta[name]}"
        for name in ("min_correlation", "detrend", "refine", "surrogates", "trials", "at_bounds")
        if meta.get(name) not in (None, "nan")
    ]
    texts = {"derotated": "", "resampled": "resampled: ", "light_travel": "", "arithmetic": "then "}
    steps = [f"{text}{meta[name]}" for name, text in texts.items() if meta.get(name)]
    return [
        *rows,
        *([("Options", ", ".join(options))] if options else []),
        *([("Steps", "; ".join(steps))] if steps else []),
    ]


def _signed(seconds: float) -> str:
    return f"−{duration(-seconds)}" if seconds < 0 else duration(seconds)
