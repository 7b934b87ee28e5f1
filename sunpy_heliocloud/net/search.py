"""Search for the data sets and files of one query."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.net.catalog import catalog_entries, match, similar
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.gate import RowGate
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.index.years import index_rows
from sunpy_heliocloud.net.listing import listed_rows
from sunpy_heliocloud.net.rows import Rows
from sunpy_heliocloud.net.walker import Query
from sunpy_heliocloud.text import inert

__all__ = ["find", "warn_of", "warn_of_costs"]


def find(query: Query, gate: RowGate) -> list[tuple[Entry, Rows]]:
    """Data sets that match a query, with their files whose URLs are accepted."""
    entries = _chosen(query)
    if query.sample is not None or query.near is not None:
        _refuse_static(entries)
    look_up = listed_rows if query.lists_folders else index_rows
    found = look_up(entries, query.start, query.last)
    return [
        (entry, _thinned(gate.admit(rows, entry.trusted), query))
        for entry, rows in zip(entries, found, strict=True)
    ]


def _chosen(query: Query) -> list[Entry]:
    """Data sets that match a query."""
    available, errors = catalog_entries(query.bucket)
    if errors and not available:
        raise errors[0]
    try:
        chosen = _narrowed(available, query)
    except ValueError as e:
        # A data set that is not in other buckets may be in a bucket that cannot be read now.
        if errors:
            raise CatalogError(
                " ".join([str(e), "But not all buckets could be read:", *map(str, errors)])
            ) from errors[0]
        raise
    warn_of(errors)
    return chosen


def _narrowed(available: Sequence[Entry], query: Query) -> list[Entry]:
    chosen = match(available, query.dataset)
    if not chosen:
        close = ", ".join(map(repr, similar(available, query.dataset)))
        raise ValueError(
            f"There is no data set {inert(query.dataset)!r} in HelioCloud."
            + (f" Did you mean one of {close}?" if close else "")
            + " sunpy_heliocloud.net.datasets() lists all data sets."
        )
    for one in query.filters:
        kept = [entry for entry in chosen if one.keeps(entry)]
        if not kept:
            have = ", ".join(
                sorted({one.shows(entry) or "none that is known" for entry in chosen}, key=_by_number)
            )
            names = ", ".join(entry.id for entry in chosen[:5]) + (", ..." if len(chosen) > 5 else "")
            raise ValueError(f"{one.asked} matches none of the data sets {names}. What they have: {have}.")
        chosen = kept
    return chosen


def _refuse_static(entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.is_static:
            raise ValueError(
                f"The files of {entry.id} have no times: remove a.Sample, or near from a.Time, to get all of them"
            )


def _by_number(text: str) -> tuple[float, str]:
    """Sort key that puts 94 Å before 131 Å."""
    number = re.match(r"\d+", text)
    return (float(number[0]) if number else np.inf), text


def warn_of(errors: Sequence[CatalogError]) -> None:
    """Warn of buckets that are missing from a result."""
    for error in errors:
        warn_user(f"A bucket of HelioCloud is left out: {error}")


def warn_of_costs(entries: Iterable[Entry]) -> None:
    """Warn of costs before any data are read."""
    for bucket, egress in {
        entry.bucket: entry.egress for entry in entries if entry.is_paid_by_reader
    }.items():
        warn_user(
            f"The reader pays for data from {inert(bucket)} (its catalogue says {egress!r}), and reading needs an "
            "account: LazyMapSequence(..., storage_options={'requester_pays': True, 'key': ..., 'secret': ...})"
        )


def _thinned(rows: Rows, query: Query) -> Rows:
    """Apply ``a.Sample`` and ``near`` to the files of one data set, which are in time order."""
    if query.sample is not None:
        offset = (rows.start - query.start) / query.sample
        point = np.clip(np.round(offset), 0, (query.last - query.start) // query.sample)
        nearest_first = np.lexsort([np.abs(offset - point), point])
        _, first = np.unique(point[nearest_first], return_index=True)
        rows = rows.take(nearest_first[first])
    if query.near is not None and len(rows.start):
        rows = rows.take(np.argmin(np.abs(rows.start - query.near), keepdims=True))
    return rows
