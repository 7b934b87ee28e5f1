"""Ctrl-C: the traceback comes at once, no request starts any more, and the process ends, whatever the server does."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import dask
import numpy as np
import pytest
from dask.callbacks import Callback
from servers import answer, raw_server
from small_bucket import image

from sunpy_heliocloud import LazyMapSequence

# Processes of a pool and of a cluster run this as a module: what they do not need is not imported at its top.
CLIENT = """
    import logging
    import sys
    import dask

    def compute(cube):
        if sys.argv[1] == "cluster":
            from distributed import Client, LocalCluster

            # distributed logs, with a traceback, each connection that is lost when it is in use at the end.
            quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
            with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster, Client(cluster):
                cube.compute()
        else:
            dask.compute(cube, scheduler=sys.argv[1], num_workers=2)

    if __name__ == "__main__":
        from sunpy_heliocloud import LazyMapSequence

        sequence = LazyMapSequence(sys.argv[3:])
        if sys.argv[2] == "verify":
            sequence.verify()
        compute(sequence.to_cube())
"""
ROOT = Path(__file__).parents[1]


def hang(head, body):
    yield 100.0


def trickle(head, body):
    yield head
    for byte in body * 100:
        yield bytes([byte])
        yield 0.02


def refuse(head, body):
    yield from answer("503 Slow Down")


@pytest.mark.parametrize(
    ("scheduler", "what", "fault"),
    [
        ("threads", "compute", hang),
        ("threads", "compute", refuse),
        ("threads", "verify", trickle),
        ("processes", "compute", trickle),
        ("cluster", "compute", hang),
    ],
)
def test_ctrl_c_ends_the_process_with_one_traceback_and_no_further_request(tmp_path, scheduler, what, fault):
    """Processes start, and import for seconds. A terminal interrupts the workers, too."""
    rng = np.random.default_rng(1)
    files = {f"/{i:02}.fits": image(i, 171, rng) for i in range(16)}
    pixels: list[str] = []
    under_way = 8 if what == "verify" else 2

    def respond(path, headers):
        first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
        part = files[path][first : last + 1]
        said = f"bytes {first}-{first + len(part) - 1}/{len(files[path])}"
        head, body = answer("206 Partial Content", part, Content_Range=said, ETag='"one"')
        if path not in opened:
            opened.add(path)
            return [head, body]
        pixels.append(path)
        return fault(head, body)

    opened: set[str] = set()
    script = tmp_path / "client.py"
    script.write_text(textwrap.dedent(CLIENT))
    with raw_server(respond) as (base, asked):
        client = subprocess.Popen(
            [sys.executable, script, scheduler, what, *(base + path for path in files)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "SUNPY_HELIOCLOUD_CACHE": "off"},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            while len(pixels) < under_way and client.poll() is None:
                time.sleep(0.01)
            os.killpg(client.pid, signal.SIGINT)
            before = len(asked)
            _, errors = client.communicate(timeout=30)
        finally:
            client.kill()
        assert errors.count("Traceback") == 1, errors
        assert errors.rstrip().endswith("KeyboardInterrupt")
        assert len(asked) <= before + 2  # that were under way when the signal came


def test_after_ctrl_c_the_same_process_computes_again(tmp_path):
    """As that of a notebook."""
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{i}.fits" for i in range(4)]
    for i, path in enumerate(paths):
        path.write_bytes(image(i, 171, rng))
    cube = LazyMapSequence([str(path) for path in paths]).to_cube()

    def interrupt(*task):
        raise KeyboardInterrupt

    for scheduler in ("threads", "synchronous"):
        with Callback(posttask=interrupt), pytest.raises(KeyboardInterrupt):
            dask.compute(cube, scheduler=scheduler)
        assert np.isfinite(cube.compute(scheduler=scheduler).data).all()
