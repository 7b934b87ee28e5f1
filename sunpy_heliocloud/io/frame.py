"""Frames, whose windows of pixels are read one by one or many at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from dask import is_dask_collection
from dask.base import tokenize

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.fits_layout import ImageLayout
from sunpy_heliocloud.io.kept_bytes import JointRequest, take
from sunpy_heliocloud.io.ranges import ByteRange, Piece, ReadError, Version, fetch
from sunpy_heliocloud.io.waiting import always_wanted

__all__ = ["ArrayFrame", "FITSFrame", "Frame", "PartFrame", "Turn", "Window", "read_windows"]


class Window(NamedTuple):
    """
    A part of an image.

    Parameters
    ----------
    rows, columns
        First index, and the index after the last.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Self:
        """The window of a whole image of this shape."""
        return cls((0, shape[0]), (0, shape[1]))

    @classmethod
    def around(cls, windows: Iterable[Self]) -> Self:
        """The smallest window that contains all given windows."""
        sides = list(zip(*(window for window in windows if not window.is_empty), strict=True))
        if not sides:
            return cls((0, 0), (0, 0))
        return cls(*((min(start for start, _ in side), max(stop for _, stop in side)) for side in sides))

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def is_empty(self) -> bool:
        return min(self.shape) <= 0

    def within(self, other: "Window") -> tuple[slice, slice]:
        """This window relative to a larger one."""
        rows, columns = (
            slice(start - first, stop - first) for (start, stop), (first, _) in zip(self, other, strict=True)
        )
        return rows, columns

    def of(self, other: "Window") -> Self:
        """This window, which is relative to another, in the coordinates of the other."""
        return type(self)(
            *((first + start, first + stop) for (start, stop), (first, _) in zip(self, other, strict=True))
        )

    def __str__(self) -> str:
        (top, bottom), (left, right) = self
        return f"rows {top} to {bottom} and columns {left} to {right}"


class Frame(Protocol):
    """An image that can be read in part. The constructor does no I/O."""

    @property
    def url(self) -> str:
        """Where it is, for messages."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def dtype(self) -> np.dtype:
        """Of the physical values."""

    def __dask_tokenize__(self) -> str:
        """A token that differs from that of any other frame."""

    def byte_range(self, window: Window) -> ByteRange | None:
        """The byte range of these pixels; `None` when they are in memory."""

    def decode(self, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
        """Physical values of these pixels, from the bytes of `byte_range`."""


@dataclass(frozen=True, eq=False, slots=True)
class FITSFrame:
    """
    A frame in a FITS file, local or remote.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or local path.
    layout
        Byte ranges and coding of its rows.
    access
        Credentials and endpoint.
    version
        Version of the file that the layout belongs to. A changed file is an error.
    """

    url: str
    layout: ImageLayout
    access: Access = field(default_factory=Access.of)
    version: Version = Version()

    def __repr__(self) -> str:
        # Graphs are displayed, and a URL may contain a signature.
        return f"FITSFrame({ByteRange(self.url, access=self.access).shown!r}, {self.shape})"

    def __dask_tokenize__(self) -> str:
        content = tokenize(self.layout) if self.version.etag is None else self.version
        return f"{self.access.endpoint} {self.url} {content}"

    @property
    def shape(self) -> tuple[int, int]:
        return self.layout.shape

    @property
    def dtype(self) -> np.dtype:
        return self.layout.scaling.dtype(self.layout.dtype)

    def byte_range(self, window: Window) -> ByteRange:
        return ByteRange(
            self.url, *self.layout.byte_range(*window.rows), version=self.version, access=self.access
        )

    def decode(self, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
        return self.layout.scaling.apply(self.layout.decode(buffer, *window), dtype)


@dataclass(frozen=True, eq=False, slots=True)
class PartFrame:
    """
    A window of a frame, as the image of a submap.

    Parameters
    ----------
    whole
        The frame.
    window
        The window of that frame.
    """

    whole: Frame
    window: Window

    @property
    def url(self) -> str:
        return self.whole.url

    @property
    def shape(self) -> tuple[int, int]:
        return self.window.shape

    @property
    def dtype(self) -> np.dtype:
        return self.whole.dtype

    def __dask_tokenize__(self) -> str:
        return f"{self.whole.__dask_tokenize__()} {self.window}"

    def byte_range(self, window: Window) -> ByteRange | None:
        return self.whole.byte_range(window.of(self.window))

    def decode(self, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
        return self.whole.decode(buffer, window.of(self.window), dtype)


@dataclass(frozen=True, eq=False)
class ArrayFrame:
    """
    A frame whose pixels are an array, of a Map for example. A dask array is computed in the task that needs
    it.
    """

    array: Any
    url: str = "in memory"

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __dask_tokenize__(self) -> str:
        return f"{self.url} {tokenize(self.array)}"

    def byte_range(self, window: Window) -> None:
        return None

    def decode(self, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
        pixels = self.array[slice(*window.rows), slice(*window.columns)].astype(dtype)
        return pixels.compute(scheduler="synchronous") if is_dask_collection(pixels) else pixels


Turn = tuple[Sequence[int], AbstractContextManager]


def all_at_once(requests: Sequence[int]) -> Iterable[Turn]:
    """One turn of all requests."""
    return [(requests, nullcontext())]


def read_windows(
    frames: Sequence[Frame],
    windows: Sequence[Window],
    dtype: np.dtype,
    check: Callable[[], None] = always_wanted,
    turns: Callable[[Sequence[int]], Iterable[Turn]] = all_at_once,
    later: Sequence[Window] = (),
) -> Iterator[np.ndarray | ReadError]:
    """
    Read a window of each of several frames, with concurrent requests.

    Each frame is decoded when the iterator reaches it, since a decoded image needs many times the memory of
    its bytes.

    Parameters
    ----------
    frames
        The frames.
    windows
        The window of each frame.
    dtype
        Of the result.
    check
        See `sunpy_heliocloud.io.waiting.run`.
    turns
        Which requests are made at the same time, and what is held meanwhile.
    later
        The windows that this process will read next of the same frames, if their bytes are to come with the same requests.

    Yields
    ------
    `numpy.ndarray` or ReadError
        The pixels of each window, or the error that names the URL of the frame.
    """
    requests: dict[int, JointRequest] = {}
    buffers: dict[int, Piece | ReadError] = {}
    for i, (frame, window) in enumerate(zip(frames, windows, strict=True)):
        if (wanted := _range_of(frame, window)) is None:
            continue
        if (piece := take(wanted)) is not None:
            buffers[i] = piece
        else:
            requests[i] = JointRequest.of(wanted, _range_of(frame, later[i]) if later else None)
    for some, held in turns(list(requests)):
        with held:
            answers = fetch([requests[i].request for i in some], check)
        buffers |= {i: requests[i].received(answer) for i, answer in zip(some, answers, strict=True)}
    for i, frame in enumerate(frames):
        yield _decode(frame, buffers.pop(i, None), windows[i], np.dtype(dtype))


def _range_of(frame: Frame, window: Window) -> ByteRange | None:
    return None if window.is_empty else frame.byte_range(window)


def _decode(
    frame: Frame, piece: Piece | ReadError | None, window: Window, dtype: np.dtype
) -> np.ndarray | ReadError:
    if isinstance(piece, ReadError):
        return piece
    if window.is_empty:
        return np.empty(window.shape, dtype)
    buffer = b"" if piece is None else piece.data
    return attempt(f"Could not decode {window} of {frame.url}", lambda: _pixels(frame, buffer, window, dtype))


def _pixels(frame: Frame, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
    image = frame.decode(buffer, window, dtype)
    if image.shape != window.shape:
        raise ValueError(f"decoding gave pixels of shape {image.shape}")
    return image
