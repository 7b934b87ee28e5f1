"""Check that files exist, have the sizes in their index, and can be opened."""

from collections.abc import Sequence

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.net.checks.index import IndexedFile
from sunpy_heliocloud.net.checks.report import Report
from sunpy_heliocloud.net.entry import Entry
from sunpy_heliocloud.net.http import CatalogError, size_of

__all__ = ["check_files"]


def check_files(files: Sequence[IndexedFile], n: int, index: str, entry: Entry, report: Report) -> None:
    """
    Check some files of an index.

    Parameters
    ----------
    files
        All of them.
    n
        Number of files to check; they are spread over the index.
    index
        Its URL.
    entry
        The data set.
    report
        Receives the departures.
    """
    count = min(n, len(files))
    chosen = [files[round(i * (len(files) - 1) / max(count - 1, 1))] for i in range(count)]
    there = []
    for file in chosen:
        try:
            size = size_of(file.url, trusted=entry.trusted)
        except FileNotFoundError:
            report.error(index, file.line, "missing files", f"there is no file {file.url}")
            continue
        except CatalogError as e:
            report.error(index, file.line, "unreadable files", str(e))
            continue
        if None not in (size, file.size) and size != file.size:
            report.error(
                index,
                file.line,
                "sizes of files",
                f"{file.url} has {size} bytes, and the index says {file.size}",
            )
        there.append(file)
    if str(entry.metadata.get("filetype")).casefold() == "fits" and there:
        access = Access.of(is_given=False, trusted=entry.trusted)
        found = [
            result
            for batch in open_frames([file.url for file in there], [access] * len(there))
            for result in batch
        ]
        for file, result in zip(there, found, strict=True):
            if isinstance(result, ReadError):
                report.error(index, file.line, "FITS files", f"it cannot be opened: {result}")
