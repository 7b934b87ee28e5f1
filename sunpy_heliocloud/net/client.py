"""The Fido client, its table of results, and the list of data sets."""

import asyncio
import functools
import os
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import numpy as np
import parfive
from parfive.utils import FailedDownload, replacement_filename

import astropy.units as u
from astropy.table import Table
from astropy.time import Time

from sunpy.net import attrs as a
from sunpy.net.attr import and_
from sunpy.net.base_client import BaseClient, QueryResponseTable, convert_row_to_table
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.net.attrs import Bucket, Dataset
from sunpy_heliocloud.net.catalog import (
    PAUSES,
    PROVIDER,
    CatalogError,
    Entry,
    Rows,
    bucket_urls,
    catalog_entries,
    index_rows,
    match,
    similar,
)
from sunpy_heliocloud.net.walker import Query, walker

__all__ = ["HelioCloudClient", "HelioCloudResponse", "datasets"]

# What tab completion offers. The buckets have many more, which `datasets` lists.
KNOWN_DATASETS = {
    "AIA": "Atmospheric Imaging Assembly, all channels: narrow it by a.Wavelength",
    "HMI": "Helioseismic and Magnetic Imager, all observables: narrow it by a.Physobs",
    **{
        f"aia_{channel:04d}": f"SDO/AIA images at {channel} Å, every 4 minutes"
        for channel in (94, 131, 171, 193, 211, 304, 335, 1600, 1700)
    },
    "hmi_B": "SDO/HMI vector magnetic field",
    "hmi_Ic": "SDO/HMI continuum intensity",
    "hmi_Ic_noLimbDark": "SDO/HMI continuum intensity without limb darkening",
    "hmi_M": "SDO/HMI line-of-sight magnetic field",
    "hmi_V": "SDO/HMI line-of-sight velocity",
    "LatLonVMu": "SDO latitude, longitude, velocity and mu",
}


class HelioCloudResponse(QueryResponseTable):
    """
    Files found in HelioCloud.

    One row a file, in time order, with the columns ``Start time``, ``End time``, ``Instrument``, ``Wavelength``,
    ``Dataset``, ``Size``, ``Provider`` and ``URL``; the last is exactly what the catalogue says, and hidden in the
    display. ``meta["datasets"]`` has what the catalogue says of the data sets, by id: title, citation, contact, ...
    """

    size_column = "Size"

    def unhide_columns(self) -> "HelioCloudResponse":
        """
        Display all columns from now on.

        Returns
        -------
        HelioCloudResponse
            The table itself.
        """
        # sunpy calls this on a slice whenever it displays a table, and the two would share their attributes.
        self.meta = {**self.meta, "__attributes__": dict(self.meta.get("__attributes__", {}))}
        return super().unhide_columns()

    def total_size(self) -> u.Quantity:
        """
        Size of all files together, leaving out those whose size is not known.

        Returns
        -------
        `~astropy.units.Quantity`
            The size in a unit that suits it; NaN if the table has no sizes.
        """
        if self.size_column not in self.colnames:
            return np.nan * u.byte
        total = np.nansum(self[self.size_column].to_value(u.byte)) * u.byte
        units = (unit for unit in (u.Tbyte, u.Gbyte, u.Mbyte, u.kbyte) if total >= 1 * unit)
        return total.to(next(units, u.byte)).round(3)


class HelioCloudClient(BaseClient):
    """
    Finds and downloads the data in NASA's HelioCloud.

    It answers queries that hold an ``a.heliocloud`` attr: `a.heliocloud.Dataset
    <sunpy_heliocloud.net.attrs.Dataset>` and ``a.Time`` are required; ``a.Wavelength``, ``a.Instrument``,
    ``a.Source``, ``a.Physobs``, ``a.Provider`` narrow the choice of data sets; ``a.Sample`` thins the files of each
    data set to the nearest to each point of a time grid that begins where ``a.Time`` does; `a.heliocloud.Bucket
    <sunpy_heliocloud.net.attrs.Bucket>` asks one bucket instead of all in the registry. Any other attr is an error.

    A file is found if its interval meets the asked one; both ends belong to either.

    The registry is the one in the environment variable ``ROOT_CATALOG_REGISTRY_URL``, if it is set, and the S3 server
    that in ``AWS_ENDPOINT_URL_S3``.

    Examples
    --------
    >>> import astropy.units as u
    >>> from sunpy.net import Fido, attrs as a
    >>> import sunpy_heliocloud
    >>> Fido.search(a.Time("2018-05-29T12:00", "2018-05-30T00:00"),
    ...             a.Wavelength(171 * u.angstrom), a.heliocloud.Dataset("AIA"))  # doctest: +SKIP
    """

    @property
    def info_url(self) -> str:
        """Where to read about the archive."""
        return "https://heliocloud.org"

    def search(self, *query, **kwargs) -> HelioCloudResponse:
        """
        Find files.

        Parameters
        ----------
        *query
            Attrs, or combinations of them by ``&`` and ``|``.
        **kwargs
            Nothing that this client would use.

        Returns
        -------
        HelioCloudResponse
            The files; the table is empty if there are none in the time range.

        Raises
        ------
        ValueError
            If the query lacks something, has an attr that cannot be honoured, or names data sets or channels that
            do not exist.
        CatalogError
            If the registry, a catalogue or an index cannot be read. A bucket that cannot be read is only warned of
            if the data sets are found elsewhere.
        """
        found = [part for one in walker.create(and_(*query)) for part in _find(one)]
        table = _table(found)
        table.client = self
        return table

    @convert_row_to_table
    def fetch(
        self,
        query_results: HelioCloudResponse,
        *,
        path: str | os.PathLike,
        downloader: parfive.Downloader,
        **kwargs,
    ) -> None:
        """
        Queue files for download.

        A file is written under a temporary name beside its own, and renamed once it is complete and has the size
        that the catalogue says. A file that is there already, in that size, is not downloaded again unless the
        downloader overwrites; one that has another size is.

        Parameters
        ----------
        query_results
            What to download.
        path
            Where to, with ``{file}`` in it and, if wanted, names of columns: ``"{dataset}/{file}"``.
        downloader
            The queue.
        **kwargs
            ``max_splits`` is passed on to the downloader.

        Raises
        ------
        ValueError
            If a URL has no usable file name or scheme, or two files would be saved under one name.
        """
        splits = {name: kwargs[name] for name in ("max_splits",) if name in kwargs}
        urls: dict[Path, str] = {}
        for row in query_results:
            url = row["URL"]
            target = Path(str(path).format(file=_file_name(url), **_path_fields(row)))
            if urls.setdefault(target, url) != url:
                raise ValueError(
                    f"{urls[target]} and {url} would both be saved as {target}: "
                    "give fetch a path that tells them apart, such as path='{start_time}/{file}'"
                )
            _enqueue(downloader, _https_url(url), target, row["Size"], **splits)

    @classmethod
    def _can_handle_query(cls, *query) -> bool:
        return any(isinstance(attr, Bucket | Dataset) for attr in query)

    @classmethod
    def _attrs_module(cls) -> tuple[str, str]:
        return "heliocloud", "sunpy_heliocloud.net.attrs"

    @classmethod
    def register_values(cls) -> dict:
        """
        The values that tab completion offers.

        Returns
        -------
        dict
            Lists of names and descriptions, by attr.
        """
        return {
            Dataset: list(KNOWN_DATASETS.items()),
            a.Provider: [(PROVIDER, "NASA's HelioCloud: heliophysics data in public S3 buckets")],
        }


def datasets(pattern: str = "*", *, bucket: str | None = None) -> Table:
    """
    List the data sets in HelioCloud.

    Parameters
    ----------
    pattern
        What to look for in ids and titles: a glob, or a part of a name. Case does not matter.
    bucket
        URL of a bucket to look into, instead of all buckets in the registry.

    Returns
    -------
    `~astropy.table.Table`
        One row a data set, with the columns ``id``, ``title``, ``start``, ``stop``, ``indextype``, ``filetype``,
        ``contact``, ``bucket``. Times are as the catalogue has them, which may be malformed, and the archive often
        has files after ``stop``.

    Raises
    ------
    CatalogError
        If the registry cannot be read, or none of the buckets. A bucket that cannot be read is warned of.
    """
    entries, errors = catalog_entries([bucket] if bucket else bucket_urls())
    if errors and not entries:
        raise errors[0]
    _warn_of(errors)
    pattern = pattern.casefold() if re.search(r"[*?[]", pattern) else f"*{pattern.casefold()}*"
    columns = ("title", "start", "stop", "indextype", "filetype", "contact")
    rows = [
        (entry.id, *(str(entry.metadata.get(name) or "") for name in columns), entry.bucket)
        for entry in entries
        if any(fnmatchcase(str(entry.metadata.get(name)).casefold(), pattern) for name in ("id", "title"))
    ]
    return Table(rows=rows or None, names=("id", *columns, "bucket"), dtype=[str] * (len(columns) + 2))


# Search --------------------------------------------------------------------------------------------------------------


def _find(query: Query) -> list[tuple[Entry, Rows]]:
    """Data sets that a query means, with their files."""
    entries = _chosen(query)
    found = index_rows(entries, query.start, query.stop)
    return [(entry, _thinned(rows, query)) for entry, rows in zip(entries, found, strict=True)]


def _chosen(query: Query) -> list[Entry]:
    """Data sets that a query means."""
    available, errors = catalog_entries([query.bucket] if query.bucket else bucket_urls())
    try:
        chosen = _narrowed(available, query)
    except ValueError as e:
        # What is not elsewhere may be in a bucket that cannot be read now.
        if errors:
            raise CatalogError(
                " ".join([str(e), "But not all buckets could be read:", *map(str, errors)])
            ) from errors[0]
        raise
    _warn_of(errors)
    return chosen


def _narrowed(available: Sequence[Entry], query: Query) -> list[Entry]:
    chosen = match(available, query.dataset)
    if not chosen:
        close = ", ".join(map(repr, similar(available, query.dataset)))
        raise ValueError(
            f"There is no data set {query.dataset!r} in HelioCloud."
            + (f" Did you mean one of {close}?" if close else "")
            + " sunpy_heliocloud.net.datasets() lists what there is."
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


def _by_number(text: str) -> tuple[float, str]:
    """Sort 94 Å before 131 Å."""
    number = re.match(r"\d+", text)
    return (float(number[0]) if number else np.inf), text


def _warn_of(errors: Sequence[CatalogError]) -> None:
    for error in errors:
        warn_user(f"A bucket of HelioCloud is left out: {error}")


def _thinned(rows: Rows, query: Query) -> Rows:
    """Apply ``a.Sample`` and ``near`` to the files of one data set, which are in time order."""
    if query.sample is not None:
        offset = (rows.start - query.start) / query.sample
        point = np.clip(np.round(offset), 0, (query.stop - query.start) // query.sample)
        nearest_first = np.lexsort([np.abs(offset - point), point])
        _, first = np.unique(point[nearest_first], return_index=True)
        rows = rows.take(nearest_first[first])
    if query.near is not None and len(rows.start):
        rows = rows.take(np.argmin(np.abs(rows.start - query.near), keepdims=True))
    return rows


def _table(found: Sequence[tuple[Entry, Rows]]) -> HelioCloudResponse:
    """All files of all data sets: in time order, each once."""
    entries = [entry for entry, _ in found]
    rows = Rows.concatenate(rows for _, rows in found)
    owner = np.repeat(np.arange(len(found)), [len(rows.start) for _, rows in found])
    first: dict[str, int] = {}
    for i in np.argsort(rows.start, kind="stable").tolist():
        first.setdefault(rows.url[i], i)
    once = np.array(list(first.values()), int)
    rows, owner = rows.take(once), owner[once]

    def column(name: str) -> np.ndarray:
        return np.array([getattr(entry, name) for entry in entries])[owner]

    table = HelioCloudResponse(
        {
            "Start time": _astropy_time(rows.start),
            "End time": _astropy_time(rows.stop),
            "Instrument": column("instrument"),
            "Wavelength": column("wavelength") * u.angstrom,
            "Dataset": column("id"),
            "Size": (rows.size * u.byte).to(u.Mbyte),
            "Provider": np.full(len(owner), PROVIDER),
            "URL": np.array(rows.url, str),
        },
        hide_keys=["URL"],
        meta={"datasets": {entry.id: entry.metadata for entry in entries}},
    )
    table["Size"].info.format = ".3f"
    table["Wavelength"].info.format = "g"
    return table


def _astropy_time(times: np.ndarray) -> Time:
    """From ``datetime64``. By way of strings, which astropy parses in C and 15 times as fast."""
    return Time(np.datetime_as_string(times), format="isot", scale="utc")


# Download ------------------------------------------------------------------------------------------------------------


def _https_url(url: str) -> str:
    """Where a file is for parfive, which knows no S3."""
    if url.startswith(("http://", "https://")):
        return url
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not key:
        raise ValueError(f"The catalogue has a file at {url!r}: expected s3://bucket/key or https://...")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{quote(key)}"
    # Names with dots do not fit the certificate of *.s3.amazonaws.com.
    host = f"s3.amazonaws.com/{bucket}" if "." in bucket else f"{bucket}.s3.amazonaws.com"
    return f"https://{host}/{quote(key)}"


def _file_name(url: str) -> str:
    """The last part of a URL, if a file can be called that on any system."""
    path = url if url.startswith("s3://") else urlsplit(url).path
    name = path.rpartition("/")[2]
    if not re.fullmatch(r"[^\x00-\x1f\\:*?\"<>|]+", name) or name in (".", ".."):
        raise ValueError(f"The catalogue has a file at {url!r}, whose last part is not the name of a file")
    return name


def _path_fields(row) -> dict[str, Any]:
    """What a path template may name. Nothing from the catalogue leads out of the folder."""
    fields = {name: value for name, value in row.response_block_map.items() if name != "url"}
    return {
        name: re.sub(r"[/\\]|^\.+$", "_", value) if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _enqueue(downloader: parfive.Downloader, url: str, target: Path, size: u.Quantity, **kwargs) -> None:
    """Let parfive download to a temporary name, and put our own steps around it."""
    partial = target.with_name(f".{target.name}.{uuid4().hex}.part")
    overwrite = downloader.config.overwrite
    expected = None if np.isnan(size) else round(size.to_value(u.byte))
    downloader.enqueue_file(url, filename=partial, overwrite=True, **kwargs)
    get_file = downloader.http_queue.pop()
    downloader.http_queue.append(
        functools.partial(_get_whole_file, get_file, url, target, expected, overwrite)
    )


async def _get_whole_file(
    get_file: Callable, url: str, target: Path, size: int | None, overwrite: bool | str, *args, **kwargs
) -> tuple[str, str]:
    """
    Download one file whole or not at all.

    The remaining arguments are those that parfive calls ``get_file`` with; like it, this gives the URL and the path,
    or raises `parfive.utils.FailedDownload`.
    """
    if target.exists() and not overwrite and size in (None, target.stat().st_size):
        return url, str(target)
    try:
        _, partial = await _get_repeatedly(get_file, *args, **kwargs)
        _check_size(Path(partial), size)
        if overwrite == "unique":
            target = replacement_filename(target)
        os.replace(partial, target)
    except (OSError, FailedDownload, asyncio.CancelledError) as e:
        reason = _reason(e)
        raise FailedDownload(
            lambda response, url: target, url, OSError(f"{url} was not downloaded: {reason}")
        ) from e
    return url, str(target)


async def _get_repeatedly(get_file: Callable, *args, **kwargs) -> tuple[str, str]:
    for pause in PAUSES:
        try:
            return await get_file(*args, **kwargs)
        except FailedDownload as e:
            cause = _cause(e)
            status = getattr(cause, "status", 500)
            if isinstance(cause, asyncio.CancelledError) or (status < 500 and status != 429):
                raise
        await asyncio.sleep(pause)
    return await get_file(*args, **kwargs)


def _check_size(path: Path, size: int | None) -> None:
    found = path.stat().st_size
    if size not in (None, found):
        path.unlink()
        raise OSError(
            f"it has {found} bytes, and the catalogue says {size}. Either the download was cut short or the index is "
            "older than the file: try again later"
        )


def _cause(error: BaseException) -> Any:
    """What parfive has wrapped: an exception, or the response of a server that refused."""
    while isinstance(error, FailedDownload):
        error = error.exception
    return getattr(error, "response", error)


def _reason(error: BaseException) -> str:
    cause = _cause(error)
    if hasattr(cause, "status"):
        advice = "try again later" if cause.status >= 500 else "the file may have moved, or may not be public"
        return f"the server answered {cause.status} {cause.reason}; {advice}"
    return str(cause) or type(cause).__name__
