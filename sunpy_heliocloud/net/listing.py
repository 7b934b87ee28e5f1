"""Listing of the folders of data sets in S3."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.filesystem import https_url
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.http import CatalogError, in_parallel, read
from sunpy_heliocloud.net.listing_page import ListingPage
from sunpy_heliocloud.net.rows import Rows
from sunpy_heliocloud.text import inert

__all__ = ["listed_rows"]

# Keys in a page of a listing; S3 gives at most 1000.
PAGE = 1000
# Pages with few or no keys after which a listing is regarded as endless.
ODD_PAGES = 20


class _Layout(NamedTuple):
    """Prefix of the keys of a data set, folders of the days, and pattern of the file names."""

    bucket: str
    root: str
    day: str
    name: re.Pattern


def listed_rows(entries: Sequence[Entry], start: np.datetime64, last: np.datetime64) -> list[Rows]:
    """
    The files of data sets in a time range, selected by the times in their names.

    Parameters
    ----------
    entries
        The data sets.
    start, last
        The first and the last moment of the range, UTC.

    Returns
    -------
    list of Rows
        For each data set, in time order; only the last of several versions of a file. The end of each file is
        its start, since names contain no end.

    Raises
    ------
    ValueError
        If the folders of a data set are not known.
    CatalogError
        If the folders cannot be listed.
    """
    return in_parallel(lambda entry: _entry_rows(entry, start, last), entries)


def _entry_rows(entry: Entry, start: np.datetime64, last: np.datetime64) -> Rows:
    layout = _layout(entry)
    bucket = layout.bucket
    day = np.timedelta64(1, "D")
    days = np.arange(start.astype("M8[D]"), last.astype("M8[D]") + day, day).tolist()
    listings = in_parallel(lambda day: list(_objects(bucket, f"{layout.root}{day:{layout.day}}")), days)
    found: dict[np.datetime64, tuple[int, str, int]] = {}
    for key, size in (item for listing in listings for item in listing):
        name = layout.name.search(key)
        if name and (time := _time(name["time"])) is not None:
            found[time] = max(found.get(time, (-1, "", 0)), (int(name["version"]), f"{bucket}{key}", size))
    if not found:
        _check_root(bucket, layout.root, entry)
    times = np.array([time for time in sorted(found) if start <= time <= last], "M8[us]")
    files = [found[time] for time in times]
    return Rows(times, times, [url for _, url, _ in files], np.array([size for *_, size in files], float), {})


def _layout(entry: Entry) -> _Layout:
    match entry.words:
        case ["aia", channel] if re.fullmatch(r"\d{4}", channel) and (
            bucket := re.match(r"s3://[^/]+/", entry.index)
        ):
            name = rf"/sdo_aia_h2_(?P<time>\d{{8}}T\d{{6}})_{channel}_v(?P<version>\d+)\.fits$"
            return _Layout(bucket[0], "sdo/aia/", f"%Y%m%d/{channel}/", re.compile(name))
    raise ValueError(
        f"The folders of {entry.id} are not known, only those of aia_0094, aia_0171 and the like: "
        "remove a.heliocloud.Lookup('listing')"
    )


def _time(label: str) -> np.datetime64 | None:
    """From 20200201T000000; None for a day or an hour that there is not, as in the name of some other file."""
    iso = re.sub(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6", label)
    try:
        return np.datetime64(iso, "us")
    except ValueError:
        return None


def _check_root(bucket: str, root: str, entry: Entry) -> None:
    """Days without files are normal; no files at all means that the folders have moved."""
    if next(_objects(bucket, root), None) is None:
        raise CatalogError(
            f"There are no files in {bucket}{root}, where those of {entry.id} used to be: "
            "remove a.heliocloud.Lookup('listing')"
        )


def _objects(bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Keys and sizes, page by page."""
    address = https_url(bucket)
    query = {"list-type": 2, "prefix": prefix, "max-keys": PAGE}
    pages = keys = 0
    while True:
        url = f"{address}?{urlencode(query)}"
        page = _page(url, prefix)
        yield from page.objects
        if not page.token:
            return
        pages, keys = pages + 1, keys + len(page.objects)
        limits.check("files", keys, inert(url))
        if pages > ODD_PAGES + 2 * keys / PAGE:
            raise CatalogError(
                f"{inert(url)} is page {pages} of a listing that does not end: {keys} keys so far. Tell the contact of the "
                "bucket (sunpy_heliocloud.net.datasets)."
            )
        query["continuation-token"] = page.token


def _page(url: str, prefix: str) -> ListingPage:
    try:
        data = read(url).body
        limits.check("document_bytes", len(data), inert(url))
        return ListingPage.of(data, prefix)
    except ValueError as e:
        raise CatalogError(f"{inert(url)} is no listing of S3 ({inert(e)}): try again later.") from e
    except FileNotFoundError as e:
        raise CatalogError(f"{inert(url)} does not exist. Check the address of the bucket.") from e
