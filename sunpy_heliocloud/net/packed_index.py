"""Indexes that are not plain CSV, unpacked into that."""

import io
import zipfile
import zlib

from sunpy_heliocloud.net.reading import CatalogError

__all__ = ["SUFFIXES", "UNPACK"]

SUFFIXES = {"csv": ".csv", "csv-zip": ".csv.zip", "parquet": ".parquet"}
REQUIRED = ["start", "stop", "datakey", "filesize"]


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
    """The rows of a parquet file, with a header; the required columns come first."""
    try:
        from pyarrow import ArrowException, csv, parquet
    except ImportError as e:
        raise CatalogError(
            f'{url} is a parquet file, which needs pyarrow: pip install "sunpy_heliocloud[parquet]"'
        ) from e
    try:
        table = parquet.read_table(io.BytesIO(data))
    except (ArrowException, OSError) as e:
        raise CatalogError(
            f"{url} is not a parquet file ({e}): it is damaged or incomplete. Try again later."
        ) from e
    known = {name.strip("# ").casefold(): name for name in table.column_names}
    first = [known[name] for name in REQUIRED if name in known]
    table = table.select(first + [name for name in table.column_names if name not in first])
    text = io.BytesIO()
    csv.write_csv(table, text)
    return text.getvalue()


# By index type: what makes CSV of what the server sends.
UNPACK = {"csv": None, "csv-zip": _unzip, "parquet": _from_parquet}
