"""
Check a bucket against the CloudCatalog specification: for operators of buckets.

Reads the catalogue of a bucket, the index of every year of every data set, and a few files, and prints one line for each
departure: ``URL:line: error: departure``. Notes are departures that the specification allows. The exit status is 0 if all is
well, 1 if there are errors, and 2 if something could not be read.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from sunpy_heliocloud.bounds import LimitError, limits
from sunpy_heliocloud.io.location import LocationError, given_location, trust_of
from sunpy_heliocloud.net.checks.catalogue import check_catalogue, time_of
from sunpy_heliocloud.net.checks.files import check_files
from sunpy_heliocloud.net.checks.index import check_index
from sunpy_heliocloud.net.checks.report import Report
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.http import CatalogError, read
from sunpy_heliocloud.net.index.years import index_url
from sunpy_heliocloud.net.registry import read_registry

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the check.

    Parameters
    ----------
    arguments
        Arguments of the command line.

    Returns
    -------
    int
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m sunpy_heliocloud.net.check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("endpoint", help="the bucket: s3://bucket/, https://host/folder/ or a local folder")
    parser.add_argument("--registry", metavar="URL", help="a registry that has to name the bucket")
    parser.add_argument(
        "--files", type=int, default=3, metavar="N", help="files of each index to look at (3)"
    )
    options = parser.parse_args(arguments)
    report = Report()
    try:
        location = given_location(options.endpoint)
    except LocationError as e:
        parser.error(str(e))
    bucket = f"{str(location).rstrip('/')}/"
    if options.registry:
        _check_registry(options.registry, bucket, report)
    trusted = trust_of(location)
    url = f"{bucket}catalog.json"
    try:
        data = read(url, trusted=trusted).body
    except (CatalogError, FileNotFoundError) as e:
        report.cannot_read(url, e)
    else:
        for entry in check_catalogue(data, url, bucket, trusted, report):
            _check_dataset(entry, url, options.files, report)
    return report.finish()


def _check_registry(url: str, bucket: str, report: Report) -> None:
    try:
        buckets, errors = read_registry(url)
    except (CatalogError, LimitError) as e:
        report.cannot_read(url, e)
        return
    for error in errors:
        report.error(url, None, "endpoints", str(error))
    if bucket not in buckets:
        report.error(url, None, "bucket", f"it does not name {bucket}")


def _check_dataset(entry: Entry, catalogue: str, n_files: int, report: Report) -> None:
    """Read the indexes of all years, and some files."""
    try:
        pattern = index_url(entry, "YYYY")
    except CatalogError:
        return  # The check of the catalogue has reported the reason.
    there = []
    years = _years(entry)
    for year in years:
        url = index_url(entry, f"{year:04d}")
        try:
            data = read(url, trusted=entry.trusted, most=limits.index_bytes).body
            files = check_index(data, url, entry, year, report)
        except FileNotFoundError:
            continue
        except (CatalogError, LimitError) as e:
            report.cannot_read(url, e)
        else:
            check_files(files, n_files, url, entry, report)
        there.append(year)
    if not there:
        report.error(
            catalogue,
            None,
            "indexes",
            f"{entry.id} has no index {pattern} of {years[0]} to {years[-1]}",
        )
        return
    for year in sorted({*range(there[0], there[-1] + 1)} - {*there}):
        report.note(catalogue, None, "years", f"{entry.id} has no index of {year}")


def _years(entry: Entry) -> range:
    """
    The years from ``start`` in the catalogue to ``stop`` or the present year, since catalogues are often out
    of date.
    """
    stop = time_of(entry.metadata.get("stop"))
    now = datetime.now(UTC).year
    last = now if stop is None else max(now, min(int(str(stop)[:4]), now + 5))
    return range(min(entry.first_year, last), last + 1)


if __name__ == "__main__":
    sys.exit(main())
