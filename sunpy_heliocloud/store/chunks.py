"""Chunks of a stored array: how it is cut, and the tasks that write and read one. Workers import it: it imports little."""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from sunpy_heliocloud.lazy.reports import losses
from sunpy_heliocloud.store.place import Place
from sunpy_heliocloud.text import shown_url

__all__ = ["ChunkGrid", "ReadChunk", "WriteChunk", "crc32c", "encoded", "hash_of"]

_MOST_BYTES = 2**25
_MOST_BYTES_OF_MAP = 2**22  # about a strip of those that the map of a whole disk is made in
_MOST_PLANES = 16
_PLANES_OF_A_STRIP = 8  # so that the strips of all planes are about what fits into memory
_PLANES_OF_A_TASK = 4  # of those that read frames
_CRC_BYTES = 4


@dataclass(frozen=True)
class ChunkGrid:
    """
    How an array is cut into chunks, all of one shape; those at the ends are filled up.

    Parameters
    ----------
    shape, chunk
        Of the array and of a chunk.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int], itemsize: int) -> "ChunkGrid":
        """
        Up to 16 whole planes and 32 MiB a chunk, or one strip of rows of a plane that is larger; of maps 4 MiB.

        Parameters
        ----------
        shape
            Of the array.
        itemsize
            Bytes of a value.
        """
        *planes, rows, columns = (1, 1, *shape)
        most, row = _MOST_BYTES if len(shape) > 2 else _MOST_BYTES_OF_MAP, columns * itemsize
        together = min(_MOST_PLANES, most // max(1, row * rows))
        together = min(_planes(planes[-1], together or _PLANES_OF_A_STRIP), planes[-1])
        strip = _even(rows, max(1, most // (row * together)))
        return cls(tuple(shape), (*[1] * (len(planes) - 1), together, strip, columns)[-len(shape) :])

    def beside(self, shape: Sequence[int]) -> "ChunkGrid":
        """The chunks of an array with more values for each of these, in the same order of rows and columns."""
        return ChunkGrid(tuple(shape), (*shape[: -len(self.shape)], *self.chunk))

    @property
    def counts(self) -> tuple[int, ...]:
        """Chunks along each axis."""
        return tuple(-(-length // size) for length, size in zip(self.shape, self.chunk, strict=True))

    def indices(self) -> Iterator[tuple[int, ...]]:
        """The index of each chunk."""
        return itertools.product(*map(range, self.counts))

    def region(self, index: Sequence[int]) -> tuple[slice, ...]:
        """The part of the array that a chunk holds."""
        return tuple(
            slice(i * size, min((i + 1) * size, length))
            for i, size, length in zip(index, self.chunk, self.shape, strict=True)
        )

    @property
    def dask_chunks(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of the chunks along each axis, without what is filled up."""
        return tuple(
            tuple(min(size, length - start) for start in range(0, length, size))
            for size, length in zip(self.chunk, self.shape, strict=True)
        )

    def bytes_of(self, dtype: np.dtype) -> int:
        """Of the object of any chunk."""
        return math.prod(self.chunk) * dtype.itemsize + _CRC_BYTES


def _planes(length: int, most: int) -> int:
    """Even numbers of planes, but whole tasks of frames."""
    if most < _PLANES_OF_A_TASK:
        return _even(length, most)
    tasks = -(-_even(length, most) // _PLANES_OF_A_TASK)
    return min(tasks, most // _PLANES_OF_A_TASK) * _PLANES_OF_A_TASK


def _even(length: int, most: int) -> int:
    """Length of even pieces, so that little has to be filled up."""
    return -(-length // -(-length // most))


def crc32c(data: bytes) -> bytes:
    """The checksum as the codec ``crc32c`` of Zarr writes it."""
    try:
        import google_crc32c
    except ImportError as error:
        raise ImportError(
            'stores need google-crc32c: pip install "sunpy_heliocloud[store]", on workers, too'
        ) from error
    return google_crc32c.value(data).to_bytes(_CRC_BYTES, "little")


def hash_of(data: bytes) -> str:
    """Of an object, as marks hold it."""
    return blake2b(data, digest_size=16).hexdigest()


def encoded(block: np.ndarray, chunk: tuple[int, ...]) -> bytes:
    """A chunk as Zarr's codecs ``bytes`` and ``crc32c`` write it; what is missing at the ends is NaN or zero."""
    if block.shape != chunk:
        filler = np.nan if block.dtype.kind in "fc" else 0
        block = np.pad(
            block, [(0, n - m) for n, m in zip(chunk, block.shape, strict=True)], constant_values=filler
        )
    data = np.ascontiguousarray(block, block.dtype.newbyteorder("<")).tobytes()
    return data + crc32c(data)


@dataclass(frozen=True)
class WriteChunk:
    """
    Write a chunk, then the mark that it is done; called with the chunk's block.

    Parameters
    ----------
    place, array
        Of the store, and name of the array.
    chunk
        Shape of a whole chunk.
    index
        Which chunk.
    store
        Fingerprint of the store.
    frames
        URLs of the frames that it was made from, as far as they may be lost.
    """

    place: Place
    array: str
    chunk: tuple[int, ...]
    index: tuple[int, ...]
    store: str
    frames: tuple[str, ...] = ()

    def __call__(self, block: np.ndarray) -> np.ndarray:
        data = encoded(block, self.chunk)
        mark: dict[str, Any] = {"hash": hash_of(data), "store": self.store, "lost": self._lost()}
        self.place.write("/".join(map(str, (self.array, "c", *self.index))), data)
        self.place.write(
            f"{self.array}/done/{'.'.join(map(str, self.index))}.json", json.dumps(mark).encode()
        )
        result = np.empty((1,) * block.ndim, object)
        result.flat[0] = mark
        return result

    def _lost(self) -> dict[str, str]:
        return {shown_url(url): shown_url(reason, 1000) for url, reason in losses(self.frames).items()}


@dataclass(frozen=True)
class ReadChunk:
    """
    Read a chunk and compare it with its mark; called with its index and hash.

    Parameters
    ----------
    place
        Of the array.
    grid
        How it is cut.
    dtype
        Of the array.
    """

    place: Place
    grid: ChunkGrid
    dtype: np.dtype

    def __call__(self, chunk: tuple[tuple[int, ...], str]) -> np.ndarray:
        index, expected = chunk
        key = "/".join(map(str, ("c", *index)))
        data = self.place.read(key, self.grid.bytes_of(self.dtype) + 1)
        if hash_of(data) != expected:
            raise ValueError(
                f"{self.place.within(key).shown} is not the chunk that was saved: it is damaged, or was written over. Remove "
                "the store, and save again"
            )
        block = np.frombuffer(data[:-_CRC_BYTES], self.dtype.newbyteorder("<")).reshape(self.grid.chunk)
        inside = tuple(slice(0, part.stop - part.start) for part in self.grid.region(index))
        return block[inside].astype(self.dtype)
