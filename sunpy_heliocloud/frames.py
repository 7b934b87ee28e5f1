"""One frame of a sequence: "give me these rows"; and many of them, read together."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from dask import is_dask_collection
from dask.base import tokenize

from astropy.io import fits

from sunpy_heliocloud.byte_ranges import ByteRange, Piece, ReadError, Version, fetch
from sunpy_heliocloud.header_cache import header_cache
from sunpy_heliocloud.headers import HeadTooShort, image_header
from sunpy_heliocloud.layout import ImageLayout, WholeFileLayout, find_image

__all__ = ["ArrayFrame", "FITSFrame", "Frame", "open_frames", "read_rows"]

# Enough for the headers and the tile table of a 5000² image; costs no more time than a kilobyte would.
_HEAD_BYTES = 65536
_FRAMES_AT_ONCE = 256

_log = logging.getLogger(__name__)


class Frame(Protocol):
    """An image that can be read in part. Making one does no I/O."""

    url: str
    shape: tuple[int, int]
    dtype: np.dtype
    storage_options: Mapping[str, Any]

    def __dask_tokenize__(self) -> str:
        """What tells its pixels from those of any other frame."""

    def byte_range(self, start: int, stop: int) -> ByteRange | None:
        """The bytes that hold these rows; `None` when the rows are in memory."""

    def decode(self, buffer: bytes, start: int, stop: int, dtype: np.dtype) -> np.ndarray:
        """Physical values of these rows, from the bytes that `byte_range` named."""


@dataclass(frozen=True, eq=False, slots=True)
class FITSFrame:
    """
    A frame in a FITS file, local or remote.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or local path.
    layout
        Where its rows are.
    storage_options
        See `sunpy_heliocloud.storage.filesystem`.
    version
        Of the file that the layout is of. Rows of another are an error.
    """

    url: str
    layout: ImageLayout
    storage_options: Mapping[str, Any]
    version: Version = Version()

    def __dask_tokenize__(self) -> str:
        if self.version.etag is None:
            return f"{self.url} {tokenize(self.layout)}"
        return f"{self.url} {self.version}"

    @property
    def shape(self) -> tuple[int, int]:
        return self.layout.shape

    @property
    def dtype(self) -> np.dtype:
        return self.layout.scaling.dtype(self.layout.dtype)

    def byte_range(self, start: int, stop: int) -> ByteRange:
        return ByteRange(self.url, *self.layout.byte_range(start, stop), version=self.version)

    def decode(self, buffer: bytes, start: int, stop: int, dtype: np.dtype) -> np.ndarray:
        return self.layout.scaling.apply(self.layout.decode(buffer, start, stop), dtype)


@dataclass(frozen=True, eq=False)
class ArrayFrame:
    """A frame that is an array already, of a Map for example; a dask array is computed in the task that needs it."""

    array: Any
    url: str = "in memory"
    storage_options: Mapping[str, Any] = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __dask_tokenize__(self) -> str:
        return f"{self.url} {tokenize(self.array)}"

    def byte_range(self, start: int, stop: int) -> None:
        return None

    def decode(self, buffer: bytes, start: int, stop: int, dtype: np.dtype) -> np.ndarray:
        rows = self.array[start:stop].astype(dtype)
        return rows.compute(scheduler="synchronous") if is_dask_collection(rows) else rows


def read_rows(
    frames: Sequence[Frame], windows: Sequence[tuple[int, int]], dtype: np.dtype
) -> Iterator[np.ndarray | ReadError]:
    """
    Read rows of several frames: their requests are under way together, and each is decoded when it is asked for.

    Decoded, an image takes many times the memory of its bytes.

    Parameters
    ----------
    frames
        Which frames.
    windows
        First row, and the one after the last, of each frame.
    dtype
        Of the result.

    Yields
    ------
    `numpy.ndarray` or ReadError
        Of each frame its rows, ``(rows, nx)``, or the error that names its URL.
    """
    requests = [
        frame.byte_range(*rows) if rows[1] > rows[0] else None
        for frame, rows in zip(frames, windows, strict=True)
    ]
    wanted = [i for i, request in enumerate(requests) if request is not None]
    buffers: dict[int, Piece | ReadError] = {}
    if wanted:
        answers = fetch([requests[i] for i in wanted], frames[wanted[0]].storage_options)
        buffers = dict(zip(wanted, answers, strict=True))
    for i, frame in enumerate(frames):
        yield _decode(frame, buffers.pop(i, None), windows[i], np.dtype(dtype))


def _decode(
    frame: Frame, piece: Piece | ReadError | None, rows: tuple[int, int], dtype: np.dtype
) -> np.ndarray | ReadError:
    if isinstance(piece, ReadError):
        return piece
    start, stop = rows
    if stop <= start:
        return np.empty((0, frame.shape[1]), dtype)
    try:
        image = frame.decode(b"" if piece is None else piece.data, start, stop, dtype)
    except Exception as cause:  # noqa: BLE001  decoders raise anything on damaged bytes; the URL must stay
        error = ReadError(
            f"Could not decode rows {start} to {stop} of {frame.url}: {type(cause).__name__}: {cause}"
        )
        error.__cause__ = cause
        return error
    if image.shape != (stop - start, frame.shape[1]):
        return ReadError(
            f"Rows {start} to {stop} of {frame.url} came out with shape {image.shape}; the file is damaged."
        )
    return image


def open_frames(
    urls: Sequence[str],
    storage_options: Mapping[str, Any],
    sizes: Sequence[int | None] | None = None,
) -> Iterator[list[tuple[FITSFrame, dict[str, Any]] | ReadError]]:
    """
    Look into the first bytes of files: the header of each one's image, and where its rows are.

    Parameters
    ----------
    urls
        Of FITS files.
    storage_options
        As resolved by `sunpy_heliocloud.storage.resolve_storage_options`.
    sizes
        Bytes of each file as far as they are known; a file of another size is an error.

    Yields
    ------
    list
        For each of some URLs, in their order, the frame and its header, or the error that names the URL.
    """
    sizes = [None] * len(urls) if sizes is None else sizes
    for i in range(0, len(urls), _FRAMES_AT_ONCE):
        batch = slice(i, i + _FRAMES_AT_ONCE)
        yield _open_batch(urls[batch], sizes[batch], storage_options)


def _open_batch(
    urls: Sequence[str], sizes: Sequence[int | None], storage_options: Mapping[str, Any]
) -> list[tuple[FITSFrame, dict[str, Any]] | ReadError]:
    """Read heads together; those that turn out to be longer once more, also together."""
    results: dict[int, Any] = {}
    known = header_cache.find(urls, storage_options)
    new: dict[str, Piece] = {}
    needed = dict.fromkeys(range(len(urls)), _HEAD_BYTES)
    while needed:
        pieces = fetch([_head(urls[i], size, known) for i, size in needed.items()], storage_options)
        longer = {}
        for (i, size), piece in zip(needed.items(), pieces, strict=True):
            is_known = isinstance(piece, Piece) and piece.data is None
            piece = known[urls[i]] if is_known else piece
            try:
                results[i] = _opened(urls[i], sizes[i], piece, storage_options)
            except HeadTooShort as short:
                if len(piece.data) < size:
                    results[i] = ReadError(
                        f"{urls[i]} ends after {len(piece.data)} bytes, within its headers; it is cut short."
                    )
                else:
                    longer[i] = short.needed
                continue
            if not is_known and not isinstance(results[i], ReadError):
                new[urls[i]] = Piece(piece.data[: results[i][0].layout.head_stop], piece.version)
        needed = longer
    header_cache.keep(new, storage_options)
    return [results[i] for i in range(len(urls))]


def _head(url: str, size: int, known: Mapping[str, Piece]) -> ByteRange:
    """The first bytes of a file, unless they are those that are known."""
    return ByteRange(url, 0, size, exact=False, known=known[url].version if url in known else None)


def _opened(
    url: str, size: int | None, piece: Piece | ReadError, storage_options: Mapping[str, Any]
) -> tuple[FITSFrame, dict[str, Any]] | ReadError:
    if isinstance(piece, ReadError):
        return piece
    if None not in (size, piece.version.size) and size != piece.version.size:
        return ReadError(
            f"{url} has {piece.version.size} bytes, but the catalogue says {size}: the file is cut short or has been "
            "replaced, or the catalogue is out of date. A list of the URLs instead of the table opens it as it is."
        )
    try:
        unit, layout = find_image(piece.data)
    except ValueError as cause:
        error = ReadError(f"Could not open {url}: {cause}")
        error.__cause__ = cause
        return error
    if isinstance(layout, WholeFileLayout):
        _log.debug("%s can only be read whole: its tile table has columns of an unknown kind", url)
    header = image_header(unit.header)
    bitpix = fits.DTYPE2BITPIX[layout.dtype.newbyteorder("=").name]
    header.update(BITPIX=bitpix, NAXIS=2, NAXIS1=layout.shape[1], NAXIS2=layout.shape[0])
    return FITSFrame(url, layout, storage_options, piece.version), header
