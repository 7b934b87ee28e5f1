"""
CloudCatalog as HelioCloud has it: registry of buckets, catalogue of each bucket, index of each data set and year.

References
----------
* `The CloudCatalog specification <https://github.com/heliocloud-data/cloudcatalog>`__
"""

import codecs
import difflib
import functools
import io
import json
import os
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import aiohttp
import numpy as np
from botocore.exceptions import BotoCoreError, EndpointConnectionError

from sunpy_heliocloud.storage import filesystem

__all__ = [
    "CatalogError",
    "Entry",
    "Rows",
    "bucket_urls",
    "catalog_entries",
    "index_rows",
    "match",
    "parse_index",
    "read",
    "similar",
]

PROVIDER = "HelioCloud"
REGISTRY_URL = "http://heliocloud.org/catalog/HelioDataRegistry.json"
UNAVAILABLE = "1400"
# Multi-year data sets whose start nobody can read are searched from the first year of the space age.
FIRST_YEAR = 1957
# A file that reaches over New Year may be longer than all files of the new year, but hardly a day longer.
MARGIN = np.timedelta64(1, "D")
# Seconds to wait before asking again, after a failure that may pass.
PAUSES = (0.2, 1.0, 3.0)
# Any longer field is no time: 2020-01-01T00:00:00.000000000Z has 30 characters.
LONGEST_TIME = 40
MICROSECONDS = "datetime64[us]"
INDEX_SUFFIXES = {"csv": ".csv", "csv-zip": ".csv.zip"}
# What may stand around a field without being part of it.
BLANKS = b" \t\r'\""

HMI_OBSERVABLES = {
    "b": "vector_magnetic_field",
    "ic": "intensity",
    "m": "LOS_magnetic_field",
    "v": "LOS_velocity",
}
EUVML_SPACECRAFT = {"soho": ("EIT", "SOHO"), "stereoa": ("EUVI", "STEREO_A"), "stereob": ("EUVI", "STEREO_B")}


class CatalogError(OSError):
    """Something of the catalogue cannot be read, or cannot be understood."""


@dataclass(frozen=True, eq=False)
class Entry:
    """
    One data set, as the catalogue of its bucket describes it.

    Attributes
    ----------
    id
        Its name.
    bucket
        URL of the bucket whose catalogue has it.
    index
        What the URLs of its index files begin with.
    indextype
        ``"csv"``, ``"csv-zip"`` or ``"parquet"``.
    multiyear
        Whether one file may hold several years.
    metadata
        The whole entry: title, citation, contact, ...
    """

    id: str
    bucket: str
    index: str
    indextype: str = "csv"
    multiyear: bool = False
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def first_year(self) -> int:
        """Year in which the data begin. What follows the year may be malformed and often is."""
        year = re.match(r"\d{4}", str(self.metadata.get("start", "")))
        return int(year[0]) if year else FIRST_YEAR

    @functools.cached_property
    def words(self) -> list[str]:
        """The words of the id, in lower case."""
        return re.split(r"[_\W]+", self.id.casefold())

    @property
    def instrument(self) -> str:
        """Name of the instrument, empty if unknown."""
        return self._description[0]

    @property
    def source(self) -> str:
        """Name of the spacecraft, empty if unknown."""
        return self._description[1]

    @property
    def wavelength(self) -> float:
        """Wavelength in ångström, NaN if unknown or if there is none."""
        return self._description[2]

    @property
    def physobs(self) -> str:
        """The observable, by the VSO's name, empty if unknown."""
        return self._description[3]

    @functools.cached_property
    def _description(self) -> tuple[str, str, float, str]:
        """The catalogue does not say what a data set observes; the ids of solar images do."""
        match self.words:
            case ["aia", *_, channel] if channel.isdigit():
                return "AIA", "SDO", float(channel), "intensity"
            case ["hmi", observable, *_] if observable in HMI_OBSERVABLES:
                return "HMI", "SDO", 6173.0, HMI_OBSERVABLES[observable]
            case ["euvml", spacecraft, channel] if spacecraft in EUVML_SPACECRAFT and channel.isdigit():
                return *EUVML_SPACECRAFT[spacecraft], float(channel), "intensity"
        return "", "", np.nan, ""


class Rows(NamedTuple):
    """
    Rows of an index.

    Attributes
    ----------
    start, stop
        When the files begin and end, UTC (``datetime64[us]``).
    url
        Where they are, exactly as the index says.
    size
        Bytes, NaN where the index does not say.
    """

    start: np.ndarray
    stop: np.ndarray
    url: list[str]
    size: np.ndarray

    def take(self, where: np.ndarray) -> "Rows":
        """The rows with these indices, in their order."""
        return Rows(
            self.start[where], self.stop[where], [self.url[i] for i in where.tolist()], self.size[where]
        )

    @staticmethod
    def concatenate(parts: Iterable["Rows"]) -> "Rows":
        """All rows of several parts."""
        start, stop, url, size = zip(*parts, strict=True)
        return Rows(
            np.concatenate(start),
            np.concatenate(stop),
            [u for part in url for u in part],
            np.concatenate(size),
        )


# Reading -------------------------------------------------------------------------------------------------------------


def read(url: str, remedy: str = "") -> bytes:
    """
    All bytes of a registry, catalogue or index.

    Failures that may pass (5xx, 429, broken connections) are tried again, with longer and longer pauses.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or a local path.
    remedy
        What a user can do about a failure, besides what holds for all URLs.

    Returns
    -------
    bytes
        What is there.

    Raises
    ------
    FileNotFoundError
        If the server says that there is no such file.
    CatalogError
        If it cannot be read for any other reason.
    """
    try:
        return _read_repeatedly(url)
    except (OSError, ValueError, aiohttp.ClientError, BotoCoreError) as e:
        if isinstance(e, FileNotFoundError) and _error_code(e) != "NoSuchBucket":
            raise
        raise CatalogError(
            f"{url} cannot be read ({type(e).__name__}: {e}). {_advice(e, url)}{remedy}"
        ) from e


def _read_repeatedly(url: str) -> bytes:
    # The repetitions are ours; one connection is enough, and saves s3fs from asking for the size first.
    is_s3 = url.startswith("s3://")
    options = {"config_kwargs": {"retries": {"total_max_attempts": 1}}} if is_s3 else None
    files, path = filesystem(url, options)
    read_once = functools.partial(files.cat_file, path, **({"max_concurrency": 1} if is_s3 else {}))
    for pause in PAUSES:
        try:
            return read_once()
        except (OSError, aiohttp.ClientError, EndpointConnectionError) as e:
            if not _may_pass(e):
                raise
        time.sleep(pause)
    return read_once()


def _may_pass(error: Exception) -> bool:
    """
    Whether it is worth asking again.

    Who has not answered for the 15 to 30 s that s3fs and aiohttp wait is not asked again, and s3fs itself repeats what
    breaks off.
    """
    status = _status(error)
    if status is not None:
        return status == 429 or status >= 500
    broken = isinstance(
        error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | EndpointConnectionError
    )
    return broken and not isinstance(error, TimeoutError)


def _status(error: BaseException) -> int | None:
    """HTTP status behind an error of aiohttp or s3fs, if there is one."""
    response = getattr(error.__cause__, "response", {})
    return getattr(error, "status", response.get("ResponseMetadata", {}).get("HTTPStatusCode"))


def _error_code(error: BaseException) -> str | None:
    """What S3 calls the error."""
    return getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")


def _advice(error: BaseException, url: str) -> str:
    status = _status(error)
    if status is None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3")
        used = f" and AWS_ENDPOINT_URL_S3 (now {endpoint})" if endpoint and url.startswith("s3://") else ""
        return f"Check the network connection{used}."
    if status >= 500 or status == 429:
        return "The server is busy or failing: try again later."
    return "Check the address; what is there may have moved, or may not be public."


def _read_json(url: str, remedy: str = "") -> dict:
    """A JSON object."""
    try:
        content = json.loads(read(url, remedy))
    except FileNotFoundError as e:
        raise CatalogError(f"{url} does not exist. Check the address.{remedy}") from e
    except ValueError as e:
        raise CatalogError(
            f"{url} is not valid JSON ({e}): it is damaged or incomplete. Try again later.{remedy}"
        ) from e
    if not isinstance(content, dict):
        raise CatalogError(f"{url} holds a JSON {type(content).__name__}: expected an object.{remedy}")
    return content


def in_parallel(function: Callable, items: Sequence) -> list:
    """
    Results of a function that waits for the network, in the order of the items.

    A few at a time: the index of one year can take 50 MB while it is read.
    """
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(function, items))


# Registry and catalogues ---------------------------------------------------------------------------------------------


def bucket_urls() -> list[str]:
    """
    The buckets in HelioCloud's registry.

    The registry is at the URL in the environment variable ``ROOT_CATALOG_REGISTRY_URL``, or at its usual place.

    Returns
    -------
    list of str
        Their URLs.

    Raises
    ------
    CatalogError
        If the registry cannot be read.
    """
    url = os.environ.get("ROOT_CATALOG_REGISTRY_URL") or REGISTRY_URL
    remedy = (
        " To do without it, set the environment variable ROOT_CATALOG_REGISTRY_URL to the URL of another registry, "
        "or name a bucket in the query: a.heliocloud.Bucket('s3://gov-nasa-hdrl-data1/')."
    )
    registry = _read_json(url, remedy).get("registry")
    endpoints = [item["endpoint"] for item in _dicts(registry) if isinstance(item.get("endpoint"), str)]
    buckets = list(dict.fromkeys(f"{endpoint.rstrip('/')}/" for endpoint in endpoints))
    if not buckets:
        raise CatalogError(
            f"{url} names no buckets: expected 'registry', a list with an 'endpoint' each.{remedy}"
        )
    return buckets


def catalog_entries(buckets: Sequence[str]) -> tuple[list[Entry], list[CatalogError]]:
    """
    The data sets in buckets.

    Parameters
    ----------
    buckets
        URLs.

    Returns
    -------
    tuple
        The data sets, and what is wrong with the buckets that have no readable catalogue.
    """

    def attempt(bucket: str) -> list[Entry] | CatalogError:
        try:
            return _read_catalog(f"{bucket.rstrip('/')}/")
        except CatalogError as e:
            return e

    results = in_parallel(attempt, buckets)
    entries = [entry for result in results if isinstance(result, list) for entry in result]
    return entries, [result for result in results if isinstance(result, CatalogError)]


def _read_catalog(bucket: str) -> list[Entry]:
    url = f"{bucket}catalog.json"
    content = _read_json(url)
    status = content.get("status")
    code, message = (
        (status.get("code"), status.get("message")) if isinstance(status, dict) else (status, status)
    )
    if str(code).startswith(UNAVAILABLE):
        raise CatalogError(f"{url} says that the bucket is closed for now: {message}. Try again later.")
    if not isinstance(content.get("catalog"), list):
        raise CatalogError(
            f"{url} lists no data sets: expected 'catalog', a list. Is it the catalogue of a bucket?"
        )
    return [_entry(item, bucket) for item in _dicts(content["catalog"]) if isinstance(item.get("id"), str)]


def _entry(item: dict, bucket: str) -> Entry:
    return Entry(
        id=item["id"],
        bucket=bucket,
        index=f"{str(item.get('index') or bucket).rstrip('/')}/",
        indextype=str(item.get("indextype") or "csv").casefold(),
        multiyear=str(item.get("multiyear")).casefold() == "true",
        metadata=item,
    )


def _dicts(items: Any) -> list[dict]:
    """The objects of a JSON list; what is not what the specification says is nothing that we could use."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def match(entries: Sequence[Entry], name: str) -> list[Entry]:
    """
    The data sets that a name means.

    Parameters
    ----------
    entries
        What there is.
    name
        An id, a glob, or a family: an instrument, or the first word of the ids. Case does not matter.

    Returns
    -------
    list of Entry
        Those with that id; if there are none, those that match.
    """
    name = name.casefold()
    exact = [entry for entry in entries if entry.id.casefold() == name]
    return exact or [
        entry
        for entry in entries
        if fnmatchcase(entry.id.casefold(), name) or name in (entry.instrument.casefold(), entry.words[0])
    ]


def similar(entries: Sequence[Entry], name: str) -> list[str]:
    """The ids and instruments that a misspelt name may have meant, the closest first."""
    names = {known.casefold(): known for entry in entries for known in (entry.id, entry.instrument) if known}
    return [names[known] for known in difflib.get_close_matches(name.casefold(), names, n=5, cutoff=0.6)]


# Indexes -------------------------------------------------------------------------------------------------------------


def index_rows(entries: Sequence[Entry], start: np.datetime64, stop: np.datetime64) -> list[Rows]:
    """
    The files of data sets whose intervals meet a time range.

    Parameters
    ----------
    entries
        The data sets.
    start, stop
        The range, UTC. Both ends belong to it, and both ends of a file's interval belong to the file.

    Returns
    -------
    list of Rows
        For each data set, in time order.

    Raises
    ------
    CatalogError
        If an index cannot be read, or a row cannot be understood. A year without an index is a year without files.
    """
    return in_parallel(lambda entry: _entry_rows(entry, start, stop), entries)


def _entry_rows(entry: Entry, start: np.datetime64, stop: np.datetime64) -> Rows:
    first, last = (int(str(moment)[:4]) for moment in (start, stop))
    earliest = min(first, entry.first_year) if entry.multiyear else first
    found = in_parallel(lambda year: _read_index(entry, year, start, stop), range(earliest, last + 1))
    # A file that begins before New Year is in the index of the old year, even if it ends after it.
    longest = max(duration for _, duration in found)
    if earliest == first and start - np.datetime64(f"{first:04d}-01-01") <= longest + MARGIN:
        found.append(_read_index(entry, first - 1, start, stop))
    rows = Rows.concatenate(rows for rows, _ in found)
    return rows.take(np.argsort(rows.start, kind="stable"))


def _read_index(
    entry: Entry, year: int, start: np.datetime64, stop: np.datetime64
) -> tuple[Rows, np.timedelta64]:
    """The rows of one year that meet the range, and how long the longest file of the year is."""
    if entry.indextype not in INDEX_SUFFIXES:
        raise CatalogError(
            f"The index of {entry.id} in {entry.bucket}catalog.json is of the type {entry.indextype!r}: "
            f"expected {' or '.join(INDEX_SUFFIXES)}, which are all that can be read so far"
        )
    url = f"{entry.index}{entry.id}_{year:04d}{INDEX_SUFFIXES[entry.indextype]}"
    try:
        data = read(url)
    except FileNotFoundError:
        data = b""
    if data and entry.indextype == "csv-zip":
        data = _unzip(data, url)
    return parse_index(data, url, start, stop)


def _unzip(data: bytes, url: str) -> bytes:
    """The one file in an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(archive.namelist()[0])
    except (zipfile.BadZipFile, zlib.error, IndexError) as e:
        raise CatalogError(
            f"{url} is not a zip archive with an index in it ({e}): it is damaged or incomplete"
        ) from e


def parse_index(
    data: bytes, url: str, start: np.datetime64, stop: np.datetime64
) -> tuple[Rows, np.timedelta64]:
    """
    Find the rows of a CSV index that meet a time range.

    Columns are start, stop, datakey, filesize and any more, in that order; before version 0.5 of the specification
    there was no stop. A file without a stop lasts until the next one starts, and the last one as long as the median
    of the others. Header lines, quotes, blanks and the order of rows do not matter. Times are vectorised over all
    rows, the other fields are looked at only in the rows found.

    Parameters
    ----------
    data
        The index.
    url
        Where it is from, for messages.
    start, stop
        The range, UTC; both ends belong to it.

    Returns
    -------
    tuple
        The rows, in time order, and how long the longest file of the whole index is.

    Raises
    ------
    CatalogError
        If a row cannot be understood; names the URL, the row's number and its text.
    """
    index = _Index.split(data, url)
    starts = index.times(0)
    stops = index.times(1) if index.has_stop else np.full_like(starts, "NaT")
    stops = _fill_stops(starts, stops)
    found = np.flatnonzero((starts <= stop) & (np.maximum(starts, stops) >= start))
    found = found[np.argsort(starts[found], kind="stable")]
    rows = Rows(starts[found], stops[found], index.urls(found), index.sizes(found))
    return rows, (stops - starts).max(initial=np.timedelta64(0, "us"))


def _fill_stops(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Let rows without a stop end where the next row starts, the last as late as the median of those."""
    missing = np.isnat(stops)
    if not missing.any():
        return stops
    order = np.argsort(starts, kind="stable")
    durations = np.diff(starts[order])
    last = np.median(durations.astype(int)).astype(int) if durations.size else 0
    following = np.empty_like(starts)
    following[order] = starts[order] + np.append(durations, np.timedelta64(last, "us"))
    return np.where(missing, following, stops)


@dataclass(frozen=True)
class _Index:
    """
    Where the rows and fields of a CSV index are, found at once for all rows.

    ``begin`` and ``end`` bound the rows, blanks and quotes around them left out; ``comma[k]`` is the end of field k.
    """

    data: bytes
    url: str
    text: np.ndarray
    number: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    comma: np.ndarray
    has_stop: bool

    @classmethod
    def split(cls, data: bytes, url: str) -> "_Index":
        """Find rows and fields."""
        data = data.removeprefix(codecs.BOM_UTF8)
        # Zeros behind the last row let windows on its fields reach over the end.
        text = np.frombuffer(data + bytes(LONGEST_TIME), np.uint8)
        end = np.append(np.flatnonzero(text == ord("\n")), len(data))
        begin, end = _trim(text, np.append(0, end[:-1] + 1), end)
        row = np.flatnonzero((begin < end) & (text[begin] != ord("#")))
        number, begin, end = row + 1, begin[row], end[row]

        commas = np.flatnonzero(text == ord(","))
        behind = np.searchsorted(commas, begin)
        count = np.searchsorted(commas, end) - behind
        padded = np.append(commas, np.full(4, len(data)))
        comma = np.array([np.where(count > k, padded[behind + k], end) for k in range(4)])
        if len(row) and count[0] >= 2 and data[begin[0] : begin[0] + 1].isalpha():
            number, begin, end, count, comma = number[1:], begin[1:], end[1:], count[1:], comma[:, 1:]
        second = data[comma[0, 0] + 1 : comma[1, 0]].strip(BLANKS) if len(begin) else b""
        index = cls(data, url, text, number, begin, end, comma, has_stop=not second or second[:1].isdigit())
        for short in np.flatnonzero(count < 2 + index.has_stop)[:1]:
            raise index.error(short, "has too few fields")
        return index

    def times(self, k: int) -> np.ndarray:
        """Field k of all rows as ``datetime64[us]``, NaT where it is empty."""
        begin, end = _trim(self.text, *self._bounds(k), also=b"Zz")
        length = end - begin
        for long in np.flatnonzero(length > LONGEST_TIME)[:1]:
            raise self.error(long, f"has no time in field {k + 1}")
        width = max(length.max(initial=0), 5)
        letters = np.lib.stride_tricks.sliding_window_view(self.text, width)[begin]
        if length.min(initial=width) < width:
            letters[np.arange(width) >= length[:, None]] = 0
        words = letters.view(f"S{width}")[:, 0]
        # numpy would take "now", or 20200101 as a year.
        first, fifth = letters[:, 0], letters[:, 4]
        usual = (first >= ord("0")) & (first <= ord("9")) & ((fifth == ord("-")) | (length == 4))
        for bad in np.flatnonzero(~usual & ((length > 0) | (k == 0)))[:1]:
            raise self.error(bad, f"has no time in field {k + 1}")
        try:
            return words.astype(MICROSECONDS)
        except ValueError:
            return np.array([self._time(i, k, word) for i, word in enumerate(words.tolist())], MICROSECONDS)

    def _time(self, i: int, k: int, word: bytes) -> np.datetime64:
        """One time; numpy knows no leap seconds."""
        minute, is_leap_second = re.subn(r":60(?=\.|$)", ":59", word.decode("ascii", "replace"))
        try:
            return np.datetime64(minute, "us") + np.timedelta64(is_leap_second, "s")
        except ValueError as e:
            raise self.error(i, f"has no time in field {k + 1}") from e

    def urls(self, rows: np.ndarray) -> list[str]:
        """The field ``datakey`` of some rows."""
        words = self._words(1 + self.has_stop, rows)
        try:
            urls = [word.decode() for word in words]
            broken = words.index(b"") if b"" in words else None
        except UnicodeDecodeError as e:
            broken = words.index(e.object)
        if broken is not None:
            raise self.error(rows[broken], f"names no file in field {2 + self.has_stop}")
        return urls

    def sizes(self, rows: np.ndarray) -> np.ndarray:
        """The field ``filesize`` of some rows, NaN where it is empty or negative."""
        sizes = np.full(len(rows), np.nan)
        for n, word in enumerate(self._words(2 + self.has_stop, rows)):
            try:
                sizes[n] = float(word or b"nan")
            except ValueError as e:
                raise self.error(rows[n], f"has no file size in field {3 + self.has_stop}") from e
        sizes[~(sizes >= 0)] = np.nan
        return sizes

    def error(self, i: int, problem: str) -> CatalogError:
        """What to raise about a row."""
        line = self.data[self.begin[i] : self.end[i]].decode("utf-8", "replace")
        columns = "start,stop,datakey,filesize" if self.has_stop else "start,datakey,filesize"
        return CatalogError(
            f"{self.url}, row {self.number[i]} {problem}: {line[:300]!r}; expected {columns}, with times such as "
            "2020-01-01T00:00:00.000Z. The index is damaged or incomplete: try again later, or tell its contact "
            "(sunpy_heliocloud.net.datasets)."
        )

    def _bounds(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        return (self.comma[k - 1] + 1 if k else self.begin), self.comma[k]

    def _words(self, k: int, rows: np.ndarray) -> list[bytes]:
        begin, end = self._bounds(k)
        bounds = zip(begin[rows].tolist(), end[rows].tolist(), strict=True)
        return [self.data[i:j].strip(BLANKS) for i, j in bounds]


def _trim(
    text: np.ndarray, begin: np.ndarray, end: np.ndarray, also: bytes = b""
) -> tuple[np.ndarray, np.ndarray]:
    """Leave out blanks and quotes around pieces of text, all pieces at once."""
    blank = np.zeros(256, bool)
    blank[list(BLANKS + also)] = True
    begin, end = begin.copy(), end.copy()
    while (step := (begin < end) & blank[text[begin]]).any():
        begin += step
    while (step := (begin < end) & blank[text[end - 1]]).any():
        end -= step
    return begin, end
