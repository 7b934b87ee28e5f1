"""Files with several images: masks, uncertainties, other cameras."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from astropy.io import fits

from sunpy_heliocloud.bounds import LimitError, limits
from sunpy_heliocloud.io.fits_header import HeaderUnit, HeadTooShort, header_unit, header_units, image_header
from sunpy_heliocloud.io.fits_image import image_layout
from sunpy_heliocloud.io.fits_layout import GzippedLayout, ImageLayout, PlainLayout, TiledLayout
from sunpy_heliocloud.io.frame import FITSFrame
from sunpy_heliocloud.io.gunzip import gunzip
from sunpy_heliocloud.io.ranges import ByteRange, ReadError, fetch
from sunpy_heliocloud.text import inert, shown_url

__all__ = ["Image", "chosen", "image_of", "later_images"]

_BLOCK = 2880
_HEADER_BYTES = 10 * _BLOCK  # holds most headers


class Image(NamedTuple):
    """
    An image in a file.

    Attributes
    ----------
    frame, header
        What it is.
    number
        Number of its HDU, counted from 0 as in astropy.
    stop
        The byte of the file at which the next HDU begins.
    """

    frame: FITSFrame
    header: dict[str, Any]
    number: int
    stop: int

    @property
    def name(self) -> str:
        """EXTNAME."""
        return str(self.header.get("EXTNAME") or "").strip()

    def __str__(self) -> str:
        ny, nx = self.frame.shape
        return f"HDU {self.number}{self.name and f' {inert(self.name, 60)!r}'} of {ny}×{nx} pixels"

    @property
    def is_gzipped(self) -> bool:
        """Whether its file is gzipped as a whole."""
        return isinstance(self.frame.layout, GzippedLayout)

    @property
    def goes_on(self) -> bool:
        """Whether the file has more HDUs; of a gzipped file, whether it may have."""
        size = self.frame.version.size
        return size is not None and (self.is_gzipped or size - self.stop >= _BLOCK)


def image_of(frame: FITSFrame, unit: HeaderUnit, number: int, stop: int) -> Image:
    """An image with the header that sunpy takes: axes of length 1 are left out."""
    header = image_header(unit.header)
    bitpix = fits.DTYPE2BITPIX[frame.layout.dtype.newbyteorder("=").name]
    header.update(BITPIX=bitpix, NAXIS=2, NAXIS1=frame.shape[1], NAXIS2=frame.shape[0])
    return Image(frame, header, number, stop)


def later_images(images: Sequence[Image]) -> list[list[Image] | ReadError]:
    """
    The images in the HDUs behind some images, each in a file of its own.

    Their headers are requested concurrently, one HDU at a time; bytes after the last HDU are ignored. Gzipped files are
    read whole, unless their last bytes say that they end with the image.

    Parameters
    ----------
    images
        The first of each file.

    Returns
    -------
    list
        For each of them those that follow, or the error that names the URL.
    """
    found: list[Any] = [[] for _ in images]
    going_on = {i: image for i, image in enumerate(images) if image.goes_on}
    zipped = {i: image for i, image in going_on.items() if image.is_gzipped}
    for i, others in zip(zipped, _later_gzipped(list(zipped.values())), strict=True):
        found[i] = others
    ends = {
        i: (image.number + 1, image.stop, _HEADER_BYTES) for i, image in going_on.items() if i not in zipped
    }
    while ends:
        ranges = [_behind(images[i].frame, start, size) for i, (_, start, size) in ends.items()]
        again = {}
        for (i, (number, start, size)), piece in zip(ends.items(), fetch(ranges), strict=True):
            if isinstance(piece, ReadError):
                found[i] = piece
                continue
            frame = images[i].frame
            try:
                limits.check("hdus", number + 1, "The file")
                unit = header_unit(piece.data, 0, 0, is_first=False)
                layout = image_layout(piece.data, unit)
            except HeadTooShort as short:
                if len(piece.data) == size and short.needed <= limits.head_bytes:
                    again[i] = number, start, short.needed
                continue
            except LimitError as error:
                found[i] = ReadError(f"Could not open {shown_url(frame.url)}: {error}")
                continue
            except ValueError:  # no HDU, or one that cannot be read: it is ignored
                continue
            stop = start + unit.data_stop
            if layout is not None:
                moved = FITSFrame(frame.url, _moved(layout, start), frame.access, frame.version)
                found[i].append(image_of(moved, unit, number, stop))
            if images[i]._replace(stop=stop).goes_on:
                again[i] = number + 1, stop, _HEADER_BYTES
        ends = again
    return found


def _later_gzipped(images: Sequence[Image]) -> list[list[Image] | ReadError]:
    """See `later_images`."""
    sizes = [image.frame.version.size or 0 for image in images]
    ends = fetch(
        [_part(image.frame, max(size - 4, 0), size) for image, size in zip(images, sizes, strict=True)]
    )
    found: list[list[Image] | ReadError] = []
    for image, end in zip(images, ends, strict=True):
        if isinstance(end, ReadError):
            found.append(end)
        elif int.from_bytes(end.data, "little") == image.stop % 2**32:  # the size of the unpacked file
            found.append([])
        else:
            (whole,) = fetch([_part(image.frame, 0, image.frame.version.size)])
            found.append(whole if isinstance(whole, ReadError) else _images_behind(image, whole.data))
    return found


def _images_behind(image: Image, file: bytes) -> list[Image]:
    """The images behind the first one of a gzipped file; what follows damage, or no HDU, is ignored."""
    frame, found = image.frame, []
    with suppress(ValueError, HeadTooShort):
        data = gunzip(file, limits.file_bytes)
        for unit in header_units(data):
            layout = image_layout(data, unit) if unit.number > image.number else None
            if layout is not None:
                gzipped = GzippedLayout(layout, limits.file_bytes)
                other = FITSFrame(frame.url, gzipped, frame.access, frame.version)
                found.append(image_of(other, unit, unit.number, unit.data_stop))
    return found


def _part(frame: FITSFrame, start: int, stop: int | None) -> ByteRange:
    return ByteRange(frame.url, start, stop, version=frame.version, access=frame.access)


def _behind(frame: FITSFrame, start: int, size: int) -> ByteRange:
    whole = frame.version.size
    stop = start + size if whole is None else min(start + size, whole)
    return ByteRange(frame.url, start, stop, exact=False, version=frame.version, access=frame.access)


def _moved(layout: PlainLayout | TiledLayout, start: int) -> ImageLayout:
    """The layout of an image whose bytes are counted from the beginning of its file."""
    if isinstance(layout, PlainLayout):
        return replace(layout, data_start=layout.data_start + start)
    return replace(layout, heap_start=layout.heap_start + start)


def chosen(images: Sequence[Image], hdu: int | str | None) -> list[Image] | ReadError:
    """
    The images that are meant.

    Parameters
    ----------
    images
        Of one file.
    hdu
        The number of an HDU, or its EXTNAME in any case; `None` for all.
    """
    if hdu is None:
        return list(images)
    meant = [
        image
        for image in images
        if (image.name.casefold() == hdu.casefold() if isinstance(hdu, str) else image.number == hdu)
    ]
    if not meant:
        there = ", ".join(map(str, images))
        return ReadError(f"{shown_url(images[0].frame.url)} has no image hdu={hdu!r}, but {there}")
    return meant
