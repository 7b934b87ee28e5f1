"""A frame whose pixels are kept once they are read, as long as there is room."""

import threading
import weakref
from typing import Any

import numpy as np

from sunpy_heliocloud.io.frame import ArrayFrame, Frame, Window, read_windows
from sunpy_heliocloud.io.ranges import ByteRange, ReadError

__all__ = ["KeptFrame", "kept"]

# Bytes of the pixels that are kept in a process; those of the newest frame are kept, whatever their size.
_MOST_BYTES = 2**28
_newest: dict[int, "weakref.ref[KeptFrame]"] = {}
_lock = threading.Lock()


def kept(frame: Frame) -> Frame:
    """The frame, such that its pixels are read once."""
    if isinstance(frame, KeptFrame) or (
        isinstance(frame, ArrayFrame) and isinstance(frame.array, np.ndarray)
    ):
        return frame
    return KeptFrame(frame)


class KeptFrame:
    """
    A frame whose pixels are kept in this process once they are read. Workers are sent the frame itself.

    Parameters
    ----------
    frame
        The frame.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._kept: tuple[Window, np.ndarray] | None = None

    def __reduce__(self) -> tuple:
        return _itself, (self.frame,)

    def __repr__(self) -> str:
        return repr(self.frame)

    def __dask_tokenize__(self) -> str:
        return self.frame.__dask_tokenize__()

    @property
    def url(self) -> str:
        return self.frame.url

    @property
    def shape(self) -> tuple[int, int]:
        return self.frame.shape

    @property
    def dtype(self) -> np.dtype:
        return self.frame.dtype

    def byte_range(self, window: Window) -> ByteRange | None:
        return self.frame.byte_range(window) if self._pixels(window) is None else None

    def decode(self, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
        pixels = self._pixels(window)
        if pixels is not None:
            return pixels.astype(dtype)
        pixels = self._read(buffer, window, dtype)
        self._kept = window, pixels
        _drop_oldest(self)
        return pixels.copy()

    def _read(self, buffer: bytes, window: Window, dtype: np.dtype) -> np.ndarray:
        if buffer or self.frame.byte_range(window) is None:
            return self.frame.decode(buffer, window, dtype)
        # They were dropped since `byte_range` said that they are kept.
        (pixels,) = read_windows([self.frame], [window], dtype)
        if isinstance(pixels, ReadError):
            raise pixels
        return pixels

    def _pixels(self, window: Window) -> np.ndarray | None:
        """Those of a window that are kept."""
        if self._kept is None:
            return None
        whole, pixels = self._kept
        is_within = all(
            first <= start and stop <= last
            for (start, stop), (first, last) in zip(window, whole, strict=True)
        )
        return pixels[window.within(whole)] if is_within else None


def _itself(frame: Frame) -> Frame:
    return frame


def _drop_oldest(newest: KeptFrame) -> None:
    with _lock:
        _newest.pop(id(newest), None)
        _newest[id(newest)] = weakref.ref(newest)
        room: Any = _MOST_BYTES
        for key, reference in reversed(list(_newest.items())):
            frame = reference()
            held = None if frame is None else frame._kept
            room -= 0 if held is None else held[1].nbytes
            if held is None or (room < 0 and frame is not newest):
                if frame is not None:
                    frame._kept = None
                del _newest[key]
