"""The table of files in the result of a search."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import astropy.units as u
from astropy.io.registry import UnifiedReadWriteMethod
from astropy.table import QTable, Table
from astropy.table.connect import TableWrite
from astropy.time import Time

from sunpy.net.base_client import QueryResponseTable

from sunpy_heliocloud.arguments import file_path
from sunpy_heliocloud.inert_table import InertFormatter
from sunpy_heliocloud.net.entry import PROVIDER, Entry
from sunpy_heliocloud.net.rows import Rows, text_column
from sunpy_heliocloud.text import inert

__all__ = ["HelioCloudResponse", "response"]

COLUMNS = ("Start time", "End time", "Instrument", "Wavelength", "Dataset", "Size", "Provider", "URL")
LONGEST_NAME = 80  # width of a column
SOME_TIME = np.datetime64("2000-01-01", "us")


class _Write(TableWrite):
    """
    Write the table to a file.

    Parameters
    ----------
    *args, **kwargs
        As for `astropy.table.Table.write`, such as the path and ``overwrite``.
    """

    def __init__(self, instance: "HelioCloudResponse", cls: type["HelioCloudResponse"]) -> None:
        super().__init__(instance, cls)
        self._table = instance

    # Of the attributes of sunpy's tables, the columns that are displayed may be a slice, which cannot be written.
    def __call__(self, *args: Any, **kwargs: Any) -> None:
        table = QTable(self._table, copy=False)
        table.meta = {**table.meta, "__attributes__": {"hide_keys": self._table.hide_keys}}
        for name in {"Start time", "End time"}.intersection(table.colnames):
            table[name] = _in_full(table[name])
        table.write(*args, **kwargs)


class HelioCloudResponse(QueryResponseTable):
    """
    Files found in HelioCloud.

    One row a file, in time order, with the columns ``Start time``, ``End time``, ``Instrument``, ``Wavelength``,
    ``Dataset``, ``Size``, ``Provider`` and ``URL``; ``URL`` is exactly as in the catalogue, and is hidden in
    the display. Optional columns of the index follow, with their names in the index; columns of checksums are
    hidden, too. ``meta["datasets"]`` has the entries of the data sets in the catalogue, by id: title,
    citation, contact, resource, ... ``meta["egress"]`` has the rules of the catalogues for reading from
    outside the cloud, by the URLs of their buckets: ``"user-pays"``, for example.

    Long tables are displayed in part, as astropy displays them; ``show().pprint_all()`` prints all lines. Text
    of the catalogue is displayed without control characters and tags, and shortened; the values in the table
    are unchanged.

    ``write("files.ecsv")`` keeps all of it in a file. `astropy.table.QTable.read` reads the file as a plain table, and
    ``HelioCloudResponse.read`` as one that `sunpy.net.Fido` downloads as well.

    Examples
    --------
    >>> table = found[0]
    >>> str(table["Dataset"][0]), len(table)
    ('aia_0193', 30)
    """

    meta: dict[str, Any]
    client: Any = None  # set by the client's module
    write = UnifiedReadWriteMethod(_Write)
    TableFormatter = InertFormatter
    size_column = "Size"

    def __str__(self) -> str:
        # sunpy displays all lines.
        return "\n".join(self._display_table.pformat(max_lines=None))

    def __repr__(self) -> str:
        return f"{object.__repr__(self)}\n{self}"

    def unhide_columns(self) -> "HelioCloudResponse":
        """
        Display all columns of this table.

        Returns
        -------
        HelioCloudResponse
            The table itself.

        Examples
        --------
        >>> "URL" in str(found[0].unhide_columns().colnames)
        True
        """
        # sunpy calls this on a slice whenever it displays a table, and the two would share their attributes.
        self.meta = {**self.meta, "__attributes__": dict(self.meta.get("__attributes__", {}))}
        return super().unhide_columns()

    def total_size(self) -> u.Quantity:
        """
        Total size of all files, without those of unknown size.

        Returns
        -------
        `~astropy.units.Quantity`
            The size in a suitable unit; NaN if the table has no sizes.

        Examples
        --------
        >>> found[0].total_size().unit
        Unit("...byte")
        """
        if self.size_column not in self.colnames:
            return np.nan * u.byte
        total = np.nansum(self[self.size_column].to_value(u.byte)) * u.byte
        units = (unit for unit in (u.Tbyte, u.Gbyte, u.Mbyte, u.kbyte) if total >= 1 * unit)
        return total.to(next(units, u.byte)).round(3)

    def write_manifest(self, path: str | os.PathLike) -> Path:
        """
        Write a list of the files, for other programs or for a paper.

        Parameters
        ----------
        path
            If the path ends in ``.csv``, an index in HelioCloud's format (start, stop, datakey, filesize and
            the optional columns); otherwise one https address a line, for ``wget -i`` and similar programs.
            An existing file is overwritten.

        Returns
        -------
        `pathlib.Path`
            The file.

        Examples
        --------
        >>> path = found[0].write_manifest("files.csv")
        """
        path = file_path("path", path)
        if path.suffix.casefold() != ".csv":
            from sunpy_heliocloud.io.filesystem import https_url  # imports fsspec

            path.write_text("".join(f"{https_url(url)}\n" for url in self["URL"]))
            return path
        columns = {
            "start": _index_times(self["Start time"]),
            "stop": _index_times(self["End time"]),
            "datakey": self["URL"],
            "filesize": [f"{size:.0f}" if size >= 0 else "" for size in self["Size"].to_value(u.byte)],
            **{name: self[name] for name in self.colnames if name not in COLUMNS},
        }
        Table(columns).write(path, format="ascii.csv", overwrite=True)
        return path


def response(found: Sequence[tuple[Entry, Rows]]) -> HelioCloudResponse:
    """The files of all data sets, in time order, without duplicates."""
    entries = [entry for entry, _ in found]
    rows = Rows.concatenate(rows for _, rows in found)
    owner = np.repeat(np.arange(len(found)), [len(rows.start) for _, rows in found])
    order = np.argsort(rows.start, kind="stable")
    once = order if len(set(rows.url)) == len(rows.url) else _first_of_each(rows.url, order)
    rows, owner = rows.take(once), owner[once]

    def column(name: str) -> np.ndarray:
        return np.array([getattr(entry, name) for entry in entries])[owner]

    more = dict(zip(_column_names(rows.more), rows.more.values(), strict=True))
    table = HelioCloudResponse(
        {
            "Start time": _astropy_time(rows.start),
            "End time": _astropy_time(rows.stop),
            "Instrument": column("instrument"),
            "Wavelength": column("wavelength") * u.angstrom,
            "Dataset": column("id"),
            "Size": (rows.size * u.byte).to(u.Mbyte),
            "Provider": np.full(len(owner), PROVIDER),
            "URL": text_column(rows.url),
            **more,
        },
        hide_keys=["URL", *(name for name in more if name.casefold().startswith("checksum"))],
        meta={
            "datasets": {entry.id: entry.metadata for entry in entries},
            "egress": {entry.bucket: entry.egress for entry in entries},
        },
    )
    table["Size"].info.format = ".3f"
    table["Wavelength"].info.format = "g"
    return table


def _column_names(names: Iterable[str]) -> list[str]:
    """The names of optional columns in an index, made harmless for all displays."""
    named: list[str] = []
    for name in names:
        name = inert(name, LONGEST_NAME)
        if name in COLUMNS or name in named:
            name = f"{name} (index)" if f"{name} (index)" not in named else f"{name} (index {len(named)})"
        named.append(name)
    return named


def _first_of_each(urls: list[str], order: np.ndarray) -> np.ndarray:
    first: dict[str, int] = {}
    for i in order.tolist():
        first.setdefault(urls[i], i)
    return np.array(list(first.values()), int)


def _astropy_time(times: np.ndarray) -> Time:
    """Conversion from ``datetime64``, through strings: astropy parses these in C, 15 times as fast."""
    unknown = np.isnat(times)
    result = Time(np.datetime_as_string(np.where(unknown, SOME_TIME, times)), format="isot", scale="utc")
    if unknown.any():
        result[unknown] = np.ma.masked
    return result


def _in_full(times: Time) -> Time:
    """Times with as many decimals as they have: milliseconds, or the microseconds of some indexes."""
    exact = times.copy(format="isot")
    exact.precision = 6
    return times if np.char.endswith(exact.unmasked.value.astype(str), "000").all() else exact


def _index_times(times: Time) -> list[str]:
    """Times in the format of an index, with "static" for files without a time."""
    if not len(times):
        return []
    masked = np.broadcast_to(times.mask, times.shape)
    return [
        "static" if no else f"{time}Z" for no, time in zip(masked, _in_full(times).unmasked.isot, strict=True)
    ]
