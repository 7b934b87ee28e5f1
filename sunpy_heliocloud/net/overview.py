"""The list of all data sets."""

import re
from fnmatch import fnmatchcase

from astropy.table import Table

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.net.attrs import Bucket
from sunpy_heliocloud.net.catalog import catalog_entries
from sunpy_heliocloud.summary import table_html
from sunpy_heliocloud.text import inert

__all__ = ["datasets"]


class DatasetTable(Table):
    """A table of data sets, with a display of its own in notebooks."""

    def _repr_html_(self) -> str:
        buckets = (
            f" in {', '.join(sorted(set(self['bucket'])))}" if "bucket" in self.colnames and len(self) else ""
        )
        title = f"{len(self)} data set{'' if len(self) == 1 else 's'}{buckets}"
        return table_html(title, self.colnames, [tuple(row) for row in self[:]])


def datasets(pattern: str = "*", *, bucket: str | None = None) -> Table:
    """
    List the data sets in HelioCloud.

    Parameters
    ----------
    pattern
        Pattern for ids and titles: a glob, or a part of a name, in upper or lower case.
    bucket
        URL of the only bucket to list, instead of all buckets in the registry.

    Returns
    -------
    `~astropy.table.Table`
        One row a data set, with the columns ``id``, ``title``, ``start``, ``stop``, ``indextype``, ``filetype``,
        ``contact``, ``bucket``. Times are those of the catalogue and may be malformed; the archive often has
        files after ``stop``.

    Raises
    ------
    CatalogError
        If the registry or all buckets cannot be read. A single bucket that cannot be read is a warning.

    Examples
    --------
    >>> sorted(sunpy_heliocloud.net.datasets("aia_*")["id"].tolist())
    ['aia_0171', 'aia_0193']
    """
    if not isinstance(pattern, str):
        raise TypeError(f"pattern is {shown(pattern)}, but has to be a text such as 'aia' or 'euvml_*_304'")
    entries, errors = catalog_entries(None if bucket is None else Bucket(bucket).value)
    if errors and not entries:
        raise errors[0]
    from sunpy_heliocloud.net.search import (
        warn_of,
    )  # what searches is imported when it is used, as by the client

    warn_of(errors)
    pattern = pattern.casefold() if re.search(r"[*?[]", pattern) else f"*{pattern.casefold()}*"
    columns = ("title", "start", "stop", "indextype", "filetype", "contact")
    rows = [
        (entry.id, *(inert(entry.metadata.get(name) or "") for name in columns), inert(entry.bucket))
        for entry in entries
        if any(fnmatchcase(str(entry.metadata.get(name)).casefold(), pattern) for name in ("id", "title"))
    ]
    return DatasetTable(rows=rows or None, names=("id", *columns, "bucket"), dtype=[str] * (len(columns) + 2))
