"""Indexes that are not plain CSV, unpacked into that."""

import io
import zipfile
import zlib
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sunpy_heliocloud.net.http import CatalogError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["HAS_ESCAPES", "SUFFIXES", "UNPACK"]

SUFFIXES = {"csv": ".csv", "csv-zip": ".csv.zip", "parquet": ".parquet"}
REQUIRED = ["start", "stop", "datakey", "filesize"]
# The first of them is what escapes the others.
ESCAPED = "%\n\r\t \"',#"


def _unzip(data: bytes, url: str) -> bytes:
    """The one file in an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            indexes = [name for name in archive.namelist() if _is_csv(name)]
            if len(indexes) == 1:
                return archive.read(indexes[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as e:
        raise CatalogError(
            f"{url} is not a zip archive with an index in it ({e}): it is damaged or incomplete. Try again later."
        ) from e
    raise CatalogError(
        f"{url} is not a zip archive with an index in it: expected one .csv file, found {len(indexes)} "
        f"({', '.join(indexes[:5]) or 'none'}). Tell its contact (sunpy_heliocloud.net.datasets)."
    )


def _is_csv(name: str) -> bool:
    """Whether a member of an archive is an index; macOS adds a shadow of each file, under the same name."""
    folder, _, file = name.rpartition("/")
    return file.casefold().endswith(".csv") and not file.startswith("._") and "__MACOSX" not in folder


def _from_parquet(data: bytes, url: str) -> bytes:
    """The rows of a parquet file, with a header; the required columns come first, and text is escaped."""
    try:
        import pyarrow
        from pyarrow import csv, parquet
    except ImportError as e:
        raise CatalogError(
            f'{url} is a parquet file, which needs pyarrow: pip install "sunpy_heliocloud[parquet]"'
        ) from e
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (pyarrow.ArrowException, OSError) as e:
        raise CatalogError(
            f"{url} is not a parquet file ({e}): it is damaged or incomplete. Try again later."
        ) from e
    try:
        columns = [_plain(column) for column in table.columns]
        names = pyarrow.array(table.column_names, pyarrow.string())
        table = pyarrow.table(columns, names=_escaped(names).to_pylist())
        table = _required_first(table, url)
        text = io.BytesIO()
        csv.write_csv(table, text, csv.WriteOptions(quoting_style="none", quoting_header="none"))
    except (pyarrow.ArrowException, ValueError) as e:
        raise CatalogError(
            f"{url} has columns that cannot be understood ({e}). Tell its contact (sunpy_heliocloud.net.datasets)."
        ) from e
    return b"#" + text.getvalue()


def _required_first(table: "pyarrow.Table", url: str) -> "pyarrow.Table":
    """Put the required columns into their order, if they have these names; a size may be missing, and a stop."""
    known = {unquote(name).strip("# ").casefold(): name for name in table.column_names}
    first = [known[name] for name in REQUIRED if name in known]
    if not first:
        return table
    for name in ("start", "datakey"):
        if name not in known:
            raise CatalogError(
                f"{url} has no column {name}: expected {', '.join(REQUIRED)}, found {', '.join(known)}. "
                "Tell its contact (sunpy_heliocloud.net.datasets)."
            )
    others = [name for name in table.column_names if name not in first]
    if "filesize" not in known:
        table = table.append_column("filesize", [[None] * len(table)])
        first.append("filesize")
    return table.select(first + others)


def _plain(column: "pyarrow.ChunkedArray") -> "pyarrow.ChunkedArray":
    """A column as CSV can hold it: numbers, times in UTC, escaped text."""
    import pyarrow

    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pyarrow.types.is_timestamp(kind):
        # First the zone, which leaves the instant as it is, then none.
        utc = column.cast(pyarrow.timestamp(kind.unit, "UTC")) if kind.tz else column
        return utc.cast(pyarrow.timestamp(kind.unit))
    if pyarrow.types.is_primitive(kind):
        return column
    if pyarrow.types.is_nested(kind):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        return _escaped(pyarrow.array(texts, pyarrow.string()))
    return _escaped(column.cast(pyarrow.string()))


def _escaped(text: "pyarrow.Array") -> "pyarrow.Array":
    """Text without what means something in CSV; `urllib.parse.unquote` makes it what it was."""
    from pyarrow import compute

    for letter in ESCAPED:
        text = compute.replace_substring(text, letter, f"%{ord(letter):02X}")
    return text


# By index type: what makes CSV of what the server sends.
UNPACK = {"csv": None, "csv-zip": _unzip, "parquet": _from_parquet}
# Of which index types the text in that CSV is escaped as in URLs.
HAS_ESCAPES = {"parquet"}
