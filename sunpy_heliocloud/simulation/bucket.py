"""A HelioCloud bucket full of simulated images, with the oddities of the real one."""

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

import astropy.units as u
from astropy.table import QTable
from astropy.time import Time

from sunpy_heliocloud.arguments import mapping, moment, shown
from sunpy_heliocloud.io.filesystem import filesystem
from .arguments import fraction_or_indices, image_shape, span, text, whole
from .compressed import fits_file
from .documents import INDEX_FOLDER, REGISTRY_KEY, documents
from .frames import CHANNEL_OFFSETS, Frame, frames_of_channel, nominal_times
from .sun import NOMINAL_EXPOSURE, SimulatedSun, check_channel

__all__ = ["SimulatedBucket", "write_bucket"]

HELIOCLOUD = "s3://gov-nasa-hdrl-data1/"
RECORD_OFFSET = 23 * u.s  # of T_REC after the file name
_THREADS = 3


@dataclass(frozen=True)
class SimulatedBucket:
    """
    What `write_bucket` wrote.

    Attributes
    ----------
    url
        Of the bucket, with ``/`` at the end.
    registry_url
        Of its registry, on the filesystem of ``url``.
    frames
        A row for each file, in order of channel and time: ``wavelength``, ``time`` (midpoint of the
        exposure), ``exposure_time``, ``quality``, ``url`` (where it was written), ``datakey`` (what the
        index calls it) and ``size``.

    Examples
    --------
    >>> bucket = write_bucket("a_folder", n_frames=3, shape=(40, 40))
    >>> len(bucket.frames)
    6
    """

    url: str
    registry_url: str
    frames: QTable

    @property
    def size(self) -> u.Quantity[u.byte]:
        """
        Bytes of all images.

        Examples
        --------
        >>> write_bucket("a_folder", n_frames=3, shape=(40, 40)).size.unit
        Unit("byte")
        """
        return self.frames["size"].sum()

    def urls(self, channel: int) -> list[str]:
        """
        Where the images of one channel were written, in time order.

        Parameters
        ----------
        channel
            Wavelength in angstrom.

        Returns
        -------
        list of str

        Examples
        --------
        >>> len(write_bucket("a_folder", n_frames=3, shape=(40, 40)).urls(171))
        3
        """
        check_channel(channel)
        return self.frames["url"][self.frames["wavelength"] == channel * u.angstrom].tolist()


def write_bucket(
    url: str,
    sun: SimulatedSun | None = None,
    *,
    channels: Sequence[int] = (193, 171),
    start: Time | str | None = None,
    n_frames: int = 180,
    cadence: u.Quantity[u.s] = 240 * u.s,
    shape: tuple[int, int] = (5000, 5000),
    exposure: u.Quantity[u.s] = NOMINAL_EXPOSURE,
    exposure_jitter: u.Quantity[u.s] = 0.0006 * u.s,
    time_offsets: Mapping[int, float] = CHANNEL_OFFSETS,
    time_jitter: u.Quantity[u.s] = 0.05 * u.s,
    gaps: float | Sequence[int] = 0.0,
    bad_quality: float | Sequence[int] = 0.0,
    served_as: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    processes: int = 1,
) -> SimulatedBucket:
    """
    Write a HelioCloud bucket of a simulated Sun: images, an index a year and channel, catalogue and registry.

    Images are RICE-compressed by rows in the second HDU, as in the real bucket. The catalogue and the index
    have the real ones' oddities too: rows in no order of time, a header line that begins with ``#``, a
    ``stop`` that lies before the data, a ``modification`` that is no time.

    Parameters
    ----------
    url
        A bucket or folder, ``s3://`` or local.
    sun
        What is seen. Default: ``SimulatedSun()``.
    channels
        Wavelengths in angstrom, of those in ``CHANNEL_DELAYS``.
    start
        Nominal time of the first frame, which is in its file name. Default: so that the frames lie about the
        Sun's ``time``, on whole multiples of the cadence.
    n_frames
        Number of frames of each channel, gaps included.
    cadence
        Between nominal times.
    shape
        Pixels in y and x; see `SimulatedSun.frame`.
    exposure, exposure_jitter
        Mean and standard deviation of the exposure times.
    time_offsets
        Seconds from the nominal time to the midpoint of the exposure, by channel.
    time_jitter
        Standard deviation of that.
    gaps
        Frames that are missing: a fraction, drawn for each channel, or indices, the same for all.
    bad_quality
        Frames with a non-zero ``QUALITY`` and their upper third missing, given like ``gaps``.
    served_as
        Bucket that catalogue and index speak of. Default: ``url`` if that is on S3, else HelioCloud's own,
        for a folder that `LocalServer.upload` is to serve.
    storage_options
        For `s3fs.S3FileSystem`. To write to a `LocalServer`, its
        `~sunpy_heliocloud.simulation.LocalServer.storage_options`.
    processes
        How many processes make images. With more than one, a script has to call this below
        ``if __name__ == "__main__":``.

    Returns
    -------
    SimulatedBucket

    Raises
    ------
    ValueError
        If a channel is none of those that are simulated.

    Examples
    --------
    >>> from sunpy_heliocloud.simulation import write_bucket
    >>> bucket = write_bucket("a_folder", n_frames=3, shape=(250, 250))  # doctest: +SKIP
    """
    sun = SimulatedSun() if sun is None else sun
    if not isinstance(sun, SimulatedSun):
        raise TypeError(f"sun is {shown(sun)}, but has to be a SimulatedSun, such as SimulatedSun(seed=3)")
    url = text("url", os.fspath(url) if isinstance(url, os.PathLike) else url, "a_folder").rstrip("/") + "/"
    shape, cadence = image_shape(shape), span("cadence", cadence, "4 * u.min", zero=False)
    exposure = span("exposure", exposure, zero=False)
    exposure_jitter = span("exposure_jitter", exposure_jitter, "0.01 * u.s")
    time_jitter = span("time_jitter", time_jitter, "0.05 * u.s")
    start = None if start is None else moment("start", start)
    channels = _checked_channels(channels, mapping("time_offsets", time_offsets, "{171: 10.0}"))
    gaps, bad_quality = fraction_or_indices("gaps", gaps), fraction_or_indices("bad_quality", bad_quality)
    whole("n_frames", n_frames, 1)
    whole("processes", processes, 1)
    mapping("storage_options", storage_options, "{'anon': False}")
    served_as = (served_as or (url if url.startswith("s3://") else HELIOCLOUD)).rstrip("/") + "/"
    labels = nominal_times(sun, start, n_frames, cadence)
    frames = [
        frame
        for channel in channels
        for frame in frames_of_channel(
            channel, labels, sun.seed, exposure, exposure_jitter, time_offsets, time_jitter, gaps, bad_quality
        )
    ]
    write = _FrameWriter(url, sun, shape, dict(storage_options or {}))
    write.make_folders(frames)
    sizes = list(
        tqdm(
            _each(write, frames, processes), total=len(frames), desc="Simulated images", unit="file", delay=5
        )
    )
    for key, document in documents(served_as, frames, sizes, sun.seed).items():
        write.put(key, document.encode())
    return SimulatedBucket(url, url + REGISTRY_KEY, _table(url, served_as, frames, sizes))


def _checked_channels(channels: Any, time_offsets: Mapping[Any, float]) -> list[int]:
    if isinstance(channels, str) or not np.iterable(channels):
        raise TypeError(f"channels are {shown(channels)}, but have to be several, such as (193, 171)")
    for channel in (channels := list(channels)):
        check_channel(channel)
        if channel not in time_offsets:
            raise ValueError(f"time_offsets is {shown(time_offsets)}, but has to have the channel {channel}")
    return channels


@dataclass(frozen=True)
class _FrameWriter:
    """Makes and writes one image; goes to other processes as its arguments."""

    url: str
    sun: SimulatedSun
    shape: tuple[int, int]
    storage_options: dict[str, Any]

    def __call__(self, frame: Frame) -> int:
        """Write a file and say how many bytes it has."""
        data, header = self.sun.frame(
            frame.channel, frame.time, frame.exposure, shape=self.shape, quality=frame.quality
        )
        header["FILENAME"] = frame.name
        header["T_REC"] = (frame.label + RECORD_OFFSET).strftime("%Y.%m.%d_%H:%M:%S.000_UTC")
        file = fits_file(data, header)
        self.put(frame.key, file)
        return len(file)

    def put(self, key: str, data: bytes) -> None:
        files, path = filesystem(self.url + key, self.storage_options)
        files.pipe_file(path, data)

    def make_folders(self, frames: list[Frame]) -> None:
        """Local filesystems want folders; S3 has none."""
        if not self.url.startswith("s3://"):
            for folder in {frame.key.rpartition("/")[0] for frame in frames} | {INDEX_FOLDER}:
                files, path = filesystem(self.url + folder)
                files.makedirs(path, exist_ok=True)


def _each(write: _FrameWriter, frames: list[Frame], processes: int) -> Iterator[int]:
    if processes == 1:
        # Painting releases the interpreter's lock.
        with ThreadPoolExecutor(_THREADS) as pool:
            yield from pool.map(write, frames)
        return
    # Forking a process with threads, such as those of s3fs, may hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        yield from pool.map(write, frames, chunksize=4)


def _table(url: str, served_as: str, frames: list[Frame], sizes: list[int]) -> QTable:
    return QTable(
        {
            "wavelength": [frame.channel for frame in frames] * u.angstrom,
            "time": Time([frame.time for frame in frames]),
            "exposure_time": u.Quantity([frame.exposure for frame in frames]),
            "quality": [frame.quality for frame in frames],
            "url": [url + frame.key for frame in frames],
            "datakey": [served_as + frame.key for frame in frames],
            "size": u.Quantity(sizes, u.byte, dtype=int),
        }
    )
