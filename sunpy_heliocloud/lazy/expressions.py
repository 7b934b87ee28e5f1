"""dask's array expressions, an experimental kind of dask arrays, and what to do without them."""

__all__ = ["refuse_array_expressions"]


def refuse_array_expressions() -> None:
    """
    Raise an error where dask makes array expressions, before ndcube fails to be imported.

    Raises
    ------
    ImportError
        When ``array.query-planning`` was true as `dask.array` was imported.
    """
    import dask.array as da

    # dask 2025.1, the oldest that will do, has no expressions yet.
    if getattr(da, "array_expr_enabled", bool)():
        raise ImportError(
            "array.query-planning is True in dask's configuration, but ndcube and sunpy_heliocloud cannot use the "
            "array expressions that it stands for; before dask.array is imported, set it to False: "
            "dask.config.set({'array.query-planning': False}), or in the environment "
            "DASK_ARRAY__QUERY_PLANNING=False"
        )
