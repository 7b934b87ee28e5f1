"""Whether the index of a year is as the CloudCatalog specification says."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sunpy_heliocloud.io.location import LocationError, S3Location
from sunpy_heliocloud.net.checks.catalogue import time_of
from sunpy_heliocloud.net.checks.report import Report
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.gate import file_location
from sunpy_heliocloud.net.index.columns import ColumnTable
from sunpy_heliocloud.net.index.csv_lines import fields_of, is_header
from sunpy_heliocloud.net.index.parquet_table import columns_of
from sunpy_heliocloud.net.index.zipped import unzip
from sunpy_heliocloud.text import inert

__all__ = ["IndexedFile", "check_index"]

HEADER = ["start", "stop", "datakey", "filesize"]


class IndexedFile(NamedTuple):
    """
    A usable row of an index.

    Attributes
    ----------
    line
        Where it is.
    url
        Of the file.
    size
        Its bytes, None where the index does not say.
    """

    line: int
    url: str
    size: int | None


def check_index(data: bytes, url: str, entry: Entry, year: int, report: Report) -> list[IndexedFile]:
    """
    Report how an index departs from the specification.

    Parameters
    ----------
    data
        What the server sends.
    url
        Where it is from.
    entry
        The data set.
    year
        In which the rows have to begin.
    report
        Gets what is found.

    Returns
    -------
    list of IndexedFile
        The rows that name a file.

    Raises
    ------
    CatalogError
        If an archive or a parquet file cannot be unpacked.
    """
    if entry.indextype == "parquet":
        rows = _parquet_rows(ColumnTable(columns_of(data, url), url))
    else:
        rows = _csv_rows(unzip(data, url) if entry.indextype == "csv-zip" else data, url, report)
    index = named_bucket(entry.index)
    files: list[IndexedFile] = []
    first: dict[str, int] = {}
    last = np.datetime64("0000", "us")
    has_order = True
    buckets: set[str] = set()
    for line, fields in rows:
        if len(fields) < len(HEADER):
            report.error(
                url,
                line,
                "fields",
                f"{inert(','.join(fields))!r} has {len(fields)} fields: expected {', '.join(HEADER)}",
            )
            continue
        start_text, stop_text, key, size_text = fields[:4]
        start, stop = time_of(start_text), time_of(stop_text)
        for name, text, time in (("start", start_text, start), ("stop", stop_text, stop)):
            if time is None:
                report.error(
                    url,
                    line,
                    "times",
                    f"{name} is {inert(text)!r}: expected a time such as 2020-01-01T00:00:00Z",
                )
        if start is not None:
            if start.astype("M8[Y]") != np.datetime64(f"{year:04d}"):
                report.error(url, line, "years", f"start is {start_text}, which is not in {year}")
            if stop is not None and stop < start:
                report.error(url, line, "order of times", f"stop is {stop_text}, before start, {start_text}")
            if has_order and start < last:
                has_order = False
                report.note(
                    url,
                    line,
                    "order",
                    f"start is {start_text}, before that of the row above: rows are not in time order",
                )
            last = start
        if not size_text.isdecimal():
            report.error(url, line, "sizes", f"filesize is {inert(size_text)!r}: expected a number of bytes")
        try:
            location = file_location(key, entry.trusted)
        except LocationError as e:
            report.error(url, line, "datakeys", f"the datakey is refused: {e}")
            continue
        if key in first:
            report.error(url, line, "duplicates", f"{inert(key)!r} is also in line {first[key]}")
            continue
        first[key] = line
        if isinstance(location, S3Location) and index and location.bucket not in {index, *buckets}:
            buckets.add(location.bucket)
            report.note(url, line, "buckets", f"{inert(key)!r} is in another bucket than the index, {index}")
        files.append(IndexedFile(line, key, int(size_text) if size_text.isdecimal() else None))
    if not first:
        report.note(url, None, "empty", "it has no rows with files")
    return files


def named_bucket(index: str) -> str:
    """The bucket of an index; empty if it is on no S3."""
    return index.removeprefix("s3://").partition("/")[0] if index.startswith("s3://") else ""


def _csv_rows(text: bytes, url: str, report: Report) -> Iterator[tuple[int, list[str]]]:
    has_rows = False
    for line, raw in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        raw = raw.strip(b" \t\r")
        if not raw:
            continue
        if raw.startswith(b"#") or (not has_rows and is_header(raw)):
            _check_header(raw, line, url, report)
            continue
        has_rows = True
        yield line, fields_of(raw)


def _check_header(raw: bytes, line: int, url: str, report: Report) -> None:
    names = [word.strip().casefold() for word in fields_of(raw.lstrip(b"#"))]
    if not raw.startswith(b"#"):
        report.error(url, line, "header", "the line with names of columns does not begin with #")
    if names[:4] != HEADER:
        report.error(
            url,
            line,
            "header",
            f"the columns are {inert(', '.join(names[:4]))}: expected {', '.join(HEADER)}, in that order",
        )
    if "checksum" in names and "checksum_algorithm" not in names:
        report.error(url, line, "header", "there is a column checksum, but none checksum_algorithm")


def _parquet_rows(table: ColumnTable) -> Iterator[tuple[int, list[str]]]:
    """Rows as in CSV; their lines are those in time order."""
    rows = table.rows(np.ones(len(table.start), bool))
    sizes = ["" if np.isnan(size) else f"{size:.0f}" for size in rows.size.tolist()]
    times = (np.datetime_as_string(times, timezone="UTC").tolist() for times in (rows.start, rows.stop))
    for line, fields in enumerate(zip(*times, rows.url, sizes, strict=True), start=1):
        yield line, list(fields)
