"""Several channels at once: cubes on one grid and at the same times, and the time lags of all pairs of them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Unpack

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy.map import GenericMap

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.coordinates import times as time_grid
from sunpy_heliocloud.cube import TimeLagCube
from sunpy_heliocloud.lags.arguments import Options
from sunpy_heliocloud.lags.collection import LagMapCollection
from sunpy_heliocloud.lags.comparison import Comparison
from sunpy_heliocloud.lags.results import maps_of_maxima
from sunpy_heliocloud.lazy.strips import shared_by
from sunpy_heliocloud.sequence import LazyMapSequence
from sunpy_heliocloud.store.collection import StoredCollection

__all__ = ["CubeCollection", "aligned_cubes", "time_lag_pairs"]

# AIA's channels by the temperature that they see in an active region.
_HOT_FIRST = (94, 335, 211, 193, 171, 131)
# Steps of new times by which channels may differ that begin or end together.
_TOGETHER = 2


class CubeCollection(StoredCollection):
    """
    An `ndcube.NDCollection` of `.TimeLagCube` objects that can be saved and loaded, made by `aligned_cubes`.

    Examples
    --------
    >>> cubes = sunpy_heliocloud.aligned_cubes(found, ref_map, cadence=4 * u.min)
    >>> sorted(cubes)
    ['171', '193']
    >>> cubes["193"].shape == cubes["171"].shape
    True
    """

    _member = TimeLagCube


def aligned_cubes(source: Any, ref_map: GenericMap, *, cadence: u.Quantity) -> CubeCollection:
    """
    A cube for each channel of a search, derotated to one map and resampled to times on one grid.

    Parameters
    ----------
    source
        A `.LazyMapSequence`, or whatever one can be made of: a Fido response of several channels, for instance.
    ref_map
        The map whose grid, observer and time the frames are brought to, see `.TimeLagCube.derotate_to`.
    cadence
        Of the new times, which lie on whole multiples of it. Channels that begin, or end, within two steps of each other
        begin, or end, together. One that begins later or ends earlier has its own times, and shortens no other.

    Returns
    -------
    CubeCollection
        An `ndcube.NDCollection` of lazy `.TimeLagCube` objects on the same grid, by wavelength in angstrom:
        ``cubes["193"]``; by name, such as ``cubes["Hinode XRT Al poly-Open"]``, where a channel has no wavelength.
        Their axes are all aligned if they have the same times, else those of space.

    Raises
    ------
    ValueError
        When there are no frames, two channels of the same wavelength, or no new time within those of a channel.

    Examples
    --------
    >>> cubes = sunpy_heliocloud.aligned_cubes(found, ref_map, cadence=4 * u.min)
    >>> type(cubes["171"]).__name__
    'TimeLagCube'
    """
    cadence, _ = time_grid.asked_times(cadence, None, None, None)
    sequence = source if isinstance(source, LazyMapSequence) else LazyMapSequence(source)
    channels = sequence.split()
    if not channels:
        raise ValueError(
            "there are no frames to align: the search found nothing, or a selection kept nothing"
        )
    keys = [_key(part) for part in channels]
    if len(set(keys)) < len(keys):
        raise ValueError(
            f"channels are told apart by wavelength, but these are {', '.join(map(repr, channels))}"
        )
    spans = _spans([part.times for part in channels], cadence)
    with shared_by(len(channels)):
        cubes = [
            part.to_cube().derotate_to(ref_map).resample_time(cadence, start=start, stop=stop)
            for part, (start, stop) in zip(channels, spans, strict=True)
        ]
    same_times = len({cube.shape[0] for cube in cubes}) == 1
    return CubeCollection(list(zip(keys, cubes, strict=True)), aligned_axes="all" if same_times else (1, 2))


def _spans(times: Sequence[Time], cadence: u.Quantity) -> list[tuple[Time, Time]]:
    """First and last time of each channel: those of all that begin or end no more than some steps later or earlier."""
    # Where frames are averaged, the steps of the new times have to be covered.
    margins = [time_grid.margin_of_means(time_grid.cadence_of(one), cadence) for one in times]
    epoch = times[0][0]
    first, last = (
        np.array(
            [
                (one[end] - epoch).to_value(u.s) + sign * margin.to_value(u.s)
                for one, margin in zip(times, margins, strict=True)
            ]
        )
        for end, sign in ((0, 1), (-1, -1))
    )
    near = _TOGETHER * cadence.to_value(u.s)
    return [
        (epoch + first[first <= start + near].max() * u.s, epoch + last[last >= stop - near].min() * u.s)
        for start, stop in zip(first, last, strict=True)
    ]


def _key(channel: LazyMapSequence) -> str:
    """The wavelength in angstrom; the name of a channel that has none, as of filter wheels."""
    wavelength = channel.wavelength[0]
    has_one = np.isfinite(wavelength) and wavelength.unit.is_equivalent(u.AA)
    return f"{wavelength.to_value(u.AA):g}" if has_one else channel.name


def time_lag_pairs(
    cubes: Mapping[str, TimeLagCube] | Sequence[TimeLagCube],
    *,
    order: Sequence[Any] | None = None,
    min_correlation: float | None = None,
    refine: str | None = None,
    **options: Unpack[Options],
) -> tuple[LagMapCollection, LagMapCollection]:
    """
    The time lags of all pairs of channels, and their maximum correlations.

    Computed together, ``lags, correlations = dask.compute(lags, correlations)``, every cube is read and transformed
    once.

    Parameters
    ----------
    cubes
        Of different wavelengths, on one grid and with a common cadence; such as `aligned_cubes` gives. Each pair is
        compared over its own common times, which are in the ``meta`` of its maps.
    order
        Wavelengths (numbers are angstrom) in an order such that the first channel of a pair leads where the lag is
        positive. By default AIA's channels hot first (94, 335, 211, 193, 171, 131), so that positive means
        cooling, and other channels after them. With fewer wavelengths than cubes the others are left out.
    min_correlation, refine
        As for `.TimeLagCube.time_lag`.
    **options
        ``lag_bounds``, ``min_overlap``, ``detrend``, ``overlap_normalized``, ``at_bounds`` and ``dtype`` as for
        `.TimeLagCube.time_lag`.

    Returns
    -------
    tuple of LagMapCollection
        Lags in seconds and maximum correlations, lazy, by pair: ``lags["193-171"]``. A task holds a part of every
        cube, up to 32 MiB each.

    Raises
    ------
    ValueError
        When two cubes have the same wavelength or one has none, ``order`` names one that is not there, or grids or
        times do not match.
    TypeError
        When something is no cube, or an option is unknown.

    Examples
    --------
    >>> lags, correlations = sunpy_heliocloud.time_lag_pairs([cube_171, cube_193], lag_bounds=[-20, 20] * u.min)
    >>> list(lags)
    ['193-171']
    """
    channels = _by_wavelength(cubes)
    names = _ordered(list(channels), order)
    if len(names) < 2:
        raise ValueError(f"a pair takes two channels, but there is {', '.join(names) or 'none'}")
    some = [channels[name] for name in names]
    maps: dict[tuple[int, int], Any] = {}
    for group in _pairs_by_times(some):
        members = sorted(set().union(*group))
        comparison = Comparison([some[i] for i in members], **options)
        pairs = [(members.index(i), members.index(j)) for i, j in group]
        made = maps_of_maxima(comparison, pairs, refine=refine, min_correlation=min_correlation)
        maps |= dict(zip(group, made, strict=True))
    pairs = list(combinations(range(len(names)), 2))
    keys = [f"{names[i]}-{names[j]}" for i, j in pairs]
    lags, correlations = (
        LagMapCollection(
            [(key, maps[pair][k]) for key, pair in zip(keys, pairs, strict=True)], aligned_axes="all"
        )
        for k in range(2)
    )
    return lags, correlations


def _pairs_by_times(cubes: Sequence[TimeLagCube]) -> list[list[tuple[int, int]]]:
    """Pairs of cubes, those together that have the same times in common."""
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for i, j in combinations(range(len(cubes)), 2):
        times = np.atleast_1d(cubes[i].times)
        (own, _), _ = time_grid.common_planes(times, np.atleast_1d(cubes[j].times))
        first, last = times[own][[0, -1]]
        groups.setdefault((first.isot, last.isot), []).append((i, j))
    return list(groups.values())


def _by_wavelength(cubes: Mapping[str, TimeLagCube] | Sequence[TimeLagCube]) -> dict[str, TimeLagCube]:
    if isinstance(cubes, TimeLagCube):
        raise TypeError("time_lag_pairs takes a list of cubes, [hot, cool], but was given a single one")
    if not isinstance(cubes, (Mapping, Iterable)):
        raise TypeError(f"time_lag_pairs takes a list of cubes, [hot, cool], not {shown(cubes)}")
    several = list(cubes.values()) if isinstance(cubes, Mapping) else list(cubes)
    if others := [type(cube).__name__ for cube in several if not isinstance(cube, TimeLagCube)]:
        raise TypeError(f"time_lag_pairs takes TimeLagCube objects, not {', '.join(dict.fromkeys(others))}")
    if any(cube.wavelength is None for cube in several):
        raise ValueError(
            "channels are told apart by wavelength, but a cube has none; give it meta['wavelength']"
        )
    named = {_name(cube.wavelength): cube for cube in several}
    if len(named) < len(several):
        wavelengths = ", ".join(_name(cube.wavelength) for cube in several)
        raise ValueError(f"channels are told apart by wavelength, but these are {wavelengths}")
    return named


def _ordered(names: list[str], order: Sequence[Any] | None) -> list[str]:
    if order is None:
        hot_first = [_name(wavelength) for wavelength in _HOT_FIRST]
        known = [name for name in hot_first if name in names]
        return known + [name for name in names if name not in known]
    if isinstance(order, str) or not isinstance(order, Iterable):
        raise TypeError(f"order is {shown(order)}, but has to be a list of wavelengths, such as [193, 171]")
    wanted = [_name(wavelength) for wavelength in order]
    unknown = [name for name in wanted if name not in names]
    if unknown or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"order is {', '.join(wanted)}, but has to name some of {', '.join(names)}, each once"
        )
    return wanted


def _name(wavelength: Any) -> str:
    try:
        return f"{u.Quantity(wavelength, u.AA).to_value(u.AA):g}"
    except (TypeError, ValueError) as e:
        raise ValueError(f"{shown(wavelength)} is no wavelength, such as 171 or 17.1 * u.nm") from e
