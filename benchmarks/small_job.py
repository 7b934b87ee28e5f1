"""
Where the time of a small job goes, from the start of its process to the map: two channels of ten frames.

The job of `job.py`, in a fresh process, on two workers or (``--workers 0``) on threads. Then, in the same process and by
turns, the whole job again and only its frames: read and derotated, but left where they are. What the job takes beyond
its frames is what dask, pencils, lags and the way to the client take.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SHAPE = 5000, 5000  # of a frame


def main() -> None:
    """Measure some fresh processes, and print a table of the medians."""
    options = _options()
    if options.part:
        print(json.dumps(measure(options)))
        return
    from server import serve
    from simulated import simulate

    simulate(options.cache, options.frames, SHAPE)
    with serve(options.cache) as server:
        environment = {"AWS_ENDPOINT_URL_S3": server.endpoint_url, "SUNPY_HELIOCLOUD_CACHE": "off"}
        command = [sys.executable, __file__, *sys.argv[1:], "--part"]
        runs = [
            json.loads(
                subprocess.run(
                    command, env=os.environ | environment, stdout=subprocess.PIPE, check=True
                ).stdout
            )
            for _ in range(options.repetitions)
        ]
    print(f"| {2 * options.frames} frames | wall (s) | CPU (s) |\n|---|---|---|")
    for name in runs[0]:
        wall, cpu = (statistics.median(run[name][i] for run in runs) for i in range(2))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=10, help="of each of the two channels")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread; 0 for threads")
    parser.add_argument("--repetitions", type=int, default=3, help="fresh processes")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


class Clock:
    """Wall and CPU time, of this process and of its workers, of one phase after the other."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._last = self._process.create_time(), 0.0
        self.phases: dict[str, tuple[float, float]] = {}

    def ends(self, phase: str) -> None:
        """Note how long a phase took; of those of one name the shortest."""
        now, before = self._now(), self._last
        took = now[0] - before[0], now[1] - before[1]
        self.phases[phase] = min(took, self.phases.get(phase, took))
        self._last = self._now()

    def _now(self) -> tuple[float, float]:
        processes = [self._process, *self._process.children(recursive=True)]
        return time.time(), sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The phases of one process."""
    clock = Clock()
    import dask
    from distributed import futures_of, wait
    from measure import stay_offline
    from our_workflow import WORKER_MODULES, region
    from simulated import simulate

    from sunpy_heliocloud import LazyMapSequence

    stay_offline()
    job = simulate(options.cache, options.frames, SHAPE)
    clock.ends("imports of the client")
    with ExitStack() as stack:
        client = _client(stack, options.workers) if options.workers else None
        clock.ends("start of the workers")
        if client:
            client.run(_import, WORKER_MODULES)
            clock.ends("imports of the workers")

        def opened() -> list[LazyMapSequence]:
            return [LazyMapSequence(job.hot), LazyMapSequence(job.cool)]

        def planes(sequences: list[LazyMapSequence]) -> list[Any]:
            ref_map = region(sequences[1].nearest(job.midpoint), job)
            return [sequence.to_cube().derotate_to(ref_map) for sequence in sequences]

        def lag(derotated: list[Any]) -> Any:
            hot, cool = (cube.resample_time(job.cadence) for cube in derotated)
            return hot.time_lag(cool, lag_bounds=job.lag_bounds, overlap_normalized=False, at_bounds="keep")

        sequences = opened()
        clock.ends("headers are read")
        whole = lag(planes(sequences))
        clock.ends("graph is made")
        whole.compute()
        clock.ends("graph is computed")
        for _ in range(3):
            kept = dask.persist(*planes(opened()))
            if client:
                wait([future for cube in kept for future in futures_of(cube)])
            clock.ends("once more, warm: frames alone")
            del kept
            gc.collect()
            time.sleep(0.5)  # workers forget them
            clock.ends("pause")
            lag(planes(opened())).compute()
            clock.ends("once more, warm: the whole job")
    del clock.phases["pause"]
    frames, whole = (clock.phases[f"once more, warm: {what}"] for what in ("frames alone", "the whole job"))
    return clock.phases | {"the job beyond its frames": [b - a for a, b in zip(frames, whole, strict=True)]}


def _client(stack: ExitStack, workers: int) -> Any:
    from distributed import Client, LocalCluster

    settings = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    cluster = stack.enter_context(LocalCluster(**settings, silence_logs="ERROR"))
    return stack.enter_context(Client(cluster))


def _import(modules: tuple[str, ...]) -> None:
    from importlib import import_module

    for module in modules:
        import_module(module)


if __name__ == "__main__":
    main()
