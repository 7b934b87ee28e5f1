"""Strategies of hypothesis: FITS images as in archives."""

import io
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from astropy.io import fits

__all__ = ["FITSImage", "fits_bytes", "fits_images", "header_text", "windows", "with_cards"]

INTEGERS = ("u1", "i2", "i4")
COMPRESSIONS = ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "NOCOMPRESS")


@dataclass(frozen=True)
class FITSImage:
    """The bytes of a FITS file, and the HDU of its image."""

    file: bytes
    hdu: int
    description: str

    def __repr__(self) -> str:
        return f"FITSImage({self.description})"

    def whole(self, **kwargs) -> np.ndarray:
        """The image as astropy reads it from the whole file."""
        with fits.open(io.BytesIO(self.file), **kwargs) as hdus:
            return hdus[self.hdu].data


def fits_bytes(*hdus) -> bytes:
    """A FITS file as bytes."""
    file = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(file)
    return file.getvalue()


def header_text(*cards: str) -> bytes:
    """A header of raw cards, valid or not."""
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


def with_cards(file: bytes, cards: list[str]) -> bytes:
    """The file with more cards at the end of its last header: many of them would take astropy seconds."""
    end = file.rindex(b"END".ljust(80))
    header = file[:end] + header_text(*cards).rstrip()
    data_start = -(-(end + 80) // 2880) * 2880
    return header.ljust(-(-len(header) // 2880) * 2880) + file[data_start:]


@st.composite
def windows(draw, rows: int) -> tuple[int, int]:
    """The first row of a window, and the one after the last."""
    start = draw(st.integers(0, rows - 1))
    return start, draw(st.integers(start + 1, rows))


@st.composite
def fits_images(draw) -> FITSImage:
    """Integers and floats, plain and compressed by tiles of any shape, scaled or not, in any HDU."""
    compression = draw(st.sampled_from((None, *COMPRESSIONS)))
    shape = draw(st.integers(4, 40)), draw(st.integers(4, 40))
    data, quantised, kind = draw(_pixels(shape, compression))
    scaling = draw(_scaling(data.dtype, data))
    if compression is None:
        in_primary = draw(st.booleans())
        image = (fits.PrimaryHDU if in_primary else fits.ImageHDU)(data)
    else:
        in_primary = False
        tile = draw(_tile_shape(shape, compression))
        image = fits.CompImageHDU(data, compression_type=compression, tile_shape=tile, **quantised)
        kind += f" {compression} by {tile}"
    image.header.update(scaling)
    front = [] if in_primary else [fits.PrimaryHDU(), *draw(_other_hdus())]
    back = draw(_other_hdus())
    description = f"{shape} {kind} {scaling} in HDU {len(front)} of {len(front) + 1 + len(back)}"
    return FITSImage(fits_bytes(*front, image, *back), len(front), description)


@st.composite
def _pixels(draw, shape, compression):
    """Pixels, the arguments for their quantisation, and a name."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    floats = ("f4", "f8") if compression != "NOCOMPRESS" else ("f4",)
    dtype = draw(st.sampled_from((*INTEGERS, *floats)))
    if dtype in INTEGERS:
        high = {"u1": 255, "i2": 32767, "i4": 2**24 - 1}[dtype]
        low = 0 if dtype == "u1" else -100
        return (
            rng.integers(low, draw(st.sampled_from((min(high, 200), high))), shape).astype(dtype),
            {},
            dtype,
        )
    data = rng.normal(100, 10, shape).astype(dtype)
    if draw(st.booleans()):
        data[rng.random(shape) < 0.2] = np.nan
    if draw(st.booleans()):
        data[shape[0] // 2] = 7  # a row that cannot be quantised is stored in another column
    if compression in (None, "NOCOMPRESS") or (compression.startswith("GZIP") and draw(st.booleans())):
        return data, {"quantize_level": 0.0} if compression else {}, dtype
    method = draw(st.sampled_from((-1, 1, 2)))
    seed = draw(st.sampled_from((1, 17, 9999, 10000)))
    return (
        data,
        {"quantize_method": method, "dither_seed": seed},
        f"{dtype} quantised by {method} from {seed}",
    )


@st.composite
def _tile_shape(draw, shape, compression):
    if compression == "HCOMPRESS_1":  # wants at least four pixels each way, in the last tile too
        return tuple(
            draw(st.sampled_from([t for t in range(4, n + 1) if n % t == 0 or n % t >= 4])) for n in shape
        )
    if draw(st.booleans()):
        return 1, shape[1]
    return draw(st.integers(1, shape[0])), draw(st.integers(1, shape[1]))


@st.composite
def _scaling(draw, dtype, data):
    cards = draw(
        st.sampled_from(
            (
                {},
                {"BSCALE": 0.0625, "BZERO": 0.0},
                {"BSCALE": 0.1, "BZERO": -3.7},
                {"BSCALE": 2.0},
                {"BZERO": {"u1": -128, "i2": 32768, "i4": 2**31}.get(dtype.str[1:], 5.0)},
            )
        )
    )
    if dtype.kind != "f" and draw(st.booleans()):
        cards = cards | {"BLANK": int(data[0, 0]) or 1}  # astropy takes a BLANK of 0 for none
    return cards


@st.composite
def _other_hdus(draw):
    """HDUs without an image."""
    kinds = {
        "table": lambda: fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5))]),
        "spectrum": lambda: fits.ImageHDU(np.arange(7, dtype="i2")),
        "nothing": fits.ImageHDU,
    }
    return [kinds[kind]() for kind in draw(st.lists(st.sampled_from(sorted(kinds)), max_size=2))]
