"""Tools of the tests."""

import contextlib
import os
from unittest.mock import patch

import dask

from sunpy_heliocloud.io.frame import Window, read_windows
from sunpy_heliocloud.simulation import LocalServer

__all__ = ["no_compute", "read_from", "read_rows", "server_of_all_tests"]


def no_compute():
    """
    A context in which dask computes nothing: whoever tries fails.

    Wrap the building of a graph in it, to hold that it is lazy.
    """

    def refuse(graph, keys, **kwargs):
        raise AssertionError(f"dask was asked to compute {keys}, where everything has to stay lazy")

    return dask.config.set(scheduler=refuse)


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
