"""Images on the Sun: axes in arcseconds, title, colour bar, limb and grid."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.visualization import AsymmetricPercentileInterval, ImageNormalize, LinearStretch
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from sunpy_heliocloud.arguments import flag, shown
from sunpy_heliocloud.text import inert

__all__ = [
    "PLAIN",
    "clip",
    "draw_bar",
    "draw_on_sun",
    "hide_fixed_place",
    "label_axes",
    "line_options",
    "percentiles",
    "plain_limits",
    "positive",
    "require_wcs_axes",
    "ticks_of_stretch",
    "values_drawn",
]

# Names out of headers are no mathematics and no TeX, whatever matplotlib is set to.
PLAIN: dict[str, Any] = {"parse_math": False, "usetex": False}
_N_TICKS = 6


def require_wcs_axes(axes: Any) -> None:
    """Raise a `TypeError` for axes without coordinates of the sky."""
    from astropy.visualization.wcsaxes import WCSAxes

    if axes is not None and not isinstance(axes, WCSAxes):
        given = "plain axes of matplotlib" if hasattr(axes, "plot") else shown(axes)
        raise TypeError(
            f"axes is {given}, but has to be axes with coordinates, such as plt.subplot(projection=cube[0])"
        )


def plain_limits(given: Mapping[str, Any], unit: u.UnitBase | None) -> dict[str, Any]:
    """
    Keywords of matplotlib with limits as numbers in a unit.

    Raises
    ------
    TypeError, ValueError, ~astropy.units.UnitConversionError
        When a limit is no number, the lower is not below the upper, or its unit is another.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    for name in ("vmin", "vmax"):
        if name not in chosen:
            continue
        try:
            limit = u.Quantity(chosen[name])
            own = u.one if unit is None else unit
            value = limit.to_value(own) if isinstance(chosen[name], u.Quantity) else limit.to_value(u.one)
        except u.UnitConversionError as e:
            expected = "a number" if own == u.one else f"in {own}"
            raise u.UnitConversionError(
                f"{name} is {inert(chosen[name], 60)}, but has to be {expected}"
            ) from e
        except (TypeError, ValueError) as e:
            raise TypeError(f"{name} is {shown(chosen[name])}, but has to be a number or a Quantity") from e
        if np.shape(value) != () or not np.isfinite(value):
            raise ValueError(f"{name} is {shown(chosen[name])}, but has to be one finite number")
        chosen[name] = float(value)
    if {"vmin", "vmax"} <= chosen.keys() and not chosen["vmin"] < chosen["vmax"]:
        raise ValueError(
            f"vmin is {chosen['vmin']:g} and vmax {chosen['vmax']:g}, but vmin has to be lower; swap the two"
        )
    return chosen


def positive(name: str, value: Any, example: str) -> float:
    """A value that is one positive number."""
    try:
        number = float(value)
    except (TypeError, ValueError, u.UnitsError):
        number = np.nan
    if not 0 < number < np.inf:
        raise ValueError(f"{name} is {shown(value)}, but has to be a positive number, such as {example}")
    return number


def percentiles(clip_interval: Any) -> tuple[float, float] | None:
    """Two percentiles, checked; `None` for none."""
    if clip_interval is None:
        return None
    expected = "has to be two percentages, such as (1, 99.5) * u.percent"
    try:
        low, high = u.Quantity(clip_interval).to_value(u.percent)
    except (TypeError, ValueError, u.UnitsError) as e:
        raise ValueError(f"clip_interval is {shown(clip_interval)}, but {expected}") from e
    if not 0 <= low < high <= 100:
        raise ValueError(f"clip_interval is {shown(clip_interval)}, but {expected}")
    return float(low), float(high)


def values_drawn(cube: Any) -> np.ndarray:
    """The values of a computed cube that are drawn; what is masked is missing."""
    return np.ma.filled(np.ma.masked_array(np.asarray(cube.data, float), cube.mask), np.nan)


def clip(norm: Any, values: np.ndarray, interval: tuple[float, float]) -> None:
    """Set the limits of a norm to percentiles of the finite values."""
    finite = values[np.isfinite(values)]
    if finite.size:
        norm.vmin, norm.vmax = AsymmetricPercentileInterval(*interval).get_limits(finite)


def label_axes(axes: Any, wcs: WCS) -> None:
    """Label axes as sunpy does those of a Map, with their units."""
    from sunpy.visualization import axis_labels_from_ctype

    for axis, ctype in zip(axes.coords, wcs.wcs.ctype, strict=False):
        axis.set_axislabel(axis_labels_from_ctype(ctype, str(axis.get_format_unit())))


def hide_fixed_place(axes: Any, wcs: Any) -> None:
    """Hide the labels of the latitude of a row or the longitude of a column, which astropy writes over the title."""
    fixed = [
        np.ndim(one) == 0 and not isinstance(one, slice) for one in getattr(wcs, "_slices_array", ())[-2:]
    ]
    if fixed.count(True) != 1 or not hasattr(axes, "coords"):
        return
    hidden = axes.coords[1 if fixed[0] else 0]
    hidden.set_ticks_visible(False)
    hidden.set_ticklabel_visible(False)
    hidden.set_axislabel(" ")


def draw_bar(axes: Any, label: str, **options: Any) -> Any:
    """
    Draw the colour bar of the last image of axes, as high as the image.

    Parameters
    ----------
    axes
        With an image.
    label
        Of the bar.
    **options
        As for `matplotlib.figure.Figure.colorbar`.
    """
    from matplotlib.colorbar import make_axes, make_axes_gridspec
    from matplotlib.transforms import Bbox

    def beside(bar_axes: Any, _: Any) -> Bbox:
        axes.apply_aspect()
        image, given = axes.get_position(), bar_axes.get_position(original=True)
        return Bbox.from_extents(given.x0, image.y0, given.x1, image.y1)

    image = axes.images[-1]
    engine = axes.figure.get_layout_engine()
    in_grid = axes.get_subplotspec() is not None and (engine is None or engine.colorbar_gridspec)
    bar_axes, _ = make_axes_gridspec(axes) if in_grid else make_axes(axes)
    bar_axes.set_axes_locator(beside)
    bar = axes.figure.colorbar(image, cax=bar_axes, **ticks_of_stretch(image.norm) | options)
    bar.set_label(label, **PLAIN)
    return bar


def ticks_of_stretch(norm: Any) -> dict[str, Any]:
    """Keywords of a colour bar: round values at even distances, where a stretch is not linear; else matplotlib's do."""
    if not isinstance(norm, ImageNormalize) or isinstance(norm.stretch, LinearStretch):
        return {}
    values = norm.inverse(np.linspace(0, 1, _N_TICKS))
    return {"ticks": np.unique([float(f"{value:.2g}") for value in values]), "format": "%g"}


def draw_on_sun(
    axes: Any, wcs: WCS, *, limb: dict[str, Any] | None, grid: dict[str, Any] | None, color: str
) -> None:
    """
    Draw the limb and a heliographic grid.

    Parameters
    ----------
    axes, wcs
        Of the image.
    limb, grid
        See `line_options`.
    color
        Of the lines by default.

    Raises
    ------
    ValueError
        When the coordinates have no observer.
    """
    if limb is None and grid is None:
        return
    from sunpy.visualization import drawing
    from sunpy.visualization.wcsaxes_compat import wcsaxes_heliographic_overlay

    frame = wcs_to_celestial_frame(wcs)
    observer, radius = getattr(frame, "observer", None), getattr(frame, "rsun", None)
    if not hasattr(observer, "lon"):
        raise ValueError(
            f"limb and grid are those that an observer sees, but the coordinates, {type(frame).__name__}, have none; "
            "add the observer's place to the header (HGLN_OBS, HGLT_OBS, DSUN_OBS)"
        )
    observer = SkyCoord(observer)
    limits = axes.get_xlim(), axes.get_ylim()
    if limb is not None:
        drawing.limb(axes, observer, rsun=radius, **({"color": color} | limb))
    if grid is not None:
        options = {"grid_spacing": 15 * u.deg, "annotate": False, "color": color, "alpha": 0.6} | grid
        wcsaxes_heliographic_overlay(axes, obstime=frame.obstime, observer=observer, rsun=radius, **options)
    axes.set(xlim=limits[0], ylim=limits[1])


def line_options(name: str, value: Any) -> dict[str, Any] | None:
    """
    Keywords of the limb or the grid; `None` if it is not to be drawn.

    Parameters
    ----------
    name
        Of the option.
    value
        A flag, or keywords of `sunpy.visualization.drawing.limb` or of `sunpy.map.GenericMap.draw_grid`.
    """
    if isinstance(value, Mapping):
        return dict(value)
    try:
        return {} if flag(name, value) else None
    except TypeError:
        raise TypeError(
            f"{name} is {shown(value)}, but has to be True, False, or keywords of the line such as {{'color': 'black'}}"
        ) from None
