"""Where our time goes: the whole job in one thread, under Python's profiler, in a process like a worker's."""

import cProfile
import json
import os
import pstats
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dask
import distributed  # noqa: F401 It adds its settings to those of dask.
import our_workflow
from job import Job
from measure import stay_offline
from server import Server

import sunpy_heliocloud

__all__ = ["measure"]

TIMEOUT = 1800  # s
PACKAGE = Path(sunpy_heliocloud.__file__).parent


def measure(job: Job, server: Server) -> dict[str, Any]:
    """
    Milliseconds a frame, in all and in the functions of the package.

    Parameters
    ----------
    job
        What is done, once without and once with the profiler.
    server
        Where the frames are.

    Returns
    -------
    dict
        ``"total"``, without the profiler, and ``"functions"``: by name, with what they call and by themselves.
    """
    # As dask sets it for workers: they give back freed memory at once, and wait for it when they need it again.
    settings = dask.config.get("distributed.nanny.pre-spawn-environ")
    settings = {name: str(value) for name, value in settings.items()}
    run = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(asdict(job)),
        env=os.environ | settings | {"AWS_ENDPOINT_URL_S3": server.endpoint_url},
        stdout=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    return json.loads(run.stdout)


def _measure_here(job: Job) -> dict[str, Any]:
    stay_offline()
    with dask.config.set(scheduler="synchronous"):
        our_workflow.time_lag(job)  # Loads kernels, opens connections.
        began = time.perf_counter()
        our_workflow.time_lag(job)
        total = time.perf_counter() - began
        with cProfile.Profile() as profile:
            our_workflow.time_lag(job)
    return {"total": 1e3 * total / job.frames, "functions": _functions(profile, job.frames)}


def _functions(profile: cProfile.Profile, frames: int) -> dict[str, tuple[float, float]]:
    """Milliseconds a frame of the package's functions, with and without what they call, longest first."""
    milliseconds = {}
    for (path, line, name), (_, _, own, cumulative, _) in pstats.Stats(profile).stats.items():
        if PACKAGE in Path(path).parents:
            place = f"{Path(path).relative_to(PACKAGE)}:{line} {name}"
            milliseconds[place] = 1e3 * cumulative / frames, 1e3 * own / frames
    return dict(sorted(milliseconds.items(), key=lambda item: -item[1][0]))


if __name__ == "__main__":
    print(json.dumps(_measure_here(Job(**json.load(sys.stdin)))))
