"""
Memory of workers while the number of frames grows: time lags of a region of 500 arcsec, on workers of two gigabytes.

Ten distinct images a channel are linked under the names of all frames, and their headers given the times. Each number of
frames has workers of its own. A worker that holds too much spills, then pauses, and is killed in the end.
"""

import argparse
import gc
import os
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIDE, DISTINCT = 5000, 10


def main() -> None:
    """Print a row for each number of frames."""
    from server import serve

    options = _options()
    print(
        "| frames | strips | requests a frame | wall (s) | estimate (MB) | peak of a worker (MB) | paused |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    _links(options.cache, max(options.frames))  # the server lists folders once
    with serve(options.cache) as server:
        os.environ |= {"AWS_ENDPOINT_URL_S3": server.endpoint_url, "SUNPY_HELIOCLOUD_CACHE": "off"}
        for frames in options.frames:
            print(_row(options, frames, server), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[60, 180, 720], help="of each channel")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--limit", default="2GB", help="memory of a worker")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    return parser.parse_args()


def _row(options: argparse.Namespace, frames: int, server: Any) -> str:
    from distributed import Client, LocalCluster
    from measure import stay_offline
    from our_workflow import WORKER_MODULES

    stay_offline()
    settings = {"n_workers": options.workers, "threads_per_worker": 1, "memory_limit": options.limit}
    with (
        LocalCluster(**settings, dashboard_address="127.0.0.1:0", silence_logs="ERROR") as cluster,
        Client(cluster) as client,
    ):
        client.run(_import, WORKER_MODULES)
        lag = _job(options.cache, frames)
        cost = lag.estimate()
        gc.collect()
        watch = _Watch(cluster)
        before, began = server.traffic(), time.perf_counter()
        lag.compute()
        wall, requests = time.perf_counter() - began, (server.traffic() - before).requests
        watch.stop()
    figures = [
        f"2 x {frames}",
        cost.strips,
        f"{requests / frames / 2:.2f}",
        f"{wall:.1f}",
        f"{cost.memory.to_value('MB') + watch.before:.0f}",
        f"{watch.peak:.0f}",
        "yes" if watch.paused else "no",
    ]
    return f"| {' | '.join(map(str, figures))} |"


def _links(cache: Path, frames: int) -> list[list[str]]:
    """The URLs of as many frames of both channels."""
    from simulated import simulate

    images = simulate(cache, DISTINCT, (SIDE, SIDE))
    found = []
    for channel, urls in zip(("hot", "cool"), (images.hot, images.cool), strict=True):
        folder = cache / f"links-{channel}"
        folder.mkdir(exist_ok=True)
        names = [f"{number:04d}.fits" for number in range(frames)]
        for name, url in zip(names, cycle(urls), strict=False):
            if not (folder / name).exists():
                (folder / name).hardlink_to(cache / url.removeprefix("s3://"))
        found.append([f"s3://{folder.name}/{name}" for name in names])
    return found


def _job(cache: Path, frames: int) -> Any:
    """The lags of `our_workflow`, of as many frames."""
    from job import CADENCE, Job, first_time
    from our_workflow import region

    import astropy.units as u

    from sunpy_heliocloud import LazyMapSequence

    sequences = []
    for urls in _links(cache, frames):
        times = iter((first_time(frames) + i * CADENCE).isot for i in range(frames))

        def at_next_time(header: dict, times: Any = times) -> dict:
            now = next(times)
            return header | {"DATE-OBS": now, "T_OBS": now}

        sequences.append(LazyMapSequence(urls).update_headers(at_next_time))
    job = Job((), ())
    ref_map = region(sequences[1].nearest(job.midpoint), job)
    hot, cool = (one.to_cube().derotate_to(ref_map).resample_time(CADENCE) for one in sequences)
    return hot.time_lag(cool, lag_bounds=[-1, 1] * u.hour)


class _Watch:
    """The largest resident memory of a worker, and whether one was paused."""

    def __init__(self, cluster: Any) -> None:
        import psutil

        self._scheduler = cluster.scheduler
        self._processes = [psutil.Process(worker.pid) for worker in cluster.workers.values()]
        self.before = self.peak = self._largest()
        self.paused = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _largest(self) -> float:
        return max(process.memory_info().rss for process in self._processes) / 1e6

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            self.peak = max(self.peak, self._largest())
            self.paused |= any(worker.status.name == "paused" for worker in self._scheduler.workers.values())

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()


def _import(modules: tuple[str, ...]) -> None:
    from importlib import import_module

    for module in modules:
        import_module(module)


if __name__ == "__main__":
    main()
