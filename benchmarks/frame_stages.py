"""
Where the time of one frame goes: its request, decoding, pixel map and resampling, each beside what limits it.

``python benchmarks/frame_stages.py`` measures each stage by itself, in one thread, on a simulated frame of 5000 x 5000
pixels behind an S3 server on this machine, for a region of 500 arcsec (1002 x 1002 pixels), with each variant of the
kernels that the processor runs. The figures are the least of all repetitions, in milliseconds: of the request as the clock
shows them, of all else as the thread computes, so that other processes do not count.
"""

import argparse
import io
import os
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
from our_workflow import region
from server import serve
from simulated import simulate

from astropy.io import fits

from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.io.frame import FITSFrame
from sunpy_heliocloud.io.ranges import fetch
from sunpy_heliocloud.kernels import library

HERE = Path(__file__).parent


def main() -> None:
    """Measure the stages, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=30, help="of each stage (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of the simulated frames")
    options = parser.parse_args()
    job = simulate(options.cache, 10, (5000, 5000))
    with serve(options.cache) as server:
        os.environ["AWS_ENDPOINT_URL_S3"] = server.endpoint_url
        os.environ["SUNPY_HELIOCLOUD_CACHE"] = "off"
        stages = _stages(job)
        beside = [_milliseconds(name, limited, options.repetitions) for name, _, _, limited in stages]
        columns = {}
        for variant, compiled in library.variants().items():
            library._chosen = lambda compiled=compiled: compiled
            columns[variant] = [_milliseconds(name, stage, options.repetitions) for name, stage, *_ in stages]
    table = [["stage", *columns, "beside it"]]
    for i, (name, _, limit, _) in enumerate(stages):
        figures = [f"{column[i]:.1f}" for column in columns.values()]
        table.append([name, *figures, f"{beside[i]:.1f}: {limit}"])
    table.append(["together", *(f"{sum(column):.1f}" for column in columns.values()), ""])
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    print(rule, lines[0], rule, *lines[1:], rule, sep="\n")


def _stages(job) -> list[tuple[str, Callable, str, Callable]]:
    """Each stage with what it is compared to: names and calls."""
    sequence = LazyMapSequence(job.cool)
    ref_map = region(sequence.nearest(job.midpoint), job)
    frame: FITSFrame = sequence._frames.images[0]
    plane = PlaneWCS.from_wcs(sequence[0].wcs, frame.shape)
    target = PlaneWCS.from_wcs(ref_map.wcs, ref_map.data.shape)
    derotation = Derotation(target)
    (source,) = derotation.sources([plane])

    def pixel_map():
        transformation = derotation.transformation(source)
        return transformation, derotation.resampling.reach(transformation)

    transformation, window = pixel_map()
    wanted = frame.byte_range(window)
    (piece,) = fetch([wanted])
    image = frame.decode(piece.data, window, np.float32)
    derotated = np.empty(target.shape, np.float32)
    bare = urllib.request.Request(
        https_url(frame.url), headers={"Range": f"bytes={wanted.start}-{wanted.stop - 1}"}
    )

    def bare_request():
        with urllib.request.urlopen(bare) as answer:
            return answer.read()

    def resample():
        derotation.resampling.resample(image, window, transformation, derotated)

    with urllib.request.urlopen(https_url(frame.url)) as answer:
        whole_file = answer.read()

    def astropy_decode():
        with fits.open(io.BytesIO(whole_file)) as hdus:
            return hdus[-1].section[slice(*window.rows)]

    return [
        ("request", lambda: fetch([wanted]), "a bare HTTP request", bare_request),
        (
            "decoding",
            lambda: frame.decode(piece.data, window, np.float32),
            "astropy, the same rows",
            astropy_decode,
        ),
        (
            "map and window",
            pixel_map,
            "two coordinates of each pixel written to memory",
            lambda: np.full((2, *target.shape), 1.0),
        ),
        (
            "resampling, with the map again",
            resample,
            "the window read and the result written once",
            lambda: np.add(image[: target.shape[0], : target.shape[1]], 0, dtype=np.float32),
        ),
    ]


def _milliseconds(name: str, call: Callable, repetitions: int) -> float:
    clock = time.perf_counter if name == "request" else time.thread_time
    call()
    least = float("inf")
    for _ in range(repetitions):
        began = clock()
        call()
        least = min(least, clock() - began)
    return 1e3 * least


if __name__ == "__main__":
    main()
