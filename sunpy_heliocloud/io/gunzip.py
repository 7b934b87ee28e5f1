"""Unpacking of gzipped bytes, up to a limit."""

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
        All bytes; the checksum at the end is verified.
    most
        Largest number of unpacked bytes.

    Raises
    ------
    ValueError
        When there are more unpacked bytes, or the input is damaged or truncated.
    """
    pieces, total = [], 0
    for piece in unpacked_pieces(data):
        total += len(piece)
        if total > most:
            raise ValueError(f"it has more than {most} unpacked bytes")
        pieces.append(piece)
    return b"".join(pieces)


def unpacked_pieces(data: bytes, *, whole: bool = True) -> Iterator[bytes]:
    """
    The unpacked bytes, a megabyte at a time.

    Parameters
    ----------
    data
        The bytes of one member or several.
    whole
        Whether ``data`` is complete. If not, a truncated end is not an error.

    Yields
    ------
    bytes

    Raises
    ------
    ValueError
        When the bytes are damaged or truncated.
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
