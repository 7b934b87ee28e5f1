"""What a sequence can be made of: Maps, and tables or lists of files."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import astropy.units as u
from astropy.table import Row, Table

from sunpy.map import GenericMap, MapSequence
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.frame import ArrayFrame, Frame, PartFrame, Window
from sunpy_heliocloud.io.location import LocationError, S3Location, given_location, trust_of
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.metadata.values import header_of_values
from sunpy_heliocloud.text import inert

__all__ = ["File", "accesses_of", "files_of", "map_frame", "map_header", "maps_of"]


def maps_of(source: Any) -> list[GenericMap] | None:
    """The Maps of a source that is made of Maps; `None` for another."""
    maps = [source] if isinstance(source, GenericMap) else source
    if not isinstance(maps, (list, tuple, MapSequence)) or not len(maps):
        return None
    return list(maps) if all(isinstance(m, GenericMap) for m in maps) else None


def map_frame(m: GenericMap) -> Frame:
    """The frame that a Map of a sequence, or its submap, was made of; or else the Map's array."""
    if not isinstance(m.data, FrameArray):
        return ArrayFrame(m.data if m.mask is None else np.where(m.mask, np.nan, m.data))
    recipe = m.data.recipe
    frame = recipe.planes[0].frame
    if recipe.steps or not recipe.flat or m.mask is not None:
        return ArrayFrame(m.data if m.mask is None else np.where(m.mask, np.nan, m.data), url=frame.url)
    window = recipe.read.window
    return frame if window == Window.whole(frame.shape) else PartFrame(frame, window)


def map_header(m: GenericMap, number: int) -> dict[str, Any]:
    """The header of a Map, which is the ``number``-th of a source."""
    header = header_of_values(m.meta, f"Map {number} of the source")
    return header | {"NAXIS": 2, "NAXIS1": m.data.shape[1], "NAXIS2": m.data.shape[0]}


class File(NamedTuple):
    """
    Where a frame is.

    Attributes
    ----------
    url
        As the catalogue or the caller says; a path is absolute.
    size
        Bytes that a catalogue says it has.
    bucket
        URL of the bucket that the query named, empty if it named none; `None` of a file that the caller has named.
    """

    url: str
    size: int | None = None
    bucket: str | None = None


def accesses_of(files: Sequence[File], storage_options: Mapping[str, Any] | None) -> list[Access]:
    """Who asks for each file; warns if credentials are not sent to the buckets that a catalogue names."""
    accesses = {bucket: _access(bucket, storage_options) for bucket in {file.bucket for file in files}}
    of_catalogs = [file for file in files if file.bucket is not None]
    unsigned = sorted({bucket for file in of_catalogs if (bucket := _unsigned(file, accesses[file.bucket]))})
    if unsigned:
        warn_user(
            f"The credentials in storage_options are not sent to {inert(', '.join(unsigned))}: a catalogue, not you, has "
            f"named it, and it is read anonymously. Name it in the query, a.heliocloud.Bucket('s3://{unsigned[0]}/'), "
            "or pass the URLs as a list.",
            stacklevel=4,
        )
    return [accesses[file.bucket] for file in files]


def _unsigned(file: File, access: Access) -> str:
    """The bucket of a file, if it is read anonymously in spite of credentials."""
    if access.is_anonymous:
        return ""
    try:
        location = access.locate(file.url)
    except LocationError:
        return ""
    if isinstance(location, S3Location) and not access.signs_for(location.bucket):
        return location.bucket
    return ""


def _access(bucket: str | None, storage_options: Mapping[str, Any] | None) -> Access:
    if not bucket:
        return Access.of(storage_options, is_given=bucket is None)
    named = given_location(bucket)
    return Access.of(
        storage_options,
        is_given=False,
        bucket=named.bucket if isinstance(named, S3Location) else "",
        trusted=trust_of(named),
    )


def files_of(source: Any) -> list[File]:
    """The files of a source that is not made of Maps."""
    if isinstance(source, (str, os.PathLike)):
        return [File(_named(os.fspath(source)))]
    if isinstance(source, Row):
        source = source.table[source.index : source.index + 1]
    if isinstance(source, Table):
        return _table_files(source)
    if not isinstance(source, Iterable):
        raise TypeError(
            f"frames come from a Fido response, URLs, paths or Maps, not from {type(source).__name__}; "
            "Maps and URLs cannot be mixed"
        )
    return [file for part in source for file in files_of(part)]


def _named(url: str) -> str:
    """What the caller has named, paths absolute. A URL that is refused is an error of its frame, when it is opened."""
    try:
        return str(given_location(url))
    except LocationError:
        return url


def _table_files(table: Table) -> list[File]:
    from sunpy.net.base_client import QueryResponseTable  # only who has searched has one: it takes a second

    errors = getattr(table, "errors", None)
    if errors:
        cause = errors if isinstance(errors, Exception) else errors[0]
        raise ValueError(f"the search failed, so that its table says nothing: {cause}") from cause
    if "URL" not in table.colnames:
        raise ValueError(f"a table of frames needs a column 'URL', but this one has {table.colnames}")
    # A table of a search that was written to a file and read again is still one of a catalogue.
    if isinstance(table, QueryResponseTable) or "bucket" in table.meta:
        bucket = str(table.meta.get("bucket") or "")
        urls = [str(url) for url in table["URL"]]
    else:
        bucket = None
        urls = [_named(str(url)) for url in table["URL"]]
    return [File(url, size, bucket) for url, size in zip(urls, _sizes(table), strict=True)]


def _sizes(table: Table) -> list[int | None]:
    """Bytes of each file, where the table says so."""
    if "Size" not in table.colnames or getattr(table["Size"], "unit", None) is None:
        return [None] * len(table)
    sizes = np.ma.filled(u.Quantity(table["Size"]).to_value(u.byte), np.nan)
    return [round(size) if np.isfinite(size) else None for size in sizes.tolist()]
