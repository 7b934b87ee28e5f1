"""CSV indexes in zip archives."""

import io
import zipfile
import zlib

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.net.http import CatalogError
from sunpy_heliocloud.text import inert

__all__ = ["unzip"]

_CHUNK = 2**20
# The methods of nearly all archives. The decoders of other methods cannot limit the unpacked bytes.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def unzip(data: bytes, url: str) -> bytes:
    """
    The one index in an archive.

    Parameters
    ----------
    data
        The archive.
    url
        Where it is from, for messages.

    Raises
    ------
    CatalogError
        If it is none, or has no single index.
    LimitError
        If the index has more than ``limits.index_bytes``, whatever the archive says of its size.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            indexes = [member for member in archive.infolist() if _is_csv(member.filename)]
            if len(indexes) == 1:
                return _unpacked(archive, indexes[0], url)
    # zipfile raises many kinds of exceptions for a damaged archive.
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError, LookupError) as e:
        if type(e).__module__.startswith("sunpy_heliocloud"):
            raise
        raise CatalogError(
            f"{inert(url)} is not a zip archive with an index in it ({inert(e)}): it is damaged or incomplete. Try again "
            "later."
        ) from e
    names = ", ".join(inert(member.filename, 100) for member in indexes[:5]) or "none"
    raise CatalogError(
        f"{inert(url)} is not a zip archive with an index in it: expected one .csv file, found {len(indexes)} "
        f"({names}). Tell its contact (sunpy_heliocloud.net.datasets)."
    )


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, url: str) -> bytes:
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        raise CatalogError(
            f"{inert(url)} is encrypted or compressed by the method {member.compress_type}: expected 0 (stored) or 8 "
            "(deflated). Tell its contact (sunpy_heliocloud.net.datasets)."
        )
    chunks: list[bytes] = []
    size = 0
    with archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            limits.check("index_bytes", size, f"The index in {inert(url)}")
    return b"".join(chunks)


def _is_csv(name: str) -> bool:
    """Whether a member of an archive is an index; macOS adds a shadow of each file, under the same name."""
    folder, _, file = name.rpartition("/")
    return file.casefold().endswith(".csv") and not file.startswith("._") and "__MACOSX" not in folder
