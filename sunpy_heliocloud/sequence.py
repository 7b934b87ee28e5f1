"""LazyMapSequence: a sequence of frames as Maps or as a cube."""

import copy
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any, Self

import numpy as np
from tqdm.auto import tqdm

import astropy.units as u
from astropy.table import QTable, Table
from astropy.time import Time

from sunpy import log
from sunpy.map import GenericMap, Map
from sunpy.time import parse_time
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.coordinates.stack import StackWCS
from sunpy_heliocloud.cube import TimeLagCube, merged
from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.checksums import verify_file
from sunpy_heliocloud.io.frame import FITSFrame, Frame
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.estimate import Estimate, estimate
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.lazy.layers import joint_token
from sunpy_heliocloud.lazy.losses import lost_frames
from sunpy_heliocloud.lazy.recipe import Recipe
from sunpy_heliocloud.lazy.sources import File, accesses_of, files_of, map_frame, map_header, maps_of
from sunpy_heliocloud.lazy.steps import Apply, DivideByExposure, MaskSaturated, Plane, Step
from sunpy_heliocloud.metadata.channels import Channel, channels, difference, names_of
from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.exposure import exposure_times
from sunpy_heliocloud.metadata.header import AnyCaseHeader
from sunpy_heliocloud.metadata.maps import readable
from sunpy_heliocloud.metadata.problems import problems
from sunpy_heliocloud.metadata.saturation import saturation_level
from sunpy_heliocloud.metadata.table import header_table, is_selected, keyword_of
from sunpy_heliocloud.metadata.times import Midpoints
from sunpy_heliocloud.metadata.values import header_of_values
from sunpy_heliocloud.metadata.wcs import plane_wcs
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["LazyMapSequence"]

_FILES_AT_ONCE = 8
_BATCH = 1024  # headers that are dictionaries at a time
_SHORT_EXPOSURE = 0.5  # fraction of the median; in flares AIA's automatic exposure control is far below it

type Header = Mapping[str, Any]


class LazyMapSequence:
    """
    Images that follow each other in time, of which only the headers are read.

    Parameters
    ----------
    source
        The result of `sunpy.net.Fido` (a response or one of its tables, of one or more channels), URLs or
        paths of FITS files (``s3://``, ``https://``, local), or sunpy Maps. A single URL, path or Map is also
        accepted.
    storage_options
        For `s3fs.S3FileSystem`, such as credentials; without any, S3 is read anonymously. They reach dask workers.
    errors
        ``"raise"``: a frame that cannot be read is an error that names its URL. ``"mask"``: a frame whose header
        cannot be used is left out, and of a cube one of another shape than most; one whose pixels cannot be read is
        NaN. All of them cause warnings and are in `status`.
    hdu
        Which image, where files have several of which sunpy makes a Map: the number of its HDU, counted from 0, or its
        EXTNAME. By default the one of which sunpy makes a Map; several are an error that lists them. Of gzipped files
        only the first image is found.

    Raises
    ------
    ~sunpy_heliocloud.io.ranges.ReadError
        When a header cannot be read, or does not say its time (an `OSError`).
    ValueError
        When ``source`` is a search that failed, or a table without a column ``URL``.

    Notes
    -----
    The constructor reads the first 64 kB of each file, many at once, with a progress bar if this takes long.
    Frames are put in the order of their times. Pixels are read when the data of a Map or a cube are computed.
    """

    def __init__(
        self,
        source: Any,
        *,
        storage_options: Mapping[str, Any] | None = None,
        errors: str = "raise",
        hdu: int | str | None = None,
    ) -> None:
        if errors not in ("raise", "mask"):
            raise ValueError(f"errors={errors!r} is unknown; use 'raise' or 'mask'")
        self._errors = errors
        self._opened = time.time()
        self._steps: tuple[Apply, ...] = ()
        self._applied_to: tuple[HeaderColumns, ...] = ()  # the headers at the times of these steps
        self._left_out: dict[str, str] = {}
        source = list(source) if isinstance(source, Iterator) else source
        maps = maps_of(source)
        if maps is None:
            files = files_of(source)
            limits.check("files", len(files), "The source of the sequence")
            self._frames, self._headers = self._open(files, accesses_of(files, storage_options), hdu)
        else:
            self._frames = [map_frame(m) for m in maps]
            self._headers = HeaderColumns.from_headers([map_header(m, i) for i, m in enumerate(maps)])
        self._sort()

    def _open(
        self, files: Sequence[File], accesses: Sequence[Access], hdu: int | str | None
    ) -> tuple[list[Frame], HeaderColumns]:
        urls, sizes = [file.url for file in files], [file.size for file in files]
        frames: list[Frame] = []
        headers = [HeaderColumns.from_headers([])]
        rest = iter(urls)
        with tqdm(total=len(urls), desc="Reading headers", unit="file", delay=1) as bar:
            for batch in open_frames(urls, accesses, sizes, hdu):
                opened = list(islice(rest, len(batch)))
                results = _checked(opened, batch)
                good = [result for result in results if not isinstance(result, ReadError)]
                self._leave_out(opened, results)
                frames += [frame for frame, _ in good]
                headers.append(HeaderColumns.from_headers([header for _, header in good]))
                bar.update(len(batch))
        if self._left_out:
            warn_user(f"{len(self._left_out)} of {len(urls)} frames are left out, see .status", stacklevel=3)
        return frames, HeaderColumns.concatenate(headers)

    def _leave_out(self, urls: Sequence[str], results: Sequence[Any]) -> None:
        """Record the frames that cannot be used; or raise the error of the first."""
        for url, result in zip(urls, results, strict=True):
            if isinstance(result, ReadError):
                if self._errors == "raise":
                    raise result
                self._left_out[url] = str(result)

    def _ask_headers[T](self, ask: Callable[[Sequence[Header]], T]) -> tuple[T, np.ndarray]:
        """
        The results of a function for the headers, with their frames; frames whose header it cannot use are
        left out.

        Headers are checked when they are read, but sunpy uses more keywords than can be checked for each
        header.
        """
        try:
            return ask(self._headers), np.arange(len(self._frames))
        except Exception as error:
            results = [
                attempt(f"The header of {frame.url} cannot be used", partial(ask, self._headers[i : i + 1]))
                for i, frame in enumerate(self._frames)
            ]
            good = np.array([i for i, result in enumerate(results) if not isinstance(result, ReadError)], int)
            if len(good) == len(results):  # the cause is not a single frame
                raise error
        self._leave_out(self.urls, results)
        return ask(self._headers[good]), good

    def _sort(self) -> None:
        """Find each frame's time and channel, and put the frames in the order of time."""
        (times, dated, found), good = self._ask_headers(
            lambda headers: ((when := Midpoints(headers)).times, when.without_time_of_day, channels(headers))
        )
        if dated:
            warn_user(
                f"{len(dated)} of {len(self._frames)} frames have a date without a time of day, and sunpy's Map does not "
                "read the keyword TIME-OBS beside it; add it to the date with update_headers",
                stacklevel=3,
            )
        order = np.argsort(times.jd, kind="stable")
        self._pick_frames(good[order])
        self._times = times[order]
        self._channels = [found[i] for i in order]
        self._name = ""

    # ---- a sequence

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[GenericMap]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, item: Any) -> "GenericMap | LazyMapSequence":
        """An integer gives a Map on a lazy array; a slice, a mask or several indices a sequence."""
        if np.ndim(item) or not isinstance(item, (int, np.integer, np.ndarray)):
            return self._picked(np.arange(len(self))[item])
        if not -len(self) <= item < len(self):
            raise IndexError(f"there is no frame {item} in a sequence of {len(self)}")
        item = int(item)
        frame, header = self._frames[item], self._headers[item]
        # Functions are given floats, and integers have no NaN for pixels that cannot be read.
        as_float = self._steps or self._errors == "mask"
        dtype = np.result_type(frame.dtype, np.float32) if as_float else frame.dtype
        recipe = Recipe.whole(self._planes(np.array([item])), dtype, steps=self._steps, errors=self._errors)
        return Map(FrameArray(recipe)[0], readable(header))

    def _picked(self, indices: np.ndarray) -> Self:
        picked = copy.copy(self)
        picked._pick_frames(indices)
        picked._channels = [self._channels[i] for i in indices]
        picked._times = self._times[indices]
        return picked

    def _pick_frames(self, indices: np.ndarray) -> None:
        """Keep these frames and their headers, in this order."""
        self._frames = [self._frames[i] for i in indices]
        picked = {id(headers): headers[indices] for headers in (self._headers, *self._applied_to)}
        self._applied_to = tuple(picked[id(headers)] for headers in self._applied_to)
        self._headers = picked[id(self._headers)]

    def _planes(self, indices: np.ndarray, keys: Sequence[str] | None = None) -> list[Plane]:
        """The data of frames that tasks need; headers only if a function uses them."""
        exposures = exposure_times(self._headers[indices]).tolist()
        frames = [self._frames[i] for i in indices]
        versions = [list(headers[indices]) for headers in self._applied_to]
        headers = list(zip(*versions, strict=True)) if versions else [()] * len(indices)
        keys = [""] * len(indices) if keys is None else keys
        return [Plane(*parts) for parts in zip(frames, exposures, headers, keys, strict=True)]

    def nearest(self, time: Any) -> GenericMap:
        """
        The Map whose time is nearest.

        Parameters
        ----------
        time
            Anything that `sunpy.time.parse_time` takes.

        Returns
        -------
        `sunpy.map.GenericMap`
            On a lazy array.
        """
        self._require_frames()
        time = parse_time(time)
        if not time.isscalar:
            raise ValueError(f"nearest is for one time, not for {time.size}; take them one by one")
        return self[int(np.argmin(np.abs((self._times - time).to_value(u.s))))]

    def between(self, start: Any, stop: Any) -> Self:
        """
        The frames whose times are between two times; the ends are included.

        Parameters
        ----------
        start, stop
            Anything that `sunpy.time.parse_time` takes.

        Returns
        -------
        LazyMapSequence
        """
        start, stop = parse_time(start), parse_time(stop)
        if stop < start:
            raise ValueError(f"the interval ends ({stop.isot}) before it begins ({start.isot}); swap the two")
        return self._picked(np.flatnonzero((self._times >= start) & (self._times <= stop)))

    def split(self) -> list[Self]:
        """
        A sequence for each channel, in the order in which the channels first occur.

        Frames are of one channel where sunpy's Map gives them the same observatory, instrument, detector and
        measurement, and filters, polarisers, product, level and unit are the same.

        Returns
        -------
        list of LazyMapSequence
            Each has a `name`.
        """
        members: dict[Any, list[int]] = {}
        for i, channel in enumerate(self._channels):
            members.setdefault(channel.identity, []).append(i)
        parts = [self._picked(np.array(indices)) for indices in members.values()]
        names = names_of([part._channels[0] for part in parts])
        for part, name in zip(parts, names, strict=True):
            part._name = name
        return parts

    # ---- what is known from the headers

    @property
    def name(self) -> str:
        """The channel, such as ``"SOHO LASCO C2 white-light Orange Clear"``; several, separated by commas."""
        return self._name or ", ".join(dict.fromkeys(channel.name for channel in self._channels))

    @property
    def times(self) -> Time:
        """
        Midpoints of the exposures, UTC.

        T_OBS where the Map's ``reference_date`` reads it (AIA, HMI); else the Map's ``date_average``; else its
        ``date_start`` or ``date`` and half the exposure time.
        """
        return self._times

    @property
    def exposure_time(self) -> u.Quantity:
        """Of each frame; NaN where the header has none."""
        return exposure_times(self._headers) * u.s

    @property
    def wavelength(self) -> u.Quantity:
        """Of each frame."""
        wavelengths = [channel.wavelength for channel in self._channels]
        unit = next((wavelength.unit for wavelength in wavelengths if wavelength is not None), u.AA)
        values = [
            np.nan if w is None or not w.unit.is_equivalent(unit) else w.to_value(unit) for w in wavelengths
        ]
        return values * unit

    @property
    def observatory(self) -> list[str]:
        """Of each frame."""
        return [channel.observatory for channel in self._channels]

    @property
    def urls(self) -> list[str]:
        """Where each frame comes from."""
        return [frame.url for frame in self._frames]

    @property
    def table(self) -> QTable:
        """The header keywords of all frames, a row a frame; masked where a header has no such keyword or no value."""
        return header_table(self._headers)

    @property
    def status(self) -> Table:
        """
        What became of each frame: its URL, ``"ok"``, ``"left out"`` or ``"NaN"`` (no pixels), and why.

        Left out are frames whose header cannot be used, and, of a cube, those of another shape than most.
        Whether pixels can be read is known once they have been computed, here or on the workers of the current
        `distributed.Client`.
        """
        lost = lost_frames(self.urls, since=self._opened)
        urls = [url for url in self.urls if url not in self._left_out]
        rows = [(url, "NaN", lost[url]) if url in lost else (url, "ok", "") for url in urls]
        rows += [(url, "left out", reason) for url, reason in self._left_out.items()]
        return InertTable(rows=rows, names=("url", "status", "reason"), dtype=(str, str, str))

    def verify(self) -> Table:
        """
        Read whole files, eight at a time, and compare them with CHECKSUM and DATASUM of their HDUs.

        Damage that leaves a valid file, such as a changed bit in pixels that are not compressed, is found by these
        only. No more than a few megabytes of a file are in memory, unless it is gzipped.

        Returns
        -------
        `~astropy.table.Table`
            A row a file: ``url``; ``checksums``, how many its file has; and ``reason``, empty unless one is wrong, or
            the file cannot be read. Frames that are in memory, or a part of an image, have no row.

        Raises
        ------
        ~sunpy_heliocloud.io.ranges.ReadError
            With ``errors="raise"``, for the first frame with a ``reason``.
        """
        files = [frame for frame in self._frames if isinstance(frame, FITSFrame)]
        with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
            found = pool.map(_verified, files)
            results = list(tqdm(found, total=len(files), desc="Verifying files", unit="file", delay=1))
        rows = []
        for frame, result in zip(files, results, strict=True):
            if isinstance(result, ReadError) and self._errors == "raise":
                raise result
            rows.append(
                (frame.url, 0, str(result)) if isinstance(result, ReadError) else (frame.url, result, "")
            )
        return InertTable(rows=rows, names=("url", "checksums", "reason"), dtype=(str, int, str))

    # ---- what can be changed

    def select(self, **keywords: Any) -> Self:
        """
        Keep the frames whose headers meet conditions; how many are dropped is logged.

        Parameters
        ----------
        **keywords
            By header keyword, in any case, ``_`` standing for ``-``: a value (``quality=0``), a function of the
            value (``exptime=lambda t: t > 1``), a range ``(low, high)`` with both ends, or a list or set of values.
            Frames without the keyword are dropped.

        Returns
        -------
        LazyMapSequence

        Raises
        ------
        KeyError
            When no frame has such a keyword.
        TypeError
            When a condition has a unit.
        """
        if not len(self):
            return self
        keep = np.ones(len(self), dtype=bool)
        for name, condition in keywords.items():
            if isinstance(condition, u.Quantity):
                raise TypeError(
                    f"header values have no units, but {name}={condition}; give {condition.value:g}"
                )
            keyword = keyword_of(self._headers, name)
            keep &= [is_selected(value, condition) for value in self._headers.column(keyword)]
        conditions = ", ".join(f"{name}={condition!r}" for name, condition in keywords.items())
        log.info(f"{np.count_nonzero(~keep)} of {len(self)} frames dropped by {inert(conditions)}")
        return self._picked(np.flatnonzero(keep))

    def update_headers(self, function: Callable[[dict[str, Any]], Header]) -> Self:
        """
        Change headers, at once: a better pointing, for example.

        Parameters
        ----------
        function
            Takes a copy of a header, with keywords in any case, and returns the new one. Scalars of numpy count as
            their values, Quantities as those in the unit of the keyword.

        Returns
        -------
        LazyMapSequence
            With times and coordinates of the new headers. Functions that were applied before see the old ones.

        Raises
        ------
        TypeError, ValueError
            When something cannot be a value of a header, or the size of the image changes; the message names the
            keyword and the file.
        """
        updated = copy.copy(self)
        batches = []
        for i in range(0, len(self), _BATCH):
            pairs = zip(self._headers[i : i + _BATCH], self._frames[i : i + _BATCH], strict=True)
            batches.append(HeaderColumns.from_headers([_updated(*pair, function) for pair in pairs]))
        updated._headers = HeaderColumns.concatenate([HeaderColumns.from_headers([]), *batches])
        updated._sort()
        return updated

    def apply(
        self,
        function: Callable[[np.ndarray, dict[str, Any]], np.ndarray],
        *,
        pointwise: bool = False,
        header: Callable[[dict[str, Any]], Header] | None = None,
    ) -> Self:
        """
        Calibrate pixels with a function, when they are read.

        Parameters
        ----------
        function
            ``(data, header) -> data`` of the same shape; it runs in dask tasks, on workers too. It is given a copy
            of the data as floats, and what it returns is taken in the same precision. Its header has keywords in any
            case, and is that of now: later updates do not reach it.
        pointwise
            Whether it treats each pixel by itself. Then it is given the rows that are needed, and only they are
            read. Otherwise it sees whole images.
        header
            What the same step does to headers, at once, see `update_headers`; the function is given those from
            before. Registration to a common pointing changes both, for example.

        Returns
        -------
        LazyMapSequence
        """
        applied = copy.copy(self)
        if not self._applied_to or self._applied_to[-1] is not self._headers:
            applied._applied_to = (*self._applied_to, self._headers)
        applied._steps = (*self._steps, Apply(function, pointwise, len(applied._applied_to) - 1))
        return applied if header is None else applied.update_headers(header)

    # ---- the cube

    def to_cube(
        self, *, normalize: bool = True, saturation: float | u.Quantity | str | None = None
    ) -> TimeLagCube:
        """
        Stack the frames of one channel.

        Parameters
        ----------
        normalize
            Divide counts by the exposure time. Data that are no counts, or rates already, or that have no exposure
            time, are left alone; ``meta["normalization"]`` says what was done.
        saturation
            Counts, as they are stored: pixels at or above it are NaN, before anything else is done to them. They are
            counted in the column ``saturated`` of `TimeLagCube.frames` when they are read. In flares saturated pixels
            give false lags. ``"auto"``: the instrument's level, where it is known (AIA); ``meta["saturation"]`` says
            which and its source.

        Returns
        -------
        TimeLagCube
            Shape ``(n, ny, nx)``, float32, lazy, with coordinates of its own for each plane. A unit that cannot be
            read is `None`; its text is in ``meta["bunit"]``.

        Raises
        ------
        ValueError
            When there are no frames, or frames of several channels, units or shapes, or of the same time.

        Warns
        -----
        ~sunpy.util.exceptions.SunpyUserWarning
            When frames have a non-zero QUALITY, an exposure time under half the median, or none to divide by; or a
            unit that cannot be read.
        """
        frames = self._of_one_shape()
        cube = frames._to_cube(normalize=normalize, saturation=saturation)
        frames._warn_of(cube)
        return cube

    def derotate_to(
        self,
        ref_map: GenericMap,
        *,
        normalize: bool = True,
        saturation: float | u.Quantity | str | None = None,
        **options: Any,
    ) -> TimeLagCube:
        """
        Stack the frames of one channel and derotate them: ``to_cube().derotate_to(ref_map)``.

        Frames may have shapes and scales of their own.

        Parameters
        ----------
        ref_map
            See `TimeLagCube.derotate_to`.
        normalize, saturation
            See `to_cube`.
        **options
            As for `TimeLagCube.derotate_to`.

        Returns
        -------
        TimeLagCube

        Raises
        ------
        ValueError
            See `to_cube` and `TimeLagCube.derotate_to`.
        """
        cube = self._derotated(ref_map, normalize=normalize, saturation=saturation, **options)
        self._warn_of(cube)
        return cube

    def _derotated(
        self, ref_map: GenericMap, *, normalize: bool = True, saturation: Any = None, **options: Any
    ) -> TimeLagCube:
        self._one_channel()
        members: dict[tuple[int, int], list[int]] = {}
        for i, frame in enumerate(self._frames):
            members.setdefault(frame.shape, []).append(i)
        cubes = [
            self._picked(np.array(indices))
            ._to_cube(normalize=normalize, saturation=saturation)
            .derotate_to(ref_map, **options)
            for indices in members.values()
        ]
        return merged(cubes)

    def _warn_of(self, cube: TimeLagCube) -> None:
        if bunit := cube.meta.get("bunit"):
            warn_user(
                f"The unit {inert(bunit)!r} cannot be read: the cube has none, and its meta['bunit'] the text",
                stacklevel=3,
            )
        self._warn_of_quality()

    def _of_one_shape(self) -> Self:
        """With ``errors="mask"``, the frames of a channel that have the shape that most of them have."""
        shapes = Counter(frame.shape for frame in self._frames)
        if self._errors == "raise" or len(shapes) < 2 or len(self._channels_found()) > 1:
            return self
        ((shape, _),) = shapes.most_common(1)
        for frame in self._frames:
            if frame.shape != shape:
                self._left_out[frame.url] = (
                    f"{frame.url} has {_by(frame.shape)} pixels, but most frames of the cube have {_by(shape)}"
                )
        warn_user(
            f"{len(self) - shapes[shape]} of {len(self)} frames have another shape than most and are left out of the "
            "cube, see .status",
            stacklevel=4,
        )
        return self._picked(np.array([i for i, frame in enumerate(self._frames) if frame.shape == shape]))

    def _to_cube(self, *, normalize: bool = True, saturation: Any = None) -> TimeLagCube:
        channel = self._one_channel()
        self._require_one_shape()
        planes_wcs, good = self._ask_headers(plane_wcs)
        if len(good) < len(self):
            return self._picked(good)._to_cube(normalize=normalize, saturation=saturation)
        steps, unit, normalization = (
            self._normalization(channel) if normalize else ((), channel.unit, "not asked for")
        )
        meta = {
            "wavelength": channel.wavelength,
            "observatory": channel.observatory,
            "instrument": channel.instrument,
            "normalization": normalization,
            "frames": self._frame_list(),
        }
        everything, keys = np.arange(len(self)), None
        first: tuple[Step, ...] = ()
        if saturation is not None:
            level, meta["saturation"] = saturation_level(channel, saturation)
            first = (MaskSaturated(level),)
            token = f"{joint_token(self._planes(everything))} {level}"
            meta["frames"].meta["saturation"] = (token,)
            keys = [f"{token} {time}" for time in self._times.isot]
        planes = self._planes(everything, keys)
        steps = (*first, *self._steps, *steps)
        recipe = Recipe.whole(planes, np.float32, steps=steps, errors=self._errors)
        if channel.bunit:
            meta["bunit"] = channel.bunit
        wcs = StackWCS(planes_wcs, self._times)
        return TimeLagCube(FrameArray(recipe), wcs=wcs, unit=unit, meta=meta)

    def estimate(self, ref_map: GenericMap) -> Estimate:
        """
        What it will cost to derotate the frames to a map: ``to_cube().derotate_to(ref_map)`` for each channel.

        Parameters
        ----------
        ref_map
            See `TimeLagCube.derotate_to`.

        Returns
        -------
        Estimate
            Frames, requests, bytes, memory of a worker and tasks. Nothing is read for it. It takes 20 ms for each
            of at most 24 frames of a channel.
        """
        cubes = [channel._derotated(ref_map) for channel in self.split()]
        return sum((estimate(cube.data) for cube in cubes), Estimate(0, 0, 0 * u.byte, 0 * u.byte, 0))

    def _channels_found(self) -> list[Channel]:
        return list({channel.identity: channel for channel in self._channels}.values())

    def _one_channel(self) -> Channel:
        self._require_frames()
        found = self._channels_found()
        if len(found) > 1:
            raise ValueError(
                f"a cube is of one channel, but the sequence has {inert(', '.join(names_of(found)))}, which differ by "
                f"{inert(difference(found))}; take them apart with split(), choose one with select(...), or use aligned_cubes"
            )
        return self._channels[0]

    def _require_one_shape(self) -> None:
        shapes = {frame.shape for frame in self._frames}
        if len(shapes) > 1:
            raise ValueError(
                f"a cube needs frames of one shape, but these have {sorted(shapes)}; choose with select(naxis1=...), "
                "or bring them to one grid with derotate_to(map)"
            )

    def _normalization(self, channel: Channel) -> tuple[tuple, u.UnitBase | None, str]:
        if not channel.is_counts:
            unit = channel.bunit or channel.unit
            return (), channel.unit, f"left alone: the unit {unit} is none of counts"
        exposures = exposure_times(self._headers)
        if not np.isfinite(exposures).any():
            return (), channel.unit, "left alone: the headers have no exposure time"
        if without := np.count_nonzero(~(exposures > 0)):
            warn_user(
                f"{without} of {len(self)} frames have no exposure time, or zero, and are NaN", stacklevel=4
            )
        return (DivideByExposure(),), channel.unit / u.s, "divided by the exposure time"

    def _frame_list(self) -> QTable:
        quality = self._headers.column("QUALITY")
        columns = {"url": self.urls, "time": self._times, "exposure_time": self.exposure_time}
        if all(isinstance(value, int) for value in quality):
            columns["quality"] = quality
        return InertTable(columns)

    def _warn_of_quality(self) -> None:
        damaged = sum(map(bool, self._headers.column("QUALITY")))
        exposures = exposure_times(self._headers)
        known = exposures[exposures > 0]
        short = np.count_nonzero(known < _SHORT_EXPOSURE * np.median(known)) if known.size else 0
        if damaged:
            warn_user(
                f"{damaged} of {len(self)} frames have a QUALITY other than 0; select(quality=0) drops them",
                stacklevel=4,
            )
        if short:
            warn_user(
                f"{short} of {len(self)} frames have an exposure time under half the median", stacklevel=4
            )

    def _require_frames(self) -> None:
        if not self._frames:
            if self._left_out:
                url, reason = next(iter(self._left_out.items()))
                raise ValueError(
                    f"all {len(self._left_out)} frames are left out, see .status; {shown_url(url)}: "
                    f"{shown_url(reason)}"
                )
            raise ValueError(
                "the sequence has no frames: the search found nothing, or a selection kept nothing"
            )

    def __repr__(self) -> str:
        if not self._frames:
            return "<LazyMapSequence: no frames>"
        channels = ", ".join(sorted(map(inert, names_of(self._channels_found()))))
        shapes = ", ".join(sorted({_by(frame.shape) for frame in self._frames}))
        return (
            f"<LazyMapSequence: {len(self)} frames of {shapes} pixels\n"
            f"  {channels}\n  {self._times[0].isot} to {self._times[-1].isot}>"
        )


def _verified(frame: FITSFrame) -> int | ReadError:
    return attempt(
        f"Could not verify {frame.url}", lambda: verify_file(frame.url, frame.access, frame.version)
    )


def _by(shape: tuple[int, int]) -> str:
    return f"{shape[0]}×{shape[1]}"


def _updated(
    header: dict[str, Any], frame: Frame, function: Callable[[dict[str, Any]], Header]
) -> dict[str, Any]:
    new = function(AnyCaseHeader(header))
    where = shown_url(frame.url)
    if not isinstance(new, Mapping):
        raise TypeError(
            f"{function!r} must return the new header, but returned {type(new).__name__} for {where}"
        )
    size = {keyword: header[keyword] for keyword in ("NAXIS", "NAXIS1", "NAXIS2")}
    updated = size | header_of_values(new, where)
    if changed := [keyword for keyword, length in size.items() if updated[keyword] != length]:
        raise ValueError(
            f"{function!r} changed {changed[0]} of {where} from {header[changed[0]]} to {updated[changed[0]]}; "
            "the image keeps its size"
        )
    return updated


def _checked(urls: Sequence[str], opened: Sequence[Any]) -> list[Any]:
    """
    Of each file the one image of which sunpy makes a Map; or an error.

    Masks without coordinates are none; of several images the caller has to choose.
    """
    candidates = [
        []
        if isinstance(result, ReadError)
        else [image[:2] for image in (result if isinstance(result, list) else [result])]
        for result in opened
    ]
    found = iter(problems([header for images in candidates for _, header in images]))
    results = []
    for url, result, images in zip(urls, opened, candidates, strict=True):
        reasons = [next(found) for _ in images]
        good = [i for i, reason in enumerate(reasons) if reason is None]
        if isinstance(result, ReadError):
            results.append(result)
        elif not good:
            results.append(
                ReadError(f"The header of {shown_url(url)} cannot be used: {shown_url(reasons[0])}")
            )
        elif len(good) > 1:
            there = ", ".join(str(result[i]) for i in good)
            results.append(
                ReadError(
                    f"{shown_url(url)} has {len(good)} images: {there}; choose one by number or name, such as "
                    f"LazyMapSequence(..., hdu={result[good[0]].number})"
                )
            )
        else:
            results.append(images[good[0]])
    return results
