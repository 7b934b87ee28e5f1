"""Conversion of parquet indexes into the columns of the cache."""

from typing import TYPE_CHECKING

import numpy as np

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.net.index.columns import Text, pack
from sunpy_heliocloud.net.index.csv_table import filled_stops
from sunpy_heliocloud.net.index.parquet_pages import check_pages
from sunpy_heliocloud.net.index.times import LONGEST_TIME, STATIC, BadTime, parse_times
from sunpy_heliocloud.text import inert

if TYPE_CHECKING:
    import pyarrow

__all__ = ["columns_of"]

REQUIRED = ("start", "stop", "datakey", "filesize")
_BLANKS = " \t\r\n'\"Zz"
_YEARS = np.array(["0001", "10000"], "M8[us]")
# Rows that are decoded at a time; limits are checked after each batch, whatever sizes the file declares.
_BATCH = 2**18


def columns_of(data: bytes, url: str) -> bytes:
    """
    The columns of a parquet index.

    Parameters
    ----------
    data
        The file.
    url
        Where it is from, for messages.

    Returns
    -------
    bytes
        As `sunpy_heliocloud.net.index.columns.pack` makes them.

    Raises
    ------
    CatalogError
        If pyarrow is not installed, or the file cannot be understood.
    LimitError
        If it has more rows or bytes than ``limits.index_rows`` and ``limits.index_bytes``, whatever it says of itself.
    """
    try:
        import pyarrow
    except ImportError as e:
        raise CatalogError(
            f'{inert(url)} is a parquet file, which needs pyarrow: pip install "sunpy_heliocloud[parquet]"'
        ) from e
    try:
        table, left_out = _read(data, url)
        return _packed(table, left_out, url)
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, OverflowError) as e:
        # CatalogError and LimitError are an OSError and a ValueError too.
        if type(e).__module__.startswith("sunpy_heliocloud"):
            raise
        raise CatalogError(
            f"{inert(url)} is not a parquet file with an index ({inert(e)}): it is damaged or incomplete. Try again "
            "later, or tell its contact (sunpy_heliocloud.net.datasets)."
        ) from e


def _read(data: bytes, url: str) -> "tuple[pyarrow.Table, list[str]]":
    """The flat columns, text as dictionaries, which do not repeat what the file does not; and names of the others."""
    import pyarrow
    from pyarrow import parquet

    kinds = pyarrow.types
    bounds = {"thrift_string_size_limit": 2**24, "thrift_container_size_limit": 2**20}
    check_pages(data, inert(url))
    schema = parquet.ParquetFile(pyarrow.BufferReader(data), **bounds).schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise CatalogError(f"{inert(url)} has two columns of one name. {_TELL}")
    flat = [field.name for field in schema if not kinds.is_nested(field.type)]
    text = [field.name for field in schema if _is_text(field.type)]
    file = parquet.ParquetFile(pyarrow.BufferReader(data), read_dictionary=text, **bounds)
    batches = []
    rows = size = 0
    for batch in file.iter_batches(_BATCH, columns=flat):
        batch.validate(full=True)
        rows, size = rows + len(batch), size + sum(map(_unpacked_size, batch.columns))
        limits.check("index_rows", rows, inert(url))
        limits.check("index_bytes", size, inert(url))
        batches.append(batch)
    table = pyarrow.Table.from_batches(batches, batches[0].schema if batches else schema)
    return table.select(flat), [name for name in schema.names if name not in flat]


def _is_text(kind: "pyarrow.DataType") -> bool:
    from pyarrow import types

    return (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )


def _unpacked_size(column: "pyarrow.Array") -> int:
    """Bytes without a dictionary."""
    from pyarrow import compute, types

    if not types.is_dictionary(column.type) or not len(column):
        return column.nbytes
    lengths = compute.binary_length(column.dictionary.cast("large_binary")).take(column.indices)
    return 8 * len(column) + (compute.sum(lengths).as_py() or 0)


def _packed(table: "pyarrow.Table", left_out: list[str], url: str) -> bytes:
    required, others = _required(table, url)
    start = _times(table, required["start"], url, may_be_empty=False)
    stop = (
        _times(table, required["stop"], url, may_be_empty=True)
        if "stop" in required
        else np.full(len(start), np.datetime64("NaT", "us"))
    )
    order = np.argsort(start, kind="stable")
    start = start[order]
    keys = _text(table, required["datakey"], order)
    for empty in np.flatnonzero(np.diff(keys.offsets) == 0)[:1]:
        raise CatalogError(f"{inert(url)}, row {order[empty] + 1} names no file. {_TELL}")
    size = _numbers(table, required.get("filesize"), url)[order]
    more: dict[str, np.ndarray | Text] = {}
    for name in others:
        column = _more(table, name, order)
        if column is not None:
            more[name] = column
    return pack(start, filled_stops(start, stop[order]), keys, size, more, left_out)


def _required(table: "pyarrow.Table", url: str) -> tuple[dict[str, str], list[str]]:
    """Names of the required columns in a table, and of the others; without these names the order counts, as in CSV."""
    names = table.column_names
    known = {name.strip("# ").casefold(): name for name in names}
    required = {name: known[name] for name in REQUIRED if name in known}
    if not required:
        wanted = (
            REQUIRED
            if len(names) > 3 and _may_be_times(table[names[1]])
            else ("start", "datakey", "filesize")
        )
        required = dict(zip(wanted, names, strict=False))
    for name in ("start", "datakey"):
        if name not in required:
            raise CatalogError(
                f"{inert(url)} has no column {name}: expected {', '.join(REQUIRED)}, found "
                f"{', '.join(inert(name, 50) for name in names[:10])}. {_TELL}"
            )
    return required, [name for name in names if name not in required.values()]


def _may_be_times(column: "pyarrow.ChunkedArray") -> bool:
    from pyarrow import types

    if not types.is_dictionary(column.type):
        return types.is_temporal(column.type) or types.is_null(column.type)
    first = next((word for word in column.slice(0, 1).to_pylist() if word), "")
    first = first.decode("utf-8", "replace") if isinstance(first, bytes) else first
    return not first.strip(_BLANKS) or first.strip(_BLANKS)[:1].isdigit() or first == STATIC.decode()


def _times(table: "pyarrow.Table", name: str, url: str, *, may_be_empty: bool) -> np.ndarray:
    import pyarrow
    from pyarrow import types

    column = table[name]
    if types.is_null(column.type):
        times = np.full(len(column), np.datetime64("NaT", "us"))
        bad = np.zeros(len(column), bool)
    elif types.is_dictionary(column.type):
        words = _words(column)
        for i in (i for i, word in enumerate(words) if len(word) > LONGEST_TIME):
            raise _row_error(url, i, name, column)
        try:
            times = parse_times(np.array(words, "S"), may_be_empty=may_be_empty)
        except BadTime as e:
            raise _row_error(url, e.i, name, column) from e
        bad = np.zeros(len(column), bool)
    elif types.is_timestamp(column.type) or types.is_date(column.type):
        unit = getattr(column.type, "unit", "ms")
        zone = getattr(column.type, "tz", None)
        # First the zone, which leaves the instant as it is, then none.
        utc = column.cast(pyarrow.timestamp(unit, "UTC")) if zone else column
        plain = utc.cast(pyarrow.timestamp(unit))
        # Finer units are cut off; coarser ones may be out of range.
        times = plain.cast(pyarrow.timestamp("us"), safe=unit != "ns").to_numpy().astype("M8[us]")
        bad = ~np.isnat(times) & ((times < _YEARS[0]) | (times >= _YEARS[1]))
        if not may_be_empty:
            bad |= np.isnat(times)
    else:
        raise CatalogError(
            f"{inert(url)} has no times in the column {inert(name, 50)}, but {column.type}. {_TELL}"
        )
    for i in np.flatnonzero(bad)[:1]:
        raise _row_error(url, i, name, column)
    return times


def _words(column: "pyarrow.ChunkedArray") -> list[bytes]:
    """Text without blanks, quotes and the Z of times."""
    return [
        (word or b"").strip(_BLANKS.encode()) for word in _decoded(column).cast("large_binary").to_pylist()
    ]


def _decoded(column: "pyarrow.ChunkedArray") -> "pyarrow.ChunkedArray":
    """A column without a dictionary."""
    from pyarrow import types

    return column.cast(column.type.value_type) if types.is_dictionary(column.type) else column


def _numbers(table: "pyarrow.Table", name: str | None, url: str) -> np.ndarray:
    """Sizes, NaN where there is none."""
    from pyarrow import types

    if name is None or types.is_null(table[name].type):
        return np.full(len(table), np.nan)
    column = table[name]
    if types.is_dictionary(column.type):
        sizes = np.empty(len(column))
        for i, word in enumerate(_words(column)):
            try:
                sizes[i] = float(word[:LONGEST_TIME] or b"nan")
            except ValueError as e:
                raise _row_error(url, i, name, column) from e
    else:
        sizes = column.cast("float64", safe=False).to_numpy().astype(float)
    return np.where(sizes >= 0, sizes, np.nan)


def _more(table: "pyarrow.Table", name: str, order: np.ndarray) -> np.ndarray | Text | None:
    """An optional column: numbers, or else text; None if it is empty."""
    from pyarrow import types

    kind = table[name].type
    if table[name].null_count == len(table):
        return None
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return table[name].cast("float64", safe=False).to_numpy().astype(float)[order]
    return _text(table, name, order)


def _text(table: "pyarrow.Table", name: str, order: np.ndarray) -> Text:
    import pyarrow

    column = (
        _decoded(table[name]).cast("large_string").combine_chunks().fill_null("").take(pyarrow.array(order))
    )
    column.validate(full=True)
    _, offsets, letters = column.buffers()
    offsets = (
        np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        if len(column)
        else np.zeros(1, np.int64)
    )
    return Text(offsets - offsets[0], letters.to_pybytes()[offsets[0] : offsets[-1]] if letters else b"")


def _row_error(url: str, i: int, name: str, column: "pyarrow.ChunkedArray") -> CatalogError:
    return CatalogError(
        f"{inert(url)}, row {i + 1} has {inert(column[int(i)].as_py())!r} in the column {inert(name, 50)}: expected "
        f"{'a number of bytes' if name.strip('# ').casefold() == 'filesize' else 'a time such as 2020-01-01T00:00:00.000Z'}. {_TELL}"
    )


_TELL = "Tell its contact (sunpy_heliocloud.net.datasets)."
