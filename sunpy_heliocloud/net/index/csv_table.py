"""
CSV indexes, in two steps: where the rows are and when their files begin and end; then the other fields of a few rows.

Columns are start, stop, datakey, filesize and any more, in that order; before version 0.5 of the specification there was
no stop, or one of the columns behind filesize was called so. The order of rows does not matter.
"""

from collections.abc import Callable

import numpy as np

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.cache_content import slices
from sunpy_heliocloud.io.cache_file import Sliceable
from sunpy_heliocloud.net.index.csv_lines import Layout, Lines
from sunpy_heliocloud.net.rows import Rows
from sunpy_heliocloud.text import inert

__all__ = ["TIMETABLE", "filled_stops", "read_rows", "timetable"]

# When files begin and end, and where the row that says so is.
TIMETABLE = np.dtype(
    [("start", "M8[us]"), ("stop", "M8[us]"), ("begin", "i8"), ("end", "i8"), ("number", "i8")]
)


def timetable(data: bytes, url: str) -> np.ndarray:
    """
    Find the rows of an index and their times.

    A file without a stop ends at the start of the next file; the last file has the median duration of the
    others.

    Parameters
    ----------
    data
        The index.
    url
        Where it is from, for messages.

    Returns
    -------
    `numpy.ndarray`
        The rows (`TIMETABLE`) in time order.

    Raises
    ------
    CatalogError
        If a row cannot be understood; names the URL, the row's number and its text.
    LimitError
        If it has more rows or bytes than ``sunpy_heliocloud.limits`` allow.
    """
    limits.check("index_bytes", len(data), inert(url))
    limits.check("index_rows", data.count(b"\n"), inert(url))
    layout = Layout.of(data)
    lines = Lines.of(data, url, layout)
    table = np.empty(len(lines.begin), TIMETABLE)
    table["start"] = lines.times(0)
    table["stop"] = np.datetime64("NaT", "us") if layout.stop is None else lines.times(layout.stop)
    table["begin"], table["end"], table["number"] = lines.begin, lines.end, lines.number
    table = table[np.argsort(table["start"], kind="stable")]
    table["stop"] = filled_stops(table["start"], table["stop"])
    return table


def read_rows(
    data: Sliceable,
    url: str,
    table: np.ndarray,
    describe: Callable[[int], list[str]] = lambda required: [],
) -> Rows:
    """
    Read some rows of an index.

    Parameters
    ----------
    data
        The index.
    url
        Where it is from, for messages.
    table
        Those rows of its `timetable`.
    describe
        Function of the number of required columns that gives the names of all columns. It is called if the
        index names fewer columns than it has.

    Returns
    -------
    Rows
        In the same order.

    Raises
    ------
    CatalogError
        If a row cannot be understood; names the URL, the row's number and its text.
    """
    layout = Layout.of(data)
    texts = slices(data, table["begin"], table["end"])
    lines = Lines.of(b"\n".join(texts), url, layout, table["number"])
    more = lines.more(layout.names, describe)
    if layout.stop is not None and layout.stop > 1:
        more.pop(layout.names[layout.stop], None)
    return Rows(table["start"], table["stop"], lines.urls(), lines.sizes(), more)


def filled_stops(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """
    Let rows that have no stop end where the next row starts, and the last after the median of the others.

    Parameters
    ----------
    starts, stops
        In time order.
    """
    missing = np.isnat(stops)
    if not missing.any():
        return stops
    durations = np.diff(starts[~np.isnat(starts)])
    last = np.median(durations.astype(int)).astype(int) if durations.size else 0
    following = starts.copy()
    following[: len(durations)] += durations
    following[len(durations) : len(durations) + 1] += np.timedelta64(last, "us")
    return np.where(missing, following, stops)
