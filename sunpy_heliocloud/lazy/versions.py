"""Versions of this package and of its main dependencies, which all processes of a job have to have in common."""

import asyncio
import contextlib
import math
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import dask

from sunpy_heliocloud.lazy.reports import is_asked_by_another, worker

__all__ = [
    "OtherVersionsError",
    "check_versions",
    "compare",
    "found",
    "on_scheduler",
    "require_alike",
    "versions",
]

_PACKAGES = ("sunpy_heliocloud", "astropy", "dask", "distributed", "numpy", "scipy", "sunpy")
_SECONDS_BETWEEN = 0.5  # comparisons of a cluster whose workers were alike
_LONGEST_WAIT = 10.0  # seconds for the answers of workers; what does not answer is compared when it computes


class OtherVersionsError(RuntimeError):
    """Workers lack this package, or have other versions of it or of its main dependencies."""


def _reader() -> Callable[[], dict[str, str]]:
    """A function that is sent to others as code, since they may not have this package."""
    names = _PACKAGES

    def read() -> dict[str, str]:
        from importlib.metadata import PackageNotFoundError, version

        found = {}
        for name in names:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "missing"
        return found

    return read


@cache
def _of_this_process() -> dict[str, str]:
    return _reader()()


def versions() -> dict[str, str]:
    """Those of this process that others have to have; none where the caller does not want them to be compared."""
    return _of_this_process() if dask.config.get("sunpy-heliocloud.same-versions", True) else {}


def check_versions(expected: Mapping[str, str]) -> None:
    """
    Compare the versions of this process with those of the process that it computes for.

    Parameters
    ----------
    expected
        What `versions` gave there.

    Raises
    ------
    OtherVersionsError
        When they differ.
    """
    if expected and (said := _differences(_of_this_process(), expected)):
        here = worker()
        who = "A process that computes" if here is None else f"The worker {here.address}"
        raise OtherVersionsError(_message(who, said, expected))


def _differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name} {theirs.get(name, 'missing')} instead of {version}"
        for name, version in ours.items()
        if theirs.get(name) != version
    )


def _message(who: str, said: str, expected: Mapping[str, str]) -> str:
    package = f"sunpy_heliocloud, version {expected['sunpy_heliocloud']}"
    return (
        f"{who} has {said}. All processes of a job need the same versions: start the cluster with an image or an environment "
        f"that has them ({package}), or install them on its scheduler and workers with client.register_plugin("
        "distributed.PipInstall(packages=[...], restart_workers=True)). See 'Run on HelioCloud with dask-gateway' in the "
        "documentation; dask.config.set({'sunpy-heliocloud.same-versions': False}) computes with other versions"
    )


# ---- clusters


@dataclass
class _Cluster:
    """What is known of the cluster of a client: who has the same versions, what others have, and since when."""

    alike: set[str] = field(default_factory=set)
    problem: str = ""
    compared_at: float = -math.inf


_clusters: WeakKeyDictionary[Any, _Cluster] = WeakKeyDictionary()
_is_chosen = ContextVar("is_chosen", default=False)


def found(client: Any) -> OtherVersionsError | None:
    """The error for a client whose scheduler or workers had other versions when they were compared last."""
    problem = _clusters[client].problem if client in _clusters else ""
    return OtherVersionsError(problem) if problem else None


def require_alike() -> None:
    """
    Compare all clusters, and raise an error for the one that dask computes on, before a graph is sent to it.

    Workers that cannot import what they are sent close themselves, and the client would wait for ever.

    Raises
    ------
    OtherVersionsError
        When its scheduler or a worker has other versions.
    """
    distributed = None if is_asked_by_another() else sys.modules.get("distributed.client")
    for client in [] if distributed is None else list(distributed.Client._instances):
        known = _clusters.setdefault(client, _Cluster())
        is_new = bool(known.problem) or time.monotonic() - known.compared_at > _SECONDS_BETWEEN
        if is_new and client.status == "running" and not client.asynchronous:
            client.sync(compare, client)
    active = None
    if not _is_chosen.get():
        with contextlib.suppress(RuntimeError):  # the client is asynchronous
            active = getattr(dask.base.get_scheduler(), "__self__", None)
    if active is not None and (error := found(active)):
        raise error


@contextlib.contextmanager
def on_scheduler(chosen: Any) -> Iterator[None]:
    """Within it `require_alike` raises nothing if the caller has chosen a scheduler."""
    token = _is_chosen.set(chosen is not None)
    try:
        yield
    finally:
        _is_chosen.reset(token)


async def compare(client: Any) -> None:
    """Compare the scheduler and the workers of a client that were not seen before. Runs in the client's event loop."""
    known, ours = _clusters.setdefault(client, _Cluster()), versions()
    problem = ""
    with contextlib.suppress(
        TimeoutError, OSError, ValueError
    ):  # ValueError: a scheduler that runs no functions
        async with asyncio.timeout(_LONGEST_WAIT):
            theirs = await _versions_of(client, known.alike) if ours else {}
            others = {who: said for who, one in theirs.items() if (said := _differences(one, ours))}
            known.alike |= theirs.keys() - others.keys()
            if others:
                problem = _message(*_one_of(others), ours)
    known.problem, known.compared_at = problem, time.monotonic()


async def _versions_of(client: Any, alike: Collection[str]) -> dict[str, dict[str, str]]:
    """Those of the scheduler and of workers, as far as they answer."""
    read, answers = _reader(), {}
    if "scheduler" not in alike:
        answers["scheduler"] = await client.run_on_scheduler(read)
    if workers := [address for address in await client.nthreads() if address not in alike]:
        answers |= await client.run(read, workers=workers, on_error="return")
    return {who: answer for who, answer in answers.items() if isinstance(answer, dict)}


def _one_of(others: Mapping[str, str]) -> tuple[str, str]:
    who, said = next(iter(others.items()))
    name = "The scheduler of the cluster" if who == "scheduler" else f"The worker {who}"
    return (name if len(others) == 1 else f"{name}, one of {len(others)} processes of the cluster,"), said
