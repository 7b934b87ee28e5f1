"""Tables of files, of any library: those with a column of URLs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import astropy.units as u
from astropy.table import Row, Table

from sunpy_heliocloud.io.named_files import named_files
from sunpy_heliocloud.lazy.files import File
from sunpy_heliocloud.text import inert

__all__ = ["is_table", "table_files"]


def is_table(source: Any) -> bool:
    """Whether something has columns: of astropy, pandas, polars, pyarrow or numpy; or is a row of such."""
    return bool(_columns(source)) or isinstance(source, Table)


def table_files(table: Any) -> list[File]:
    """
    The files in a table's column ``URL``, in any case.

    Raises
    ------
    ValueError
        When the search for it failed, when it has no such column, or a row has no URL.
    """
    if isinstance(table, Row):
        table = table.table[table.index : table.index + 1]
    if errors := _errors(table):
        cause = errors if isinstance(errors, Exception) else errors[0]
        raise ValueError(f"the search failed, so that its table says nothing: {cause}") from cause
    if str(getattr(getattr(table, "index", None), "name", "")).casefold() == "url":
        table = table.reset_index()  # of pandas, by set_index("URL")
    column = table[_url_column(_columns(table))]
    values = [column] if isinstance(column, str) else list(column)
    urls = [_url(value, row) for row, value in enumerate(values)]
    if isinstance(table, Table) and _is_response(table):
        bucket = str(table.meta.get("bucket") or "")
        return [File(url, size, bucket) for url, size in zip(urls, _sizes(table), strict=True)]
    sizes = _sizes(table) if isinstance(table, Table) else [None] * len(urls)
    return [File(name, size) for url, size in zip(urls, sizes, strict=True) for name in named_files(url)]


def _columns(table: Any) -> list[str]:
    """Their names; none if it is no table."""
    if isinstance(table, (np.ndarray, np.void)):
        return list(table.dtype.names or ())
    for attribute in ("colnames", "column_names", "columns"):  # astropy, pyarrow, pandas and polars
        names = getattr(table, attribute, None)
        if names is not None and not callable(names):
            return [str(name) for name in names]
    labels = [str(label) for label in table.index] if hasattr(table, "iloc") else []
    return labels if any(label.casefold() == "url" for label in labels) else []  # a row of pandas


def _url_column(names: Sequence[str]) -> str:
    found = [name for name in names if name == "URL"] or [name for name in names if name.casefold() == "url"]
    if len(found) != 1:
        raise ValueError(f"a table of frames needs a column 'URL', but this one has {inert(list(names))}")
    return found[0]


def _url(value: Any, row: int) -> str:
    value = value.as_py() if hasattr(value, "as_py") else value  # a scalar of pyarrow
    value = value.decode() if isinstance(value, bytes) else value
    if not isinstance(value, str) or not value.strip():
        raise ValueError(
            f"row {row} of the table has no URL, but {inert(repr(value), 60)}; leave such rows out"
        )
    return str(value)


def _errors(table: Any) -> Any:
    return getattr(table, "errors", None) if isinstance(table, Table) else None


def _is_response(table: Table) -> bool:
    from sunpy.net.base_client import QueryResponseTable  # only who has searched has one: it takes a second

    # A table of a search that was written to a file and read again is still one of a catalogue.
    return isinstance(table, QueryResponseTable) or "bucket" in table.meta


def _sizes(table: Table) -> list[int | None]:
    """Bytes of each file, where the table says so."""
    if "Size" not in table.colnames or getattr(table["Size"], "unit", None) is None:
        return [None] * len(table)
    sizes = np.ma.filled(u.Quantity(table["Size"]).to_value(u.byte), np.nan)
    return [round(size) if np.isfinite(size) else None for size in sizes.tolist()]
