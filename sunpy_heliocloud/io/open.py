"""Opening of files, many at a time: headers and layouts of their frames."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.fits_header import HeadTooShort
from sunpy_heliocloud.io.fits_image import find_image
from sunpy_heliocloud.io.fits_layout import GzippedLayout
from sunpy_heliocloud.io.frame import FITSFrame
from sunpy_heliocloud.io.images import Image, chosen, image_of, later_images
from sunpy_heliocloud.io.known_headers import find_headers, keep_headers
from sunpy_heliocloud.io.ranges import ByteRange, Piece, ReadError, fetch

__all__ = ["open_frames"]

# Enough for the headers and the tile table of a 5000² image; takes no more time than a kilobyte.
_HEAD_BYTES = 65536
_FRAMES_AT_ONCE = 256

type Opened = tuple[FITSFrame, dict[str, Any]] | list[Image] | ReadError

_log = logging.getLogger(__name__)


def open_frames(
    urls: Sequence[str],
    accesses: Sequence[Access] | None = None,
    sizes: Sequence[int | None] | None = None,
    hdu: int | str | None = None,
) -> Iterator[list[Opened]]:
    """
    Read the first bytes of files: the header of the image, and the byte ranges of its rows.

    Parameters
    ----------
    urls
        Of FITS files.
    accesses
        Credentials and endpoint for each file; by default anonymous, with the endpoint in the environment.
    sizes
        Size of each file in bytes, if known; a file of another size is an error.
    hdu
        The image, for files with several images: the number of its HDU, counted from 0, or its EXTNAME.

    Yields
    ------
    list
        For each URL of a batch, in order, the frame and its header; or a list of `Image` if there are several;
        or the error that names the URL.
    """
    sizes = [None] * len(urls) if sizes is None else sizes
    accesses = [Access.of()] * len(urls) if accesses is None else accesses
    for i in range(0, len(urls), _FRAMES_AT_ONCE):
        batch = slice(i, i + _FRAMES_AT_ONCE)
        yield _all_images(_open_batch(urls[batch], sizes[batch], accesses[batch]), hdu)


def _all_images(opened: Sequence[Image | ReadError], hdu: int | str | None) -> list[Opened]:
    """Look behind the first image of files that go on, unless it is the one that is meant."""
    go_on = {
        i: image
        for i, image in enumerate(opened)
        if isinstance(image, Image) and image.goes_on and image.number != hdu
    }
    later = dict(zip(go_on, later_images(list(go_on.values())), strict=True))
    results: list[Opened] = []
    for i, first in enumerate(opened):
        others = later.get(i, [])
        if isinstance(first, ReadError) or isinstance(others, ReadError):
            results.append(first if isinstance(first, ReadError) else others)
            continue
        images = chosen([first, *others], hdu)
        if not isinstance(images, ReadError) and len(images) == 1:
            results.append(images[0][:2])
        else:
            results.append(images)
    return results


def _open_batch(
    urls: Sequence[str], sizes: Sequence[int | None], accesses: Sequence[Access]
) -> list[Image | ReadError]:
    """
    Read the first bytes of files concurrently. Files with longer headers are read a second time, also
    concurrently.
    """
    results: dict[int, Image | ReadError] = {}
    known = find_headers(urls, accesses)
    new: dict[str, Piece] = {}
    needed = dict.fromkeys(range(len(urls)), _HEAD_BYTES)
    while needed:
        pieces = fetch([_head(urls[i], accesses[i], size, known) for i, size in needed.items()])
        longer = {}
        for (i, size), piece in zip(needed.items(), pieces, strict=True):
            if isinstance(piece, ReadError):
                results[i] = piece
                continue
            try:
                result = _opened(urls[i], sizes[i], piece, accesses[i])
            except HeadTooShort as short:
                if len(piece.data) < size:
                    results[i] = ReadError(
                        f"{urls[i]} ends after {len(piece.data)} bytes, within its headers; it is truncated."
                    )
                else:
                    longer[i] = short.needed
                continue
            results[i] = result
            if piece is not known.get(urls[i]) and not isinstance(result, ReadError):
                new[urls[i]] = Piece(piece.data[: result.frame.layout.head_stop], piece.version)
        needed = longer
    keep_headers(new, dict(zip(urls, accesses, strict=True)))
    return [results[i] for i in range(len(urls))]


def _head(url: str, access: Access, size: int, known: Mapping[str, Piece]) -> ByteRange:
    """The first bytes of a file, or the cached ones if the file has not changed."""
    return ByteRange(url, 0, size, exact=False, known=known.get(url), access=access)


def _opened(url: str, size: int | None, piece: Piece, access: Access) -> Image | ReadError:
    if None not in (size, piece.version.size) and size != piece.version.size:
        return ReadError(
            f"{url} has {piece.version.size} bytes, but the catalogue says {size}: the file is truncated or has been "
            "replaced, or the catalogue is out of date. A list of the URLs instead of the table opens it as it is."
        )
    return attempt(f"Could not open {url}", lambda: _judged(url, piece, access), passing=(HeadTooShort,))


def _judged(url: str, piece: Piece, access: Access) -> Image:
    """
    The frame in a file, from its first bytes. All keywords that reading and decoding use are checked here,
    once.
    """
    try:
        unit, layout = find_image(piece.data, whole=len(piece.data) == piece.version.size)
    except HeadTooShort as short:
        limits.check("head_bytes", short.needed, "The file, up to its image,")
        raise
    if isinstance(layout, GzippedLayout):
        limits.check("file_bytes", piece.version.size or 0, "The gzipped file")
        _log.debug("%s can only be read whole: it is gzipped", url)
    return image_of(FITSFrame(url, layout, access, piece.version), unit, unit.number, unit.data_stop)
