"""Ctrl-C: the traceback comes at once, no request starts any more, and the process ends, whatever the server does."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from dask.callbacks import Callback
from servers import answer, raw_server
from small_bucket import image

from sunpy_heliocloud import LazyMapSequence

# A process that imports for seconds, then becomes a client, or forks one for each line that it is given.
# Processes of a pool and of a cluster run this as a module: what they do not need is not imported at its top.
CLIENTS = """
    import json
    import logging
    import os
    import sys
    import dask

    def compute(cube, scheduler):
        if scheduler == "cluster":
            from distributed import Client, LocalCluster

            # distributed logs, with a traceback, each connection that is lost when it is in use at the end.
            quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
            with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as cluster, Client(cluster):
                cube.compute()
        else:
            dask.compute(cube, scheduler=scheduler, num_workers=2)

    def client(scheduler, what, errors, urls):
        os.setsid()
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        sequence = LazyMapSequence(urls)
        if what == "verify":
            sequence.verify()
        compute(sequence.to_cube(), scheduler)

    if __name__ == "__main__":
        from sunpy_heliocloud import LazyMapSequence, stacking  # noqa: F401, for the clients that are forked

        for line in sys.stdin:
            arguments = json.loads(line)
            if arguments[0] == "threads" and (process := os.fork()):
                os.waitpid(process, 0)
            else:
                print(os.getpid(), flush=True)
                client(*arguments)
                break
"""
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """
    A function that starts a client, and gives its process.

    Those that compute in threads are forked from one process; others, which start workers, begin from nothing.
    """
    script = tmp_path_factory.mktemp("clients") / "clients.py"
    script.write_text(textwrap.dedent(CLIENTS))
    # A process with threads, such as those of numpy, must not fork.
    more = {"PYTHONPATH": str(ROOT), "SUNPY_HELIOCLOUD_CACHE": "off", "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:

        def process():
            return stack.enter_context(psutil.Popen([sys.executable, script], env=os.environ | more, **pipes))

        forking = process()

        def start(*arguments):
            one = forking if arguments[0] == "threads" else process()
            one.stdin.write(json.dumps(arguments) + "\n")
            one.stdin.flush()
            number = int(one.stdout.readline())
            return one if number == one.pid else psutil.Process(number)

        yield start


def has_ended(process, timeout=0.0):
    return bool(psutil.wait_procs([process], timeout=timeout)[0])


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
def test_ctrl_c_ends_the_process_with_one_traceback_and_no_further_request(
    start, tmp_path, scheduler, what, fault
):
    """Workers start, and import for seconds. A terminal interrupts them, too."""
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
    with raw_server(respond) as (base, asked):
        client = start(scheduler, what, str(tmp_path / "errors"), [base + path for path in files])
        try:
            while len(pixels) < under_way and not has_ended(client):
                time.sleep(0.01)
            os.killpg(client.pid, signal.SIGINT)
            before = len(asked)
            assert has_ended(client, timeout=30)
        finally:
            if not has_ended(client):
                os.killpg(client.pid, signal.SIGKILL)
        errors = (tmp_path / "errors").read_text()
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
