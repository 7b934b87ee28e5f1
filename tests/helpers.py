"""Tools of the tests."""

import asyncio
import contextlib
import os
from unittest.mock import patch

import dask

from sunpy_heliocloud.io.frame import Window, read_windows
from sunpy_heliocloud.simulation import LocalServer

__all__ = ["event_loops_closed", "no_compute", "read_from", "read_rows", "server_of_all_tests"]


def no_compute():
    """
    A context in which dask computes nothing: whoever tries fails.

    Wrap the building of a graph in it, to hold that it is lazy.
    """

    def refuse(graph, keys, **kwargs):
        raise AssertionError(f"dask was asked to compute {keys}, where everything has to stay lazy")

    return dask.config.set(scheduler=refuse)


@contextlib.contextmanager
def event_loops_closed():
    """
    Close the event loops that are made in the block.

    parfive leaves them unclosed: a collection of garbage in some later test would warn of them.
    """
    new_event_loop, loops = asyncio.new_event_loop, []

    def noted():
        loops.append(new_event_loop())
        return loops[-1]

    try:
        with patch("asyncio.new_event_loop", noted):
            yield
    finally:
        for loop in loops:
            if not loop.is_running():  # as that of fsspec's thread is, which it makes when it is first needed
                loop.close()


def read_rows(frames, rows, dtype):
    """Rows of frames as wide as they are, read together."""
    windows = [Window(some, (0, frame.shape[1])) for frame, some in zip(frames, rows, strict=True)]
    return read_windows(frames, windows, dtype)


def read_from(server, monkeypatch):
    """Let everything read from a running server until the test ends, and count from now on."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint_url)
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", server.registry_url)
    server.reset()


@contextlib.contextmanager
def server_of_all_tests():
    """A server for the whole session, which is the S3 endpoint only in tests that read from it (`read_from`)."""
    with contextlib.ExitStack() as stack:
        with patch.dict(os.environ):
            server = stack.enter_context(LocalServer())
        yield server
