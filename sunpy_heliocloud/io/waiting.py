"""Running of requests: on the I/O thread, several at a time, with retries after temporary failures."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from fsspec.asyn import get_loop, loop

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.http_errors import RedirectError, SlowServerError, StatusError, WrongAnswerError

__all__ = ["IN_FLIGHT", "PAUSES", "always_wanted", "cancel_all", "gather", "patiently", "run"]

# Seconds before a request is retried after a temporary failure.
PAUSES = (0.2, 0.5, 1.0, 2.0)
# Concurrent requests; more only cause throttling.
IN_FLIGHT = 64
_LONGEST_PAUSE = 10.0
_SECONDS_BETWEEN_CHECKS = 0.1
_PASSING = (408, 425, 429)


def always_wanted() -> None:
    """Of results that are wanted in any case, see `run`."""


def run[T](coroutine: Coroutine[Any, Any, T], check: Callable[[], None] = always_wanted) -> T:
    """
    Run a coroutine on the I/O thread and wait for it; it is cancelled when the caller is interrupted.

    Parameters
    ----------
    coroutine
        The coroutine.
    check
        Called from time to time; it raises an exception when the result is not wanted any more. Threads of a pool cannot
        be interrupted, and requests to a server that does not answer would go on for minutes.
    """
    try:
        check()
    except BaseException:
        coroutine.close()
        raise
    future = asyncio.run_coroutine_threadsafe(coroutine, get_loop())
    try:
        while True:
            check()
            # A wait without a time-out cannot be interrupted on every system.
            with suppress(TimeoutError):
                result = (
                    future.result(timeout=_SECONDS_BETWEEN_CHECKS) if not future.done() else future.result()
                )
                check()
                return result
            if future.done():
                return future.result()
    finally:
        future.cancel()


def cancel_all() -> None:
    """
    Cancel all that the I/O thread does, also for file systems of fsspec, whose requests know nothing of `run`'s check.

    For Ctrl-C: a thread of a pool that waits for a server keeps the process from ending.
    """
    running = loop[0]
    if running is not None and running.is_running():
        running.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(running)])


_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, asyncio.Semaphore]] = WeakKeyDictionary()


async def gather[T](calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T | Exception]:
    """
    The results of all calls, or the exceptions that they raised; a limited number of calls is concurrent.
    """
    most = min(IN_FLIGHT, int(limits.requests) or IN_FLIGHT)
    slots = _slots.setdefault(asyncio.get_running_loop(), {}).setdefault(most, asyncio.Semaphore(most))

    async def one(call: Callable[[], Awaitable[T]]) -> T | Exception:
        async with slots:
            try:
                return await call()
            except Exception as e:  # noqa: BLE001  whether one failure matters is the caller's to say
                return e

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(call)) for call in calls]
    return [task.result() for task in tasks]


async def patiently[T](attempt: Callable[[], Awaitable[T]], check: Callable[[], None] = always_wanted) -> T:
    """The result of an attempt; it is retried, with growing pauses, after temporary failures, if it is still wanted."""
    start = time.monotonic()
    for pause in PAUSES:
        check()
        try:
            return await attempt()
        except (OSError, aiohttp.ClientError) as e:
            if not _may_pass(e) or time.monotonic() - start + pause > 2 * limits.patience:
                raise
            asked = min(getattr(e, "retry_after", 0.0), _LONGEST_PAUSE)
        await asyncio.sleep(max(asked, pause * random.uniform(0.75, 1.25)))  # noqa: S311  jitter is no secret
    check()
    return await attempt()


def _may_pass(error: Exception) -> bool:
    """Whether a failure is temporary."""
    if isinstance(error, StatusError):
        return error.status >= 500 or error.status in _PASSING
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL | RedirectError):
        return False
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(error.os_error, ConnectionError)  # not an unknown host name
    return isinstance(error, aiohttp.ClientError | ConnectionError | SlowServerError | WrongAnswerError)
