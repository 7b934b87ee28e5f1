"""SIGKILL for workers, the client and the scheduler, while a cube is saved."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faulty_server import FaultyServer
from soak_job import Row, bits, cluster, cube_of, loaded, wait_for

__all__ = ["killed_clients", "killed_scheduler", "killed_workers"]

SAVE = """
import sys
sys.path.insert(0, sys.argv[1])
from soak_job import cube_of
if __name__ == "__main__":
    cube_of(sys.argv[3:]).save(sys.argv[2])
"""


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
    return Row("workers killed", f"{len(killed)} × kill -9", "yes", str(extra), bits(same), seconds)


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
    return Row("client killed", "at 10, 50, 90 %", "yes", str(extra), bits(same), seconds)


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
                target=lambda: (wait_for(store, frames, 0.5), scheduler.kill()), daemon=True
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
        bits(same),
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
