"""Terms: what the process that asks for a task expects of the one that runs it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.frame import Turn
from sunpy_heliocloud.lazy.reports import worker
from sunpy_heliocloud.lazy.versions import check_versions, versions

if TYPE_CHECKING:
    from distributed import Semaphore  # need not be installed

__all__ = ["Terms"]

_SECONDS_BETWEEN_CHECKS = 1.0


@dataclass(frozen=True)
class Terms:
    """
    What the process that asks expects of those that compute for it.

    Parameters
    ----------
    versions
        Which it has, and others have to have.
    requests
        How many requests all workers of a cluster together may make at the same time; 0 for any number.
    """

    versions: Mapping[str, str] = field(default_factory=versions)
    requests: int = field(default_factory=lambda: int(limits.requests))

    def check(self) -> None:
        """Raise an `OtherVersionsError` where this process has other versions."""
        check_versions(self.versions)

    def turns(self, requests: Sequence[int], check: Callable[[], None]) -> Iterator[Turn]:
        """
        Which requests are made at the same time, and what is held meanwhile.

        Parameters
        ----------
        requests
            Their numbers.
        check
            See `sunpy_heliocloud.io.waiting.run`.
        """
        if not self.requests or worker() is None:
            yield requests, nullcontext()
            return
        leases = _leases(self.requests)
        while requests:
            count = _acquired(leases, len(requests), check)
            yield requests[:count], _released(leases, count)
            requests = requests[count:]


@cache
def _leases(count: int) -> "Semaphore":
    from distributed import Semaphore

    return Semaphore(max_leases=count, name=f"sunpy_heliocloud-{count}-requests")


def _acquired(leases: "Semaphore", most: int, check: Callable[[], None]) -> int:
    """How many leases this thread has got: one, and those that are free. None waits for others while it holds some."""
    while not leases.acquire(timeout=_SECONDS_BETWEEN_CHECKS):
        check()
    count = 1
    while count < most and leases.acquire(timeout=0):
        count += 1
    return count


@contextmanager
def _released(leases: "Semaphore", count: int) -> Iterator[None]:
    try:
        yield
    finally:
        for _ in range(count):
            leases.release()
