"""
Large entries of the cache. Only the blocks in use are read and verified: a few rows of an index, for example.
"""

from collections.abc import Buffer

import numpy as np

from sunpy_heliocloud.io.cache_file import BLOCK, CacheFile, Record

__all__ = ["Content", "slices"]

# Bytes that can be copied in the time that a slice of a view takes longer than one of bytes.
_BYTES_OF_SLICE = 500


class Content:
    """
    The bytes of a large entry; only the blocks in use are read, and these are verified.

    Parameters
    ----------
    file
        The cache file.
    record
        The record of the entry in the file.
    """

    def __init__(self, file: CacheFile, record: Record) -> None:
        self._file = file
        self._record = record

    def __len__(self) -> int:
        return self._record.length

    def __bytes__(self) -> bytes:
        return self._file.read(self._record)

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(bytes(self))

    def __getitem__(self, which: slice) -> bytes:
        begin, end, _ = which.indices(len(self))
        first = begin // BLOCK
        return self._file.read(self._record, first, -(-end // BLOCK))[
            begin - first * BLOCK : end - first * BLOCK
        ]

    def find(self, part: bytes, begin: int = 0) -> int:
        """See `bytes`."""
        while begin < len(self):
            at = self[begin : begin + BLOCK].find(part)
            if at >= 0:
                return begin + at
            begin += BLOCK - len(part) + 1
        return -1

    def loaded(self, begin: np.ndarray, end: np.ndarray) -> memoryview:
        """A buffer of the full length, valid only in the given slices: other blocks need not be read."""
        edges = np.zeros(len(self) // BLOCK + 2, int)
        np.add.at(edges, begin // BLOCK, 1)
        np.add.at(edges, -(-end // BLOCK), -1)
        is_needed = np.concatenate([[0], np.cumsum(edges) > 0, [0]]).astype(np.int8)
        whole = memoryview(np.zeros(len(self), np.uint8))
        for first, stop in np.flatnonzero(np.diff(is_needed)).reshape(-1, 2).tolist():
            whole[first * BLOCK : stop * BLOCK] = self._file.read(self._record, first, stop)
        return whole


def slices(data: "Buffer | Content", begin: np.ndarray, end: np.ndarray) -> list[bytes]:
    """
    Many slices at once.

    Parameters
    ----------
    data
        Bytes.
    begin, end
        Of each slice.

    Returns
    -------
    list of bytes
        The slices.
    """
    view = data.loaded(begin, end) if isinstance(data, Content) else memoryview(data)
    edges = zip(begin.tolist(), end.tolist(), strict=True)
    if len(begin) * _BYTES_OF_SLICE < len(view):
        return [bytes(view[i:j]) for i, j in edges]
    whole = bytes(view)
    return [whole[i:j] for i, j in edges]
