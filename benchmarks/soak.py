"""
Jobs that go on whatever fails: the server, workers, the client, the scheduler, the place of the store.

``make soak`` prints a table: what was injected, whether the job survived, how often frames were read in vain or again,
and whether the result is the same to the bit. It takes some minutes and needs no network.
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from faulty_server import FAULTS, FaultyServer, serve
from gate import gate

# Workers import this file when they start; what takes long to import is imported in functions.
if TYPE_CHECKING:
    from distributed import LocalCluster

    from sunpy_heliocloud import TimeLagCube

SAVE = """
import sys
sys.path.insert(0, sys.argv[1])
from soak import cube_of
if __name__ == "__main__":
    cube_of(sys.argv[3:]).save(sys.argv[2])
"""

FULL_DISK = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from soak import cube_of, loaded
if __name__ == "__main__":
    cube, folder = cube_of(sys.argv[3:]), sys.argv[2]
    room = cube.data.nbytes // 2
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "none", folder], check=True)
    try:
        cube.save(folder + "/store")
    except OSError as error:
        said = "No space left" in str(error)
    subprocess.run(["mount", "-o", f"remount,size={room * 4}", folder], check=True)
    cube.save(folder + "/store")
    print("resumed" if said else "NO", loaded(folder + "/store"))
"""


class Row(NamedTuple):
    """A line of the table."""

    what: str
    injected: str
    survived: str
    extra: str
    bits: str
    seconds: float


def cube_of(urls: list[str]) -> "TimeLagCube":
    """The job: a region of each frame, derotated to the middle one."""
    import astropy.units as u

    from sunpy_heliocloud import LazyMapSequence

    sequence = LazyMapSequence(urls)
    corner, size = [150, 150] * u.pix, {"width": 200 * u.pix, "height": 200 * u.pix}
    return sequence.to_cube().derotate_to(sequence[len(sequence) // 2].submap(corner, **size))


@contextmanager
def cluster() -> Iterator["LocalCluster"]:
    """Two workers of one thread."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made, Client(made):
        yield made


def fingerprint(cube: "TimeLagCube") -> str:
    """Of the pixels of a cube in memory."""
    return hashlib.sha256(cube.data.tobytes()).hexdigest()


def loaded(store: Path) -> str:
    """The fingerprint of a saved cube."""
    from sunpy_heliocloud import TimeLagCube

    return fingerprint(TimeLagCube.load(store).compute())


def faults_of_the_server(server: FaultyServer, frames: int, expected: str, where: Callable) -> Row:
    """Errors, cut and reset connections, and requests without an answer."""
    cube = cube_of(server.urls(frames))
    with where():
        cube[:8].compute()  # imports
        server.order(**FAULTS)
        began = time.monotonic()
        same = fingerprint(cube.compute()) == expected
        seconds = time.monotonic() - began
    counts = server.order()
    injected = {name: counts.get(name, 0) for name in FAULTS}
    extra, total = counts["requests"] - frames, max(1, sum(injected.values()))
    name = "threads" if where is nullcontext else "2 workers"
    said = ", ".join(f"{count} × {kind}" for kind, count in injected.items())
    return Row(f"server, {name}", said, "yes", f"{extra} ({extra / total:.2f} a fault)", _bits(same), seconds)


def killed_workers(server: FaultyServer, frames: int, expected: str, kills: int = 5) -> Row:
    """SIGKILL for a random worker, several times, while the job is saved."""
    cube, chance = cube_of(server.urls(frames)), random.Random(1)  # noqa: S311  no secret
    with tempfile.TemporaryDirectory() as folder, cluster() as made:
        cube[:8].compute()
        server.order()
        done, began = Path(folder, "store", "data", "done"), time.monotonic()
        killed = []

        def kill() -> None:
            chunks = -(-frames // 16)
            for part in range(1, kills + 1):
                while not (done.exists() and len(list(done.iterdir())) * (kills + 1) >= part * chunks):
                    time.sleep(0.02)
                alive = [one.process.pid for one in made.workers.values() if one.process and one.process.pid]
                os.kill(chance.choice(alive), signal.SIGKILL)
                killed.append(part)

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        cube.save(Path(folder, "store"))
        seconds = time.monotonic() - began
        extra = server.order()["requests"] - frames
        same = loaded(Path(folder, "store")) == expected
    return Row("workers killed", f"{len(killed)} × kill -9", "yes", str(extra), _bits(same), seconds)


def killed_clients(server: FaultyServer, frames: int, expected: str) -> Row:
    """SIGKILL for the client at 10, 50 and 90 % of a save, which the next client resumes."""
    cube, chunks = cube_of(server.urls(frames)), -(-frames // 16)
    opened = 0
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        server.order()
        began = time.monotonic()
        for percent in (10, 50, 90):
            client = subprocess.Popen(
                [sys.executable, "-c", SAVE, Path(__file__).parent, store, *server.urls(frames)],
                env=os.environ | {"SUNPY_HELIOCLOUD_CACHE": "off"},
            )
            opened += frames
            done = store / "data" / "done"
            while client.poll() is None and not (
                done.exists() and len(list(done.iterdir())) * 100 >= percent * chunks
            ):
                time.sleep(0.01)
            client.kill()
            client.wait()
        cube.save(store)
        seconds = time.monotonic() - began
        extra = server.order()["requests"] - opened - frames
        same = loaded(store) == expected
    return Row("client killed", "at 10, 50, 90 %", "yes", str(extra), _bits(same), seconds)


def killed_scheduler(server: FaultyServer, frames: int, expected: str) -> Row:
    """SIGKILL for the scheduler in the middle of a save, which ends with an error, and goes on without a cluster."""
    import dask
    from distributed import Client

    cube = cube_of(server.urls(frames))
    settings = {"distributed.comm.timeouts.connect": "5s"}
    with (
        tempfile.TemporaryDirectory() as folder,
        dask.config.set(settings),
        external_cluster(folder) as scheduler,
    ):
        store = Path(folder, "store")
        with Client(scheduler_file=f"{folder}/scheduler.json") as client:
            client.wait_for_workers(2)
            server.order()
            began = time.monotonic()
            killer = threading.Thread(
                target=lambda: (_wait_for(store, frames, 0.5), scheduler.kill()), daemon=True
            )
            killer.start()
            try:
                cube.save(store)
            except OSError as error:
                said = "does not compute any more" in str(error)
            else:
                said = False
            killer.join()
        cube.save(store)
        seconds = time.monotonic() - began
        extra = server.order()["requests"] - frames
        same = loaded(store) == expected
    return Row(
        "scheduler killed",
        "kill -9 at 50 %",
        "yes, resumed" if said else "NO",
        str(extra),
        _bits(same),
        seconds,
    )


@contextmanager
def external_cluster(folder: str) -> Iterator[subprocess.Popen]:
    """A scheduler and two workers as processes of their own; gives the scheduler."""
    file = ["--scheduler-file", f"{folder}/scheduler.json"]
    addresses = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    started = []
    try:
        for part in (
            ["scheduler", "--port", "0", *addresses],
            ["worker", "--nworkers", "2", "--nthreads", "1", *addresses],
        ):
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *part, *file], stderr=subprocess.DEVNULL, cwd=folder
                )
            )
            while not Path(folder, "scheduler.json").exists():
                time.sleep(0.02)
        yield started[0]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait()


def store_away(server: FaultyServer, frames: int, expected: str, seconds_away: float = 60.0) -> Row:
    """The server of the store takes no connections for a minute, in the middle of a save."""
    from sunpy_heliocloud import TimeLagCube
    from sunpy_heliocloud.simulation import LocalServer

    cube = cube_of(server.urls(frames))
    with LocalServer() as stores, gate(stores.endpoint_url) as entrance:
        options = stores.storage_options | {"endpoint_url": entrance.url}
        server.order()
        began = time.monotonic()

        def shut() -> None:
            while sum("/data/done/" in one.key for one in stores.log) < frames / 16 / 3:
                time.sleep(0.02)
            entrance.shut()
            time.sleep(seconds_away)
            entrance.open()

        shutter = threading.Thread(target=shut, daemon=True)
        shutter.start()
        cube.save(f"{stores.url}store", storage_options=options)
        seconds = time.monotonic() - began
        shutter.join()
        extra = server.order()["requests"] - frames
        same = (
            fingerprint(TimeLagCube.load(f"{stores.url}store", storage_options=options).compute()) == expected
        )
    return Row("store away", f"no connection for {seconds_away:g} s", "yes", str(extra), _bits(same), seconds)


def full_disk(server: FaultyServer, frames: int, expected: str) -> Row:
    """A disk that is full in the middle of a save, in a file system of its own; then there is room."""
    with tempfile.TemporaryDirectory() as folder:
        server.order()
        began = time.monotonic()
        child = subprocess.run(
            ["unshare", "--map-root-user", "--mount", sys.executable, "-c", FULL_DISK]
            + [str(Path(__file__).parent), folder, *server.urls(frames)],
            env=os.environ | {"SUNPY_HELIOCLOUD_CACHE": "off"},
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - began
        extra = server.order()["requests"] - 2 * frames
    *_, said, found = ["NO", "", *child.stdout.split()]
    return Row("disk full", "in the middle, then room", said, str(extra), _bits(found == expected), seconds)


def _wait_for(store: Path, frames: int, share: float) -> None:
    """Until a share of the chunks of a store are written."""
    done = store / "data" / "done"
    while not (done.exists() and len(list(done.iterdir())) >= share * -(-frames // 16)):
        time.sleep(0.01)


def _bits(same: bool) -> str:
    return "same" if same else "DIFFERENT"


JOBS: dict[str, list[Callable[..., Row]]] = {
    "server": [
        partial(faults_of_the_server, where=nullcontext),
        partial(faults_of_the_server, where=cluster),
    ],
    "workers": [killed_workers],
    "client": [killed_clients],
    "scheduler": [killed_scheduler],
    "store": [store_away],
    "disk": [full_disk],
}


def main() -> int:
    """Run all, print the table. Not 0 if a result differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--frames", type=int, default=360)
    parser.add_argument("--what", nargs="+", choices=list(JOBS), default=list(JOBS), help="by default all")
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
    return 0 if all(row.bits == "same" and row.survived != "NO" for row in rows) else 1


def _show(row: Any) -> None:
    *texts, seconds = row
    widths = (18, 50, 9, 20, 10)
    print(
        "".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)) + f"{seconds:7.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
