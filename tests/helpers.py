"""Tools of the tests."""

import dask

from sunpy_heliocloud.io.frame import Window, read_windows

__all__ = ["no_compute", "read_from", "read_rows"]


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
