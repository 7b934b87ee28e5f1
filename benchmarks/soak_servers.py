"""Servers that fail: of the frames, of the store; and a disk that is full."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from faulty_server import FAULTS, FaultyServer
from gate import gate
from soak_job import Row, bits, cube_of, fingerprint

__all__ = ["faults_of_the_server", "full_disk", "store_away"]

FULL_DISK = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from soak_job import cube_of, loaded
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


def faults_of_the_server(
    server: FaultyServer, frames: int, expected: str, where: Callable = nullcontext
) -> Row:
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
    return Row(f"server, {name}", said, "yes", f"{extra} ({extra / total:.2f} a fault)", bits(same), seconds)


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
    return Row("store away", f"no connection for {seconds_away:g} s", "yes", str(extra), bits(same), seconds)


def full_disk(server: FaultyServer, frames: int, expected: str) -> Row:
    """A disk that is full in the middle of a save, in a file system of its own; then there is room."""
    said = "in the middle, then room"
    if not can_mount():
        return Row("disk full", said, "not tried", "-", "-", 0.0)
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
    *_, survived, found = ["NO", "", *child.stdout.split()]
    return Row("disk full", said, survived, str(extra), bits(found == expected), seconds)


def can_mount() -> bool:
    """Whether a process of this user may have a file system of its own, which is of Linux, and not allowed everywhere."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and not subprocess.run(
            [unshare, "--map-root-user", "--mount", "true"], capture_output=True
        ).returncode
    )
