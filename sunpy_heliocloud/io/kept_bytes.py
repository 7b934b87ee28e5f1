"""Bytes that come with a request, and are kept in this process until they are needed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

from sunpy_heliocloud.io.ranges import ByteRange, Piece, ReadError

__all__ = ["JointRequest", "is_keeping", "keeping", "take"]

# Bytes that are kept in all; with more of them each range is requested by itself.
_MOST_BYTES = 2**29
# A joint request that takes more than its ranges by themselves reads what nobody needs.
_LARGEST = 1.1

_kept: dict[tuple[str, int, int | None], tuple[ByteRange, Piece]] = {}
_bytes = _keeping = 0
_lock = threading.RLock()


@contextmanager
def keeping() -> Iterator[None]:
    """Within it bytes are kept, for what is computed next; after it none are left."""
    global _keeping
    with _lock:
        _keeping += 1
    try:
        yield
    finally:
        with _lock:
            _keeping -= 1
            if not _keeping:
                _kept.clear()
                _count(-_bytes)


def is_keeping() -> bool:
    """Whether what is kept will be asked for."""
    return _keeping > 0


def take(wanted: ByteRange) -> Piece | None:
    """The bytes of a range if they are here; they are kept no longer."""
    with _lock:
        known, piece = _kept.get(_key(wanted), (None, None))
        if known != wanted or piece is None:
            return None
        del _kept[_key(wanted)]
        _count(-len(piece.data))
    return piece


@dataclass(frozen=True)
class JointRequest:
    """
    A request for a range that is needed now, and for another one that will be.

    Parameters
    ----------
    now, later
        Ranges of one file; ``later`` may be none.
    """

    now: ByteRange
    later: ByteRange | None = None

    @classmethod
    def of(cls, now: ByteRange, later: ByteRange | None) -> Self:
        """A request for both if they lie beside each other, and there is room for what is kept; else for one."""
        if later is None or None in (now.stop, later.stop) or _bytes > _MOST_BYTES:
            return cls(now)
        both = cls(now, later)
        return both if _length(both.request) <= _LARGEST * (_length(now) + _length(later)) else cls(now)

    @property
    def request(self) -> ByteRange:
        """The range that is requested."""
        if self.later is None or self.now.stop is None or self.later.stop is None:
            return self.now
        start, stop = min(self.now.start, self.later.start), max(self.now.stop, self.later.stop)
        return replace(self.now, start=start, stop=stop)

    def received(self, answer: Piece | ReadError) -> Piece | ReadError:
        """What is needed now of an answer; the rest is kept."""
        if self.later is None or isinstance(answer, ReadError):
            return answer
        now, later = (
            replace(answer, data=answer.data[slice(*_within(one, self.request))])
            for one in (self.now, self.later)
        )
        with _lock:
            if _keeping:
                take(self.later)  # once more, if a task is run again
                _kept[_key(self.later)] = self.later, later
                _count(len(later.data))
        return now


def _count(more: int) -> None:
    global _bytes
    _bytes += more


def _key(wanted: ByteRange) -> tuple[str, int, int | None]:
    return wanted.url, wanted.start, wanted.stop


def _length(wanted: ByteRange) -> int:
    return (wanted.stop or 0) - wanted.start


def _within(part: ByteRange, whole: ByteRange) -> tuple[int, int]:
    return part.start - whole.start, (part.stop or 0) - whole.start
