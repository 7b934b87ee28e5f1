"""
Jobs that go on whatever fails: the server, workers, the client, the scheduler, the place of the store.

``make soak`` prints a table: what was injected, whether the job survived, how often frames were read in vain or again,
and whether the result is the same to the bit. It takes some minutes and needs no network.
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from faulty_server import serve
from soak_job import Row, cluster, cube_of, fingerprint
from soak_losses import lost_frames
from soak_processes import killed_clients, killed_scheduler, killed_workers
from soak_servers import faults_of_the_server, full_disk, store_away

JOBS: dict[str, list[Callable[..., Row]]] = {
    "server": [
        faults_of_the_server,
        partial(faults_of_the_server, where=cluster),
    ],
    "workers": [killed_workers],
    "client": [killed_clients],
    "scheduler": [killed_scheduler],
    "store": [store_away],
    "disk": [full_disk],
    "losses": [lost_frames],
}


def main() -> int:
    """Run all, print the table. Not 0 if a result differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--frames", type=int, default=360)
    parser.add_argument("--what", nargs="+", choices=list(JOBS), default=list(JOBS), help="by default all")
    parser.add_argument("--csv", type=Path, help="a file for the table, such as docs/how_to/soak.csv")
    options = parser.parse_args()
    os.environ["SUNPY_HELIOCLOUD_CACHE"] = "off"
    rows = []
    with serve() as server:
        cube = cube_of(server.urls(options.frames))
        server.order()
        began = time.monotonic()
        expected = fingerprint(cube.compute())
        extra = server.order()["requests"] - options.frames
        rows.append(Row("nothing, threads", "-", "yes", str(extra), "same", time.monotonic() - began))
        _show(rows[-1])
        for run in (run for what in options.what for run in JOBS[what]):
            rows.append(run(server, options.frames, expected))
            _show(rows[-1])
    if options.csv:
        with options.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [*texts, f"{seconds:.0f} s"] for *texts, seconds in rows
            )
    return 1 if any(row.bits == "DIFFERENT" or row.survived == "NO" for row in rows) else 0


def _show(row: Any) -> None:
    *texts, seconds = row
    widths = (18, 50, 9, 20, 10)
    print(
        "".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)) + f"{seconds:7.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
