"""What makes a cube of the frames of a sequence."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import astropy.units as u
from astropy.table import QTable, vstack

from sunpy.map import GenericMap

from sunpy_heliocloud.caller import warn_caller
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.coordinates.times import joined_times
from sunpy_heliocloud.cube import TimeLagCube
from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.frames import Frames
from sunpy_heliocloud.lazy.layers import joint_token
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.sliced import joined_planes
from sunpy_heliocloud.lazy.steps import DivideByExposure, MaskSaturated, Step
from sunpy_heliocloud.metadata.channels import Channel, difference, names_of
from sunpy_heliocloud.metadata.exposure import exposure_times
from sunpy_heliocloud.metadata.frame_headers import FrameHeaders
from sunpy_heliocloud.metadata.saturation import saturation_level
from sunpy_heliocloud.metadata.wcs import plane_wcs
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["derotated", "of_distinct_times", "of_one_shape", "shape_text", "stacked", "warn_of"]

_SHORT_EXPOSURE = 0.5  # fraction of the median; in flares AIA's automatic exposure control is far below it


def stacked(frames: Frames, *, normalize: bool = True, saturation: Any = None) -> TimeLagCube:
    """The frames of one channel and shape as a cube."""
    channel = _one_channel(frames)
    _require_one_shape(frames)
    planes_wcs, good = frames.left_out.ask_headers(plane_wcs, frames.images, frames.headers)
    if len(good) < len(frames):
        return stacked(frames.picked(good), normalize=normalize, saturation=saturation)
    steps, unit, normalization = (
        _normalization(frames, channel) if normalize else ((), channel.unit, "not asked for")
    )
    meta = {
        "wavelength": channel.wavelength,
        "observatory": channel.observatory,
        "instrument": channel.instrument,
        "normalization": normalization,
        "frames": _frame_list(frames),
        "headers": FrameHeaders(frames.headers, planes_wcs, frames.times),
    }
    if frames.steps:
        names = (getattr(step.function, "__name__", repr(step.function)) for step in frames.steps)
        meta["applied"] = ", ".join(map(inert, names))
    everything, keys = np.arange(len(frames)), None
    first: tuple[Step, ...] = ()
    if saturation is not None:
        level, meta["saturation"] = saturation_level(channel, saturation)
        first = (MaskSaturated(level),)
        token = f"{joint_token(frames.planes(everything))} {level}"
        meta["frames"].meta["saturation"] = (token,)
        keys = [f"{token} {time}" for time in frames.times.isot]
    planes = frames.planes(everything, keys)
    steps = (*first, *frames.steps, *steps)
    recipe = Recipe.whole(planes, np.float32, steps=steps, errors=frames.errors)
    if channel.bunit:
        meta["bunit"] = channel.bunit
    wcs = StackWCS(planes_wcs, frames.times)
    return TimeLagCube(FrameArray(recipe), wcs=wcs, unit=unit, meta=meta)


def derotated(
    frames: Frames, ref_map: GenericMap, *, normalize: bool = True, saturation: Any = None, **options: Any
) -> TimeLagCube:
    """The frames of one channel, of any shapes, as a cube on the grid of a map."""
    _one_channel(frames)
    members: dict[tuple[int, int], list[int]] = {}
    for i, image in enumerate(frames.images):
        members.setdefault(image.shape, []).append(i)
    cubes = [
        stacked(frames.picked(np.array(indices)), normalize=normalize, saturation=saturation).derotate_to(
            ref_map, **options
        )
        for indices in members.values()
    ]
    return _merged(cubes)


def of_one_shape(frames: Frames) -> Frames:
    """With ``errors="mask"``, the frames of a channel that have the shape that most of them have."""
    shapes = Counter(image.shape for image in frames.images)
    if frames.errors == "raise" or len(shapes) < 2 or len(frames.channels_found) > 1:
        return frames
    ((shape, _),) = shapes.most_common(1)
    for image in frames.images:
        if image.shape != shape:
            frames.left_out.reasons[image.url] = (
                f"{image.url} has {shape_text(image.shape)} pixels, but most frames of the cube have {shape_text(shape)}"
            )
    warn_caller(
        f"{len(frames) - shapes[shape]} of {len(frames)} frames have another shape than most and are left out of the "
        "cube, see .status",
    )
    return frames.picked(np.array([i for i, image in enumerate(frames.images) if image.shape == shape]))


def of_distinct_times(frames: Frames) -> Frames:
    """
    Frames in the order of time, if all times differ; with ``errors="mask"``, the first of those of the same time.

    Raises
    ------
    ValueError
        With ``errors="raise"``, when frames are of the same time.
    """
    if len(frames.channels_found) > 1:
        return frames
    kept: list[int] = []
    for i, step in enumerate(np.diff(frames.times.jd1, prepend=-1) + np.diff(frames.times.jd2, prepend=-1)):
        if step > 0:
            kept.append(i)
            continue
        first, second = (shown_url(frames.images[j].url) for j in (kept[-1], i))
        reason = (
            f"frame {i} ({second}) is of the same time as frame {kept[-1]} ({first}), {frames.times[i].isot}"
        )
        if frames.errors == "raise":
            raise ValueError(
                f"a cube has one frame a time, but {reason}; drop one with select(...) or an index, or keep the first "
                "of each time with LazyMapSequence(..., errors='mask')"
            )
        frames.left_out.reasons[frames.images[i].url] = reason
    if len(kept) == len(frames):
        return frames
    warn_caller(
        f"{len(frames) - len(kept)} of {len(frames)} frames are of the time of another and are left out of the cube, "
        "see .status",
    )
    return frames.picked(np.array(kept))


def warn_of(frames: Frames, cube: TimeLagCube) -> None:
    """Warn of a unit that cannot be read, and of frames of doubtful quality."""
    if bunit := cube.meta.get("bunit"):
        warn_caller(
            f"The unit {inert(bunit)!r} cannot be read: the cube has none, and its meta['bunit'] the text",
        )
    _warn_of_quality(frames)


def shape_text(shape: tuple[int, int]) -> str:
    """A shape as messages show it."""
    return f"{shape[0]}×{shape[1]}"


def _one_channel(frames: Frames) -> Channel:
    frames.require_some()
    found = frames.channels_found
    if len(found) > 1:
        raise ValueError(
            f"a cube is of one channel, but the sequence has {inert(', '.join(names_of(found)))}, which differ by "
            f"{inert(difference(found))}; take them apart with split(), choose one with select(...), or use aligned_cubes"
        )
    return frames.channels[0]


def _require_one_shape(frames: Frames) -> None:
    shapes = {image.shape for image in frames.images}
    if len(shapes) > 1:
        raise ValueError(
            f"a cube needs frames of one shape, but these have {sorted(shapes)}; choose with select(naxis1=...), "
            "or bring them to one grid with derotate_to(map)"
        )


def _normalization(frames: Frames, channel: Channel) -> tuple[tuple, u.UnitBase | None, str]:
    if not channel.is_counts:
        if not (unit := channel.bunit) and channel.unit is None:
            return (), None, "left alone: the headers have no unit"
        unit = unit or str(channel.unit) or "dimensionless"
        return (), channel.unit, f"left alone: the unit {unit} is none of counts"
    exposures = exposure_times(frames.headers)
    if not np.isfinite(exposures).any():
        return (), channel.unit, "left alone: the headers have no exposure time"
    if without := np.count_nonzero(~(exposures > 0)):
        warn_caller(f"{without} of {len(frames)} frames have no exposure time, or zero, and are NaN")
    return (DivideByExposure(),), channel.unit / u.s, "divided by the exposure time"


def _frame_list(frames: Frames) -> QTable:
    quality = frames.headers.column("QUALITY")
    exposures = exposure_times(frames.headers) * u.s
    columns = {"url": frames.urls, "time": frames.times, "exposure_time": exposures}
    if all(isinstance(value, int) for value in quality):
        columns["quality"] = quality
    return InertTable(columns)


def _warn_of_quality(frames: Frames) -> None:
    damaged = sum(map(bool, frames.headers.column("QUALITY")))
    exposures = exposure_times(frames.headers)
    known = exposures[exposures > 0]
    short = np.count_nonzero(known < _SHORT_EXPOSURE * np.median(known)) if known.size else 0
    if damaged:
        warn_caller(
            f"{damaged} of {len(frames)} frames have a QUALITY other than 0; select(quality=0) drops them",
        )
    if short:
        warn_caller(f"{short} of {len(frames)} frames have an exposure time under half the median")


def _merged(cubes: Sequence[TimeLagCube]) -> TimeLagCube:
    """One cube of several on one grid, of the same channel and with frames, in the order of time."""
    if len(cubes) == 1:
        return cubes[0]
    times = joined_times([cube.times for cube in cubes])
    order = np.argsort(times.jd, kind="stable")
    tables = [cube.meta["frames"] for cube in cubes]
    frames = vstack(tables, metadata_conflicts="silent")[order]
    headers = FrameHeaders.merged([cube.meta["headers"] for cube in cubes])
    if tokens := [token for table in tables for token in table.meta.get("saturation", ())]:
        frames.meta["saturation"] = tuple(tokens)
    return TimeLagCube(
        joined_planes([cube.data for cube in cubes], order),
        wcs=cubes[0].wcs.low_level_wcs.with_times(times[order]),
        unit=cubes[0].unit,
        meta=cubes[0].meta | {"frames": frames, "headers": headers},
    )
