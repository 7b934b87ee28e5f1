"""
What reading costs: requests, bytes, time and memory of opening frames and of derotating a region of them.

Each part runs in a process of its own, against a server that has as many frames of 5000 x 5000 pixels as one likes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from job import Job
from repeating import counts, serve_repeatedly
from simulated import simulate

HERE = Path(__file__).parent
FRAMES = 10
LATENCY = 0.05  # s
MEGABYTE = 1e6


def main() -> None:
    """Measure all parts, print a table."""
    options = _options()
    if options.part:
        print(json.dumps(PARTS[options.part](options.number, options.file_size)))
        return
    job = simulate(options.cache, FRAMES, (5000, 5000))
    files = [options.cache / url.removeprefix("s3://") for url in job.hot]
    size = sum(file.stat().st_size for file in files) / len(files)
    results: dict[str, Any] = {"file (MB)": size / MEGABYTE}
    with serve_repeatedly(files) as near, serve_repeatedly(files, LATENCY) as far:
        results["derotating, near"] = _run("derotating", options.number, size, near)
        results["derotating, 50 ms away"] = _run("derotating", options.number, size, far)
        for number in options.scale:
            results[f"{number} frames"] = _run("opening", number, size, near)
    print(json.dumps(results, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[1], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--number", type=int, default=48, help="of frames that are derotated")
    parser.add_argument(
        "--scale", type=int, nargs="*", default=[1000, 10_000], help="numbers of frames to open"
    )
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    parser.add_argument("--part", choices=("derotating", "opening"), help=argparse.SUPPRESS)
    parser.add_argument("--file-size", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(part: str, number: int, size: float, endpoint_url: str) -> dict[str, float]:
    print(f"{part} {number} frames", file=sys.stderr, flush=True)
    environment = os.environ | {"AWS_ENDPOINT_URL_S3": endpoint_url, "SUNPY_HELIOCLOUD_CACHE": "off"}
    command = [sys.executable, __file__, "--part", part, "--number", str(number), "--file-size", str(size)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def derotating(number: int, size: float) -> dict[str, float]:
    """Open frames and derotate a region of 500 arcsec, in two threads."""
    import dask

    from sunpy_heliocloud import LazyMapSequence

    endpoint_url = os.environ["AWS_ENDPOINT_URL_S3"]
    urls = [f"s3://frames/{i}.fits" for i in range(number)]
    with dask.config.set(scheduler="threads", num_workers=2):
        sequence = LazyMapSequence(urls)
        ref_map = _region(sequence)
        # What is compiled or imported at first use is done, and connections are open.
        sequence[:8].to_cube().derotate_to(ref_map).compute()
        before, began = counts(endpoint_url), time.perf_counter()
        LazyMapSequence(urls)
        opening = counts(endpoint_url), time.perf_counter()
        cube = sequence.to_cube().derotate_to(ref_map)
        cube.compute()
        reading = counts(endpoint_url), time.perf_counter()
    rows = sum(_row_bytes(sequence, ref_map)) / number
    cost = sequence.estimate(ref_map)
    requests, moved = (after - first for after, first in zip(reading[0], opening[0], strict=True))
    return {
        "opening, requests a frame": (opening[0][0] - before[0]) / number,
        "opening, kB a frame": (opening[0][1] - before[1]) / number / 1e3,
        "opening, ms a frame": (opening[1] - began) / number * 1e3,
        "derotating, requests a frame": requests / number,
        "derotating, MB a frame": moved / number / MEGABYTE,
        "derotating, share of the file": moved / number / size,
        "derotating, against the compressed rows": moved / number / rows,
        "derotating, ms a frame": (reading[1] - opening[1]) / number * 1e3,
        "estimate of requests / counted": cost.requests / requests,
        "estimate of bytes / counted": float(cost.bytes.to_value("byte") / moved),
    }


def _region(sequence: Any) -> Any:
    from astropy.coordinates import SkyCoord

    full_disk = sequence[len(sequence) // 2]
    bottom_left = SkyCoord(*(Job.center - Job.width / 2), frame=full_disk.coordinate_frame)
    return full_disk.submap(bottom_left, width=Job.width, height=Job.width)


def _row_bytes(sequence: Any, ref_map: Any) -> list[int]:
    """The compressed size of the rows on which the region lies, in each frame."""
    from sunpy_heliocloud.io.frame import Window

    first = round(sequence[0].wcs.world_to_pixel(ref_map.bottom_left_coord)[1].item())
    rows = first, first + ref_map.data.shape[0]
    ranges = [frame.byte_range(Window(rows, (0, frame.shape[1]))) for frame in sequence._frames.images]
    return [wanted.stop - wanted.start for wanted in ranges]


def opening(number: int, size: float) -> dict[str, float]:
    """Open many frames, and build and optimise the graph that derotates them."""
    import dask

    from sunpy_heliocloud import LazyMapSequence

    LazyMapSequence(["s3://frames/0.fits"])  # s3fs is imported, and connected
    urls = [f"s3://frames/{i}.fits" for i in range(number)]
    baseline, began, began_cpu = _resident(), time.perf_counter(), time.process_time()
    sequence = LazyMapSequence(urls)
    opened, opened_cpu, kept, peak = time.perf_counter(), time.process_time(), _resident(), _peak()
    ref_map = _region(sequence)
    sequence[:8].to_cube().derotate_to(ref_map)
    began_graph, began_graph_cpu = time.perf_counter(), time.process_time()
    cube = sequence.to_cube().derotate_to(ref_map)
    (optimized,) = dask.optimize(cube.data)
    tasks = len(optimized.__dask_graph__())
    return {
        "opening (s)": opened - began,
        "opening, ms a frame": (opened - began) / number * 1e3,
        "opening, CPU ms a frame": (opened_cpu - began_cpu) / number * 1e3,
        "memory kept above imports (MB)": (kept - baseline) / MEGABYTE,
        "peak while opening (MB)": (peak - baseline) / MEGABYTE,
        "graph built and optimised (s)": time.perf_counter() - began_graph,
        "graph built and optimised, CPU (s)": time.process_time() - began_graph_cpu,
        "tasks a frame": tasks / number,
        "peak with the graph (MB)": (_peak() - baseline) / MEGABYTE,
    }


def _resident() -> int:
    """Bytes of memory of this process."""
    import psutil

    return psutil.Process().memory_info().rss


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


PARTS = {"derotating": derotating, "opening": opening}

if __name__ == "__main__":
    main()
