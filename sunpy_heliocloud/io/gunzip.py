"""Gzipped bytes, unpacked up to a bound."""

import zlib
from collections.abc import Iterator

__all__ = ["gunzip", "unpacked_pieces"]

_MAGIC = b"\x1f\x8b"
_PIECE = 2**20


def gunzip(data: bytes, most: int) -> bytes:
    """
    Unpack gzipped bytes.

    Parameters
    ----------
    data
        All of them: the checksum at the end is checked.
    most
        How many bytes may come out.

    Raises
    ------
    ValueError
        When more come out, or the bytes are damaged or cut short.
    """
    pieces, total = [], 0
    for piece in unpacked_pieces(data):
        total += len(piece)
        if total > most:
            raise ValueError(f"more than {most} bytes come out")
        pieces.append(piece)
    return b"".join(pieces)


def unpacked_pieces(data: bytes, *, whole: bool = True) -> Iterator[bytes]:
    """
    What comes out of gzipped bytes, a megabyte at a time.

    Parameters
    ----------
    data
        The bytes of one member or several.
    whole
        Whether all of them are there; if not, what is missing is no error.

    Yields
    ------
    bytes

    Raises
    ------
    ValueError
        When the bytes are damaged or cut short.
    """
    while True:
        member = zlib.decompressobj(wbits=31)
        rest = data
        while not member.eof:
            try:
                piece = member.decompress(rest, _PIECE)
            except zlib.error as error:
                raise ValueError(f"damaged gzip bytes: {error}") from error
            rest = member.unconsumed_tail
            if piece:
                yield piece
            elif not rest and not member.eof:
                if whole:
                    raise ValueError("damaged gzip bytes: they end too early")
                return
        data = member.unused_data.lstrip(b"\0")
        if not data:
            return
        if not data.startswith(_MAGIC):
            raise ValueError("damaged gzip bytes: others follow, which are not gzipped")
