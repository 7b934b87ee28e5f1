"""Tools of the tests."""

import dask

__all__ = ["no_compute"]


def no_compute():
    """
    A context in which dask computes nothing: whoever tries fails.

    Wrap the building of a graph in it, to hold that it is lazy.
    """

    def refuse(graph, keys, **kwargs):
        raise AssertionError(f"dask was asked to compute {keys}, where everything has to stay lazy")

    return dask.config.set(scheduler=refuse)
