"""What a sequence can be made of: tables and names of files, Maps, pairs of data and header, other sequences."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from astropy.io import fits
from astropy.wcs import WCS

from sunpy.map import GenericMap, MapSequence

from sunpy_heliocloud.io.named_files import named_files
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.files import File
from sunpy_heliocloud.lazy.frames import Frames
from sunpy_heliocloud.lazy.held import Held, is_header, is_pixels
from sunpy_heliocloud.lazy.tables import is_table, table_files
from sunpy_heliocloud.metadata.problems import problems
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["Entry", "Lost", "entries_of"]


class Lost(NamedTuple):
    """A part of a source that is no frame: its URL or place, and the error."""

    name: str
    error: ReadError


type Entry = File | Held | Frames | Lost

_TOP = "the source"
_TAKEN = (
    "frames come from a Fido response, a table with a column 'URL', (data, header) pairs, sequences, folders, globs, URLs, "
    "paths or Maps"
)


def entries_of(source: Any) -> list[Entry]:
    """
    What a source is made of, in its order.

    Returns
    -------
    list
        Files, images that the caller holds, the frames of sequences, and errors in place of frames that are missing.

    Raises
    ------
    TypeError
        When something in it is none of these.
    ValueError, FileNotFoundError
        When a table has no column ``URL``, a folder no FITS file, or a name is empty.
    """
    entries = list(_entries(source, _TOP))
    _judge_pairs(entries)
    return entries


def _judge_pairs(entries: list[Entry]) -> None:
    """Errors in place of the pairs of which sunpy makes no Map; of all headers together, since one by one takes longer."""
    pairs = [(i, entry) for i, entry in enumerate(entries) if isinstance(entry, Held) and entry.is_pair]
    for (i, pair), problem in zip(pairs, problems([pair.header for _, pair in pairs]), strict=True):
        if problem is not None:
            error = ReadError(f"The header of {pair.place} cannot be used: {shown_url(problem)}")
            entries[i] = Lost(pair.place, error)


def _entries(source: Any, place: str) -> Iterator[Entry]:
    if isinstance(source, (str, os.PathLike, bytes)):
        yield from map(File, named_files(_name(source, place)))
    elif isinstance(source, GenericMap):
        yield Held.of_map(source, _place_of_map(place))
    elif isinstance(frames := getattr(source, "_frames", None), Frames):
        yield frames
    elif is_table(source):
        yield from table_files(source)
    elif hasattr(source, "to_pylist"):  # a column of pyarrow
        yield from _entries(source.to_pylist(), place)
    elif _is_collection(source):
        yield from _failed_downloads(source)
        yield from _parts(source, place)
    else:
        where = "" if place == _TOP else f" ({place})"
        raise TypeError(f"{_TAKEN}, not from {type(source).__name__}{where}{_remedy(source)}")


def _place_of_map(place: str) -> str:
    return f"Map 0 of {_TOP}" if place == _TOP else f"Map{place.removeprefix('item')}"


def _is_collection(source: Any) -> bool:
    is_single = (
        isinstance(source, (Mapping, fits.Header, WCS)) or is_pixels(source) or hasattr(source, "read")
    )
    return isinstance(source, (Iterable, MapSequence)) and not is_single


def _parts(source: Iterable[Any], place: str) -> Iterator[Entry]:
    """Of a collection, in which a header may follow its array, as in a pair."""
    parts = iter(source)
    is_pair = isinstance(source, (tuple, list)) and len(source) == 2
    for number, part in enumerate(parts):
        here = f"item {number} of {place}"
        if not is_pixels(part):
            yield from _entries(part, here)
            continue
        here = place if is_pair else here
        header = next(parts, None)
        if not is_header(header):
            raise TypeError(
                f"{here} is an array, behind which a header is expected, not {type(header).__name__}; pass (data, header), "
                "the header being a dictionary, a fits.Header or a WCS"
            )
        try:
            yield Held.of_pair(part, header, here)
        except (TypeError, ValueError, ReadError) as error:
            yield Lost(here, ReadError(str(error)))


def _failed_downloads(results: Any) -> Iterator[Entry]:
    """Of parfive's results, which beside the paths of files have errors."""
    if not hasattr(results, "urls"):
        return
    for error in getattr(results, "errors", None) or ():
        reason = shown_url(f"{error.url} was not downloaded: {error.exception}", 1000)
        yield Lost(str(error.url), ReadError(f"{reason}; Fido.fetch(results) fetches what failed"))


def _name(source: Any, place: str) -> str:
    name = os.fsdecode(source)
    if not name.strip():
        raise ValueError(f"{place} is an empty name, {name!r}; {_TAKEN}")
    return name


def _remedy(source: Any) -> str:
    """What to do about something that is no source, but has to do with one."""
    if isinstance(source, fits.Header | WCS):
        return "; a header alone has no pixels: pass (data, header)"
    if isinstance(source, Mapping):
        return "; a header alone has no pixels: pass (data, header); of a dictionary of files, its values()"
    if isinstance(source, np.ndarray) or hasattr(source, "dask"):
        return "; an array alone has no coordinates: pass (data, header)"
    if hasattr(source, "header") and hasattr(source, "data"):  # an HDU
        return "; pass (hdu.data, hdu.header)"
    if hasattr(source, "wcs"):
        return "; a cube gives Maps: pass cube.to_maps()"
    if hasattr(source, "name") and hasattr(source, "read"):
        return f"; pass the name of the file: {inert(source.name)!r}"
    return ""
