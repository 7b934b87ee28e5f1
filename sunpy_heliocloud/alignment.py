"""Cubes of several channels on one grid and at the same times."""

from typing import Any

import numpy as np
from ndcube import NDCollection

import astropy.units as u

from sunpy.map import GenericMap

from sunpy_heliocloud.sequence import LazyMapSequence

__all__ = ["aligned_cubes"]


def aligned_cubes(source: Any, ref_map: GenericMap, *, cadence: u.Quantity) -> NDCollection:
    """
    A cube for each channel of a search, derotated to one map and resampled to the same times.

    Parameters
    ----------
    source
        A `LazyMapSequence`, or whatever one can be made of: a Fido response of several channels, for instance.
    ref_map
        The map whose grid, observer and time the frames are brought to, see `TimeLagCube.derotate_to`.
    cadence
        Of the new times, which lie on whole multiples of it within the times that all channels cover.

    Returns
    -------
    `ndcube.NDCollection`
        Lazy `TimeLagCube` objects of the same shape and times, by wavelength in angstrom: ``cubes["193"]``.

    Raises
    ------
    ValueError
        When there are no frames, two channels of the same wavelength, or no time that all channels cover.
    """
    sequence = source if isinstance(source, LazyMapSequence) else LazyMapSequence(source)
    channels = sequence.split()
    if not channels:
        raise ValueError(
            "there are no frames to align: the search found nothing, or a selection kept nothing"
        )
    keys = [f"{part.wavelength[0].to_value(u.AA):g}" for part in channels]
    if len(set(keys)) < len(keys):
        raise ValueError(
            f"channels are told apart by wavelength, but these are {', '.join(map(repr, channels))}"
        )
    start = np.max([part.times[0] for part in channels])
    stop = np.min([part.times[-1] for part in channels])
    cubes = [
        part.to_cube().derotate_to(ref_map).resample_time(cadence, start=start, stop=stop)
        for part in channels
    ]
    return NDCollection(list(zip(keys, cubes, strict=True)), aligned_axes="all")
