"""Colour bars of lags: in minutes or hours, and which channel leads."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import astropy.units as u

from sunpy_heliocloud.display.images import PLAIN, draw_bar
from sunpy_heliocloud.lags.quantities import LAG
from sunpy_heliocloud.text import inert

__all__ = ["draw_lag_bar", "leaders", "readable_unit", "set_time_ticks"]

# Seconds from which lags read better in a unit.
_FROM = ((3 * 3600.0, u.h), (180.0, u.min))


def readable_unit(most: u.Quantity) -> u.UnitBase:
    """Hours, minutes or seconds, in which lags up to this one read best."""
    return next((unit for least, unit in _FROM if most.to_value(u.s) >= least), u.s)


def set_time_ticks(axis: Any, unit: u.UnitBase, shown: u.UnitBase) -> None:
    """Ticks of an axis whose values are in a unit, at round values of another one."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    factor = float(unit.to(shown))
    # Minutes and hours are divided by sixty and twenty-four.
    steps = [1, 2, 3, 6, 10] if shown in (u.min, u.h) else [1, 2, 2.5, 5, 10]

    class Locator(MaxNLocator):
        def tick_values(self, vmin: float, vmax: float) -> Any:
            return np.asarray(super().tick_values(vmin * factor, vmax * factor)) / factor

    axis.set_major_locator(Locator(nbins=8, steps=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * factor:.6g}".replace("-", "−")))


def leaders(meta: dict[str, Any]) -> tuple[str, str] | None:
    """The channels of a pair, that which leads where the lag is positive first; `None` if they are unknown."""
    channels, observatories = meta.get("channels", ()), meta.get("observatories", ("", ""))
    if len(channels) != 2 or any(one is None for one in channels):
        return None
    differ = len(set(observatories)) > 1 or channels[0] == channels[1]
    first, second = (
        f"{inert(observatory or '', 30)} {channel.value:g} {channel.unit:unicode}".strip()
        if differ
        else f"{channel.value:g} {channel.unit:unicode}"
        for channel, observatory in zip(channels, observatories, strict=True)
    )
    return first, second


def draw_lag_bar(axes: Any, shown: Any, *, leads: str | None = None, **options: Any) -> None:
    """
    Draw the colour bar of a map of lags, or of several.

    Parameters
    ----------
    axes
        With an image of the map; or a list of them, whose bar is that of the last.
    shown
        The map, in the unit of the image.
    leads
        What leads where the lag is positive, of several maps.
    **options
        As for `matplotlib.figure.Figure.colorbar`.
    """
    several = isinstance(axes, Sequence)
    norm = (axes[-1] if several else axes).images[-1].norm
    unit, label = shown.unit, shown.label
    is_time, is_lag = unit.is_equivalent(u.s), shown.meta.get("quantity") == LAG
    best = unit
    if is_time and _is_linear(norm):
        best = readable_unit(np.abs([norm.vmin, norm.vmax]).max() * unit)
        label = label.replace(f"[{unit}]", f"[{best}]")
    if is_lag:
        pair = None if several else leaders(shown.meta)
        label += (
            f"\n← {pair[1]} leads      {pair[0]} leads →" if pair else f"\n{leads} leads →" if leads else ""
        )
    else:
        label = label.replace(", ", "\n", 1)
    if several:
        bar = axes[-1].figure.colorbar(axes[-1].images[-1], ax=axes, **options)
        bar.set_label(label, **PLAIN)
    else:
        bar = draw_bar(axes, label, **options)
    if best != unit or (is_time and _is_linear(norm)):
        set_time_ticks(bar.ax.yaxis, unit, best)


def _is_linear(norm: Any) -> bool:
    from matplotlib.colors import CenteredNorm, Normalize

    return type(norm) in (Normalize, CenteredNorm) and norm.vmin is not None
