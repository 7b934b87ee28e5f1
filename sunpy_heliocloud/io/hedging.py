"""
A second request beside one that takes several times as long as usual.

One request in a hundred may get no answer while the server answers all others. A short time-out would give up requests
that are only slow, and repeat them when the server is busy; a second request costs little, and the first one to succeed
counts.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from statistics import median

from sunpy_heliocloud.bounds import limits

__all__ = ["hedged"]

_TIMES = 6  # the median, until a further request is made
_SHORTEST = 1.0  # second
_KNOWN = 3  # requests, from which a median is known
_MOST = 2  # further requests beside one
_SHARE = (
    0.2  # of all requests that may be further ones: they are for some of them, not for a server that is busy
)
_TICK = 0.1


@dataclass
class _Usual:
    """How long requests of a kind have taken."""

    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    made: int = 0
    further: int = 0

    @property
    def limit(self) -> float:
        """Seconds after which a further request is made."""
        if len(self.seconds) < _KNOWN:
            return max(_SHORTEST, limits.patience / 3)
        return max(_SHORTEST, _TIMES * median(self.seconds))

    @property
    def is_spent(self) -> bool:
        """Whether there were too many further requests."""
        return self.further >= _MOST + _SHARE * self.made


_usual: dict[Hashable, _Usual] = {}


async def hedged[T](attempt: Callable[[], Awaitable[T]], kind: Hashable) -> T:
    """
    The result of an attempt, or of a further one if the first takes much longer than usual.

    Parameters
    ----------
    attempt
        Makes a request.
    kind
        Of requests that take about the same time: those to one server for a similar number of bytes.

    Returns
    -------
    object
        Of the first attempt that succeeds; if all fail, the exception of the last is raised.
    """
    usual = _usual.setdefault(kind, _Usual())
    usual.made += 1
    began = time.monotonic()
    running = {asyncio.ensure_future(attempt())}
    further, waited = 0, 0.0
    try:
        while True:
            done, running = await asyncio.wait(running, timeout=_TICK, return_when=asyncio.FIRST_COMPLETED)
            succeeded = [task for task in done if task.exception() is None]
            if succeeded:
                usual.seconds.append(time.monotonic() - began)
                return succeeded[0].result()
            if not running:
                return done.pop().result()
            # Ticks, not a clock: the whole process may have stood still, for the compilation of a kernel for example.
            waited += _TICK
            if waited >= usual.limit and further < _MOST and not usual.is_spent:
                usual.further, further, waited = usual.further + 1, further + 1, 0.0
                running.add(asyncio.ensure_future(attempt()))
    finally:
        for task in running:
            task.cancel()
