"""
One worker and two: the same job, with client, scheduler and server beside them.

``python benchmarks/scaling.py`` prints the wall time, and how long the worker computed that computed longest, which leaves
out what the others take of the cores. The job maps the time lags of several regions, each read from the files again.
Workers are warm.
"""

import argparse
import csv
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import dask
import psutil
from clusters import local_cluster
from distributed import Client
from job import Job
from measure import stay_offline
from server import serve
from simulated import simulate

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy_heliocloud import LazyMapSequence

HERE = Path(__file__).parent


def main() -> int:
    """Simulate, serve, measure with one and with two workers, by turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--regions", type=int, default=6)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    parser.add_argument("--csv", type=Path, help="a file for the table, such as docs/how_to/scaling.csv")
    options = parser.parse_args()
    os.environ["SUNPY_HELIOCLOUD_CACHE"] = "off"
    stay_offline()
    job = simulate(options.cache, 10, (5000, 5000))
    figures: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with serve(options.cache, 0.0) as server:
        os.environ["AWS_ENDPOINT_URL_S3"] = server.endpoint_url
        lags = lags_of_regions(job, options.regions)
        for _ in range(options.repetitions):
            for workers, measured in figures.items():
                measured.append(run(lags, workers))
    walls, busy = ({n: median(one[i] for one in figures[n]) for n in figures} for i in (0, 1))
    rows = [(str(n), f"{walls[n]:.2f} s", f"{busy[n]:.2f} s") for n in figures]
    rows.append(("one / two", f"{walls[1] / walls[2]:.2f}", f"{busy[1] / busy[2]:.2f}"))
    print(f"| workers | wall | CPU of the busiest worker |\n|{'---|' * 3}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    if options.csv:
        with options.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    return 0


def lags_of_regions(job: Job, number: int) -> list[Any]:
    """Lag maps of regions beside each other, lazy."""
    hot, cool = LazyMapSequence(job.hot), LazyMapSequence(job.cool)
    full_disk = cool.nearest(job.midpoint)
    lags = []
    corner = job.center - job.width / 2
    for i in range(number):
        bottom_left = SkyCoord(corner[0] + i * 10 * u.arcsec, corner[1], frame=full_disk.coordinate_frame)
        ref_map = full_disk.submap(bottom_left, width=job.width, height=job.width)
        cubes = [frames.to_cube().derotate_to(ref_map).resample_time(job.cadence) for frames in (hot, cool)]
        lags.append(cubes[0].time_lag(cubes[1], lag_bounds=job.lag_bounds, at_bounds="keep"))
    return lags


def run(lags: list[Any], workers: int) -> tuple[float, float]:
    """Seconds on the wall, and of the worker that computed longest."""
    with local_cluster(workers) as cluster, Client(cluster):
        dask.compute(*lags[:2])
        processes = [psutil.Process(worker.pid) for worker in cluster.workers.values()]
        before = [cpu(one) for one in processes]
        began = time.perf_counter()
        dask.compute(*lags)
        wall = time.perf_counter() - began
        return wall, max(cpu(one) - then for one, then in zip(processes, before, strict=True))


def cpu(process: psutil.Process) -> float:
    """Seconds of user and system."""
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    sys.exit(main())
