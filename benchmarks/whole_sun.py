"""
The whole Sun on a laptop: time lags of the whole disk, strip by strip, in one process on threads.

A dozen distinct images a channel stand in for twelve hours: they are copied under the headers and times of all frames.
Each run has a process of its own; its memory is the most that was resident, imports included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TIMES = b"DATE-OBS", b"T_OBS   "


def main() -> None:
    """Measure one fresh process, and print a line of a table."""
    options = _options()
    if options.part:
        print(json.dumps(measure(options)))
        return
    from server import serve

    pixels = sum(path.stat().st_size for path in copies(options))
    with serve(options.cache) as server:
        environment = {"AWS_ENDPOINT_URL_S3": server.endpoint_url, "SUNPY_HELIOCLOUD_CACHE": "off"}
        command = [sys.executable, __file__, *sys.argv[1:], "--part"]
        before = server.traffic()
        run = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, check=True)
        traffic = server.traffic() - before
    figures = json.loads(run.stdout)
    frames = 2 * options.frames
    traffic = traffic._replace(requests=traffic.requests - figures.pop("requests of headers"))
    figures |= {
        "wall / (CPU / 2)": figures["wall (s)"] / (figures["CPU (s)"] / 2),
        "requests a frame": traffic.requests / frames,
        "bytes / files": (traffic.bytes - figures.pop("bytes of headers")) / pixels,
    }
    print(f"| {frames} frames of {options.side}x{options.side} | |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value if isinstance(value, str) else f'{value:.4g}'} |")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=180, help="of each of the two channels")
    parser.add_argument("--side", type=int, default=5000, help="of an image, in pixels")
    parser.add_argument("--distinct", type=int, default=6, help="images of each channel that differ")
    parser.add_argument("--strips", type=int, help="only so many of them, from the middle")
    parser.add_argument("--target", help="sunpy-heliocloud.memory-target")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def copies(options: argparse.Namespace) -> list[Path]:
    """The files of all frames, in the order of channels and times; made of a few, unless an earlier run has."""
    from job import CADENCE, first_time
    from simulated import COOL, HOT, simulate

    images = simulate(options.cache, options.distinct, (options.side, options.side))
    folder = options.cache / f"copies-{options.frames}-{options.side}"
    folder.mkdir(exist_ok=True)
    paths = []
    for channel, urls in ((HOT, images.hot), (COOL, images.cool)):
        time = first_time(options.frames)
        for url, number in zip(cycle(urls), range(options.frames), strict=False):
            path = folder / f"{channel:04d}.{number:04d}.fits"
            paths.append(path)
            if not path.exists():
                content = (options.cache / url.removeprefix("s3://")).read_bytes()
                path.write_bytes(_at(content, (time + number * CADENCE).isot))
    return paths


def _at(content: bytes, time: str) -> bytes:
    """A file with another time of observation."""
    for keyword in TIMES:
        start = content.index(keyword + b"= '") + len(keyword) + 3
        content = content[:start] + time.encode() + content[start + len(time) :]
    return content


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The job, from the URLs to the lags."""
    import dask
    from job import CADENCE, MIDPOINT
    from measure import stay_offline

    import astropy.units as u

    from sunpy_heliocloud import LazyMapSequence
    from sunpy_heliocloud.io.ranges import bytes_received
    from sunpy_heliocloud.lazy.made_together import rows_made_together

    stay_offline()
    paths = [f"s3://{path.parent.name}/{path.name}" for path in copies(options)]
    hot, cool = (LazyMapSequence(some) for some in (paths[: options.frames], paths[options.frames :]))
    headers = bytes_received()
    before = peak_memory()
    began, used = time.perf_counter(), time.process_time()
    with dask.config.set({"sunpy-heliocloud.memory-target": options.target}):
        ref_map = cool.nearest(MIDPOINT)
        cubes = [sequence.to_cube().derotate_to(ref_map).resample_time(CADENCE) for sequence in (hot, cool)]
        lag = cubes[0].time_lag(cubes[1], lag_bounds=[-2, 2] * u.hour)
        cost = lag.estimate()
        if options.strips:
            middle = rows_made_together(lag.data)[cost.strips // 2 :][: options.strips]
            lag = lag[middle[0][0] : middle[-1][1]]
        lag = lag.compute()
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    return {
        "estimate": str(cost),
        "memory before (MB)": before,
        "wall (s)": wall,
        "CPU (s)": cpu,
        "peak memory (MB)": peak_memory(),
        "pixels with a lag": f"{(lag.data == lag.data).mean():.1%}",
        "requests of headers": 2 * options.frames,
        "bytes of headers": headers,
    }


def peak_memory() -> float:
    """The most memory of this process that was resident, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
