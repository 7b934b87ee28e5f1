"""
What a large graph costs: six channels of 10,000 frames, and the time lags of all pairs, handed to a scheduler.

The frames are open, and nothing is read. The scheduler has a process of its own, and no workers.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from repeating import CADENCE, serve_repeatedly
from simulated import simulate

HERE = Path(__file__).parent
CHANNELS = 94, 131, 171, 193, 211, 335
SIDE = 200
MEMORY = "20 GB"
MEGABYTE = 1e6


def main() -> None:
    """Measure in a fresh process, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=10_000, help="of each channel")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(measure(options.frames)))
        return
    job = simulate(options.cache, 6, (5000, 5000))
    files = [options.cache / url.removeprefix("s3://") for url in job.cool]
    with serve_repeatedly(files) as endpoint_url:
        environment = os.environ | {"AWS_ENDPOINT_URL_S3": endpoint_url, "SUNPY_HELIOCLOUD_CACHE": "off"}
        command = [sys.executable, __file__, "--part", "--frames", str(options.frames)]
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    print(f"| {len(CHANNELS)} x {options.frames} frames, {SIDE} x {SIDE} pixels | |\n|---|---|")
    for name, value in json.loads(run.stdout.splitlines()[-1]).items():
        print(f"| {name} | {value:.4g} |")


def measure(frames: int) -> dict[str, float]:
    """Open, derotate, hand over."""
    import dask
    from distributed import Client
    from measure import stay_offline

    import astropy.units as u

    from sunpy_heliocloud import time_lag_pairs
    from sunpy_heliocloud.lazy.strips import shared_by

    stay_offline()
    channels = opened(frames)
    corner, size = [2400, 2400] * u.pix, {"width": (SIDE - 1) * u.pix, "height": (SIDE - 1) * u.pix}
    ref_map = channels[0][frames // 2].submap(corner, **size)
    channels[0][:8].to_cube().derotate_to(ref_map)  # imports
    cadence = len(CHANNELS) * CADENCE.total_seconds() * u.s
    stacks = [channel.to_cube() for channel in channels]
    # As if there were workers that have room for all planes.
    room = dask.config.set({"sunpy-heliocloud.memory-target": MEMORY})
    with scheduler() as (process, address), Client(address) as client, room, shared_by(len(channels)):
        before = resident()
        began = time.perf_counter()
        derotated = [stack.derotate_to(ref_map) for stack in stacks]
        derotated_at = time.perf_counter()
        cubes = {
            f"{channel}": cube.resample_time(cadence)
            for channel, cube in zip(CHANNELS, derotated, strict=True)
        }
        lags, _ = time_lag_pairs(cubes, lag_bounds=[-6, 6] * u.hour)
        built_at, used = time.perf_counter(), sum(process.cpu_times()[:2])
        futures = client.compute(list(lags.values()))
        sent_at = time.perf_counter()
        tasks = client.run_on_scheduler(wait_for_graph)
        received_at = time.perf_counter()
        figures = {
            "derotate_to, ms a frame": (derotated_at - began) / len(CHANNELS) / frames * 1e3,
            "resampling and lags of all pairs (s)": built_at - derotated_at,
            "the client hands the graph over (s)": sent_at - built_at,
            "until the scheduler has it (s)": received_at - sent_at,
            "memory of the client above the open frames (MB)": peak_memory() - before,
            "CPU of the scheduler (s)": sum(process.cpu_times()[:2]) - used,
            "memory of the scheduler (MB)": process.memory_info().rss / MEGABYTE,
            "tasks": tasks,
        }
        del futures
    return figures


async def wait_for_graph(dask_scheduler: Any = None) -> int:
    """How many tasks a scheduler has, once it has them."""
    while not dask_scheduler.tasks:
        await asyncio.sleep(0.02)
    return len(dask_scheduler.tasks)


@contextmanager
def scheduler() -> Iterator[tuple[Any, str]]:
    """A scheduler without workers in a process of its own, and its address."""
    import psutil

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_scheduler", *options], stderr=subprocess.DEVNULL
        )
        try:
            while not (file.exists() and file.read_text().strip()):
                time.sleep(0.05)
            yield psutil.Process(process.pid), json.loads(file.read_text())["address"]
        finally:
            process.terminate()
            process.wait()


def resident() -> float:
    """Memory of this process in MB."""
    import psutil

    return psutil.Process().memory_info().rss / MEGABYTE


def peak_memory() -> float:
    """The most memory of this process that was resident, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def opened(frames: int) -> list[Any]:
    """A sequence of each channel. The server has one channel, whose headers are changed once they are read."""
    from sunpy_heliocloud import LazyMapSequence

    sequences = []
    for i, channel in enumerate(CHANNELS):
        urls = [f"s3://frames/{len(CHANNELS) * number + i}.fits" for number in range(frames)]
        sequence = LazyMapSequence(urls)
        sequences.append(
            sequence.update_headers(lambda header, channel=channel: header | {"WAVELNTH": channel})
        )
    return sequences


if __name__ == "__main__":
    main()
