"""The files of data sets in a time range, by the yearly indexes."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.cache import cache
from sunpy_heliocloud.io.location import LocationError
from sunpy_heliocloud.net.documents import Document, parsed
from sunpy_heliocloud.net.entry import FIRST_YEAR, Entry
from sunpy_heliocloud.net.gate import named_location
from sunpy_heliocloud.net.http import CatalogError, exists, in_parallel
from sunpy_heliocloud.net.index.columns import ColumnTable
from sunpy_heliocloud.net.index.csv_table import TIMETABLE, read_rows, timetable
from sunpy_heliocloud.net.index.parquet_table import columns_of
from sunpy_heliocloud.net.index.zipped import unzip
from sunpy_heliocloud.net.json_object import objects, parse_object, scalar_text
from sunpy_heliocloud.net.rows import Rows, are_within
from sunpy_heliocloud.text import inert

__all__ = ["SUFFIXES", "index_rows", "index_url"]

SUFFIXES = {"csv": ".csv", "csv-zip": ".csv.zip", "parquet": ".parquet"}
# Function for each index type that converts the server's bytes into the format of the cache.
UNPACK = {"csv": None, "csv-zip": unzip, "parquet": columns_of}
# A file across New Year may be longer than all files of the new year, but hardly by more than a day.
MARGIN = np.timedelta64(1, "D")
# Consecutive years without an index after which no older index of multi-year data is expected. As many are
# requested at once.
SPARSE = 4
# Seconds without a new request for the index of a past year, while the catalogue is unchanged.
DAY = 86400.0
# Timetables of this process, by the version of their indexes: to verify one of a year again takes half of a search.
_MOST_TIMETABLES = 4
_timetables: dict[tuple, np.ndarray] = {}


class Year(NamedTuple):
    """
    The index of a year.

    Attributes
    ----------
    rows
        Those that meet the range.
    longest
        How long the longest of all its files is.
    begins
        When the first of all its files does; NaT if none has a time.
    """

    rows: Rows
    longest: np.timedelta64
    begins: np.datetime64


def index_rows(entries: Sequence[Entry], start: np.datetime64, last: np.datetime64) -> list[Rows]:
    """
    The files of data sets whose intervals meet a time range.

    Parameters
    ----------
    entries
        The data sets.
    start, last
        The first and the last moment of the range, UTC.

    Returns
    -------
    list of Rows
        For each data set, in time order. Of a data set without times, all files.

    Raises
    ------
    CatalogError
        If an index cannot be read, or a row cannot be understood. A year without an index is a year without files; a
        data set without any index is an error.
    """
    return in_parallel(lambda entry: _entry_rows(entry, start, last), entries)


def _entry_rows(entry: Entry, start: np.datetime64, last: np.datetime64) -> Rows:
    if entry.is_static and (everything := _index(entry, "static", start, last)):
        return everything.rows
    years = [year for year in _years(entry, start, last) if year is not None]
    if not years:
        _check_that_there_is_an_index(entry)
        return Rows.empty()
    rows = Rows.concatenate(year.rows for year in years)
    return rows.take(np.argsort(rows.start, kind="stable"))


def _years(entry: Entry, start: np.datetime64, last: np.datetime64) -> list[Year | None]:
    """The years whose indexes may have a file of the range: a file is in that of the year in which it begins."""
    first, final = (int(str(moment)[:4]) for moment in (start, last))
    earliest = min(first, entry.first_year) if entry.multiyear else first

    def read(years: range) -> list[Year | None]:
        return in_parallel(lambda year: _index(entry, f"{year:04d}", start, last), years)

    found = read(range(earliest, final + 1))
    if entry.multiyear:
        # The start in the catalogue may be later than that of the data.
        while earliest > FIRST_YEAR and any(older := read(range(earliest - SPARSE, earliest))):
            found += older
            earliest -= SPARSE
    elif _may_reach_over_new_year(found, start):
        found += read(range(first - 1, first))
    return found


def _may_reach_over_new_year(years: Sequence[Year | None], start: np.datetime64) -> bool:
    """Whether a file of the year before the first one may meet a range that starts then."""
    if years[0] is None or not years[0].begins <= start:
        return True
    longest = max(year.longest for year in years if year is not None)
    return start - start.astype("M8[Y]") <= longest + MARGIN


def _index(entry: Entry, year: str, start: np.datetime64, last: np.datetime64) -> Year | None:
    def parse(document: Document) -> Year:
        begins, ends, rows_where = _opened(document, entry)
        meets = are_within(begins, ends, start, last) | np.isnat(begins)
        longest = (ends - begins).max(initial=np.timedelta64(0, "us"), where=~np.isnat(begins))
        return Year(
            rows_where(meets).shown(), longest, begins[0] if len(begins) else np.datetime64("NaT", "us")
        )

    url = index_url(entry, year)
    is_past = year == "static" or int(year) < datetime.now(UTC).year
    try:
        return parsed(
            url,
            parse,
            unpack=UNPACK[entry.indextype],
            fresh_for=DAY if is_past else 0,
            stamp=entry.catalog_version,
            trusted=entry.trusted,
            most=limits.index_bytes,
        )
    except FileNotFoundError:
        return None


def index_url(entry: Entry, year: str) -> str:
    if entry.indextype not in SUFFIXES:
        raise CatalogError(
            f"The index of {entry.id} in {entry.bucket}catalog.json is of the type {inert(entry.indextype)!r}: "
            f"expected {', '.join(SUFFIXES)}, which are all that there are in the specification"
        )
    return _beside_index(entry, f"_{year}{SUFFIXES[entry.indextype]}")


def _beside_index(entry: Entry, ending: str) -> str:
    """The URL of a file in the folder of an index that is called as its data set."""
    url = f"{entry.index}{entry.id}{ending}"
    try:
        return str(named_location(url, entry.trusted))
    except LocationError as e:
        raise CatalogError(
            f"The index of {entry.id} in {inert(entry.bucket)}catalog.json is at {inert(entry.index)!r}: {e}. Tell its "
            "contact (sunpy_heliocloud.net.datasets)."
        ) from e


def _column_names(entry: Entry, required: int) -> list[str]:
    """Names of all columns, from the file beside the index that describes the optional ones, if there is one."""
    for suffix in (".info", ".json"):
        try:
            url = _beside_index(entry, suffix)
            names = parsed(
                url, _parameter_names, fresh_for=DAY, stamp=entry.catalog_version, trusted=entry.trusted
            )
        except FileNotFoundError:
            continue
        except CatalogError as e:
            warn_user(f"The names of the optional columns of {entry.id} are not known: {e}")
            continue
        if names:
            return names if "datakey" in names else [""] * required + names
    return []


def _parameter_names(document: Document) -> list[str]:
    """The names in a description such as those of HAPI and CDAWeb."""
    parameters = parse_object(document).get("parameters")
    names = [scalar_text(parameter.get("name")) for parameter in objects(parameters)]
    if not isinstance(parameters, list) or len(names) < len(parameters):
        raise CatalogError(
            f'{inert(document.url)} describes no columns: expected {{"parameters": [{{"name": ...}}, ...]}}'
        )
    return names


def _opened(document: Document, entry: Entry) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], Rows]]:
    """When the files of an index begin and end, and what reads the rows of a mask."""
    if entry.indextype == "parquet":
        columns = ColumnTable(document.data, document.url)
        if columns.left_out:
            names = ", ".join(inert(name, 50) for name in columns.left_out[:5])
            warn_user(
                f"{inert(document.url)} has columns of lists or structures, which are left out: {names}"
            )
        return columns.start, columns.stop, columns.rows
    table = _timetable(document)

    def rows_where(where: np.ndarray) -> Rows:
        return read_rows(
            document.data,
            document.url,
            np.array(table[where]),
            lambda required: _column_names(entry, required),
        )

    return table["start"], table["stop"], rows_where


def _timetable(document: Document) -> np.ndarray:
    """Rows of an index and their times, from memory or the cache if the index was parsed before."""
    record = document.entry.record
    version = record.digest, record.etag, record.checksums
    table = _timetables.get(version)
    if table is None:
        table = cache.array(
            "timetable", document.entry, TIMETABLE, lambda: timetable(bytes(document.data), document.url)
        )
        if len(_timetables) >= _MOST_TIMETABLES:
            _timetables.pop(next(iter(_timetables)), None)
        _timetables[version] = table
    return table


def _check_that_there_is_an_index(entry: Entry) -> None:
    """A requested year without an index is normal; a data set without an index of any year is an error."""
    now = datetime.now(UTC).year
    likely = range(entry.first_year, now + 1)
    unlikely = range(min(entry.first_year, now + 1) - 1, FIRST_YEAR - 1, -1)
    if not any(
        exists(index_url(entry, f"{year:04d}"), trusted=entry.trusted) for year in (*likely, *unlikely)
    ):
        raise CatalogError(
            f"There is no index {inert(index_url(entry, 'YYYY'))} of any year, though {inert(entry.bucket)}catalog.json says so: it "
            "may have moved. Try again later, or tell its contact (sunpy_heliocloud.net.datasets)."
        )
