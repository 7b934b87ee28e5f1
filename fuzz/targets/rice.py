"""Bytes for our RICE decoder, beside what astropy's makes of the same ones."""

import io
from typing import NamedTuple

import numpy as np

from astropy.io import fits

from fuzz.mutations import damaged
from fuzz.oracle import oracle
from fuzz.outcome import Outcome, finding

__all__ = ["RiceTarget"]


class Case(NamedTuple):
    """Compressed rows: their bytes, how many each has, pixels of a row and of a block, and what pixels are."""

    rows: tuple[bytes, ...]
    width: int
    block: int
    dtype: str


class RiceTarget:
    """Rows of compressed pixels."""

    def __init__(self) -> None:
        self._oracle = oracle()

    def good(self) -> Case:
        return self.start(np.random.default_rng(0))

    def start(self, rng: np.random.Generator) -> Case:
        dtype = str(rng.choice(["u1", "i2", "i4"]))
        limits = np.iinfo(dtype)
        width, height = int(rng.integers(1, 130)), int(rng.integers(1, 5))
        scale = float(rng.choice([0, 1, 30, 1e4, 2e9]))
        image = np.clip(rng.normal(50, scale, (height, width)), limits.min, limits.max).astype(dtype)
        hdu = fits.CompImageHDU(image, compression_type="RICE_1", tile_shape=(1, width))
        return Case(tuple(_rows(hdu)), width, 32, dtype)

    def mutate(self, rng: np.random.Generator, case: Case) -> Case:
        rows = list(case.rows)
        i = int(rng.integers(len(rows)))
        match rng.integers(8):
            case 0:
                return case._replace(width=max(1, case.width + int(rng.integers(-40, 40))))
            case 1:
                return case._replace(dtype=str(rng.choice(["u1", "i2", "i4"])))
            case 2:
                return case._replace(block=int(rng.choice([1, 2, 8, 16, 31, 32])))
        rows[i] = damaged(rng, rows[i])[:100_000]
        return case._replace(rows=tuple(rows))

    def show(self, case: Case) -> None:
        print(case)
        print("astropy:", self._oracle.pixels(_file(case)))

    def run(self, case: Case) -> Outcome:
        from sunpy_heliocloud.kernels.rice import DamagedTile, decode_rice

        heap = np.frombuffer(b"".join(case.rows), np.uint8)
        stops = np.cumsum([len(row) for row in case.rows])
        tiles = (heap, np.concatenate([[0], stops[:-1]]), stops, case.width)
        how = {"block": case.block, "dtype": np.dtype(case.dtype)}
        try:
            pixels = decode_rice(*tiles, (0, case.width), **how)
        except DamagedTile as error:
            return Outcome("clear error", str(error))
        left, right = case.width // 3, case.width // 3 + 1
        if not np.array_equal(decode_rice(*tiles, (left, right), **how), pixels[:, left:right]):
            return finding("other pixels", f"columns {left} to {right} are not those of the whole")
        expected = self._oracle.pixels(_file(case))
        if isinstance(expected, str):
            return finding("other pixels", f"read here, but astropy: {expected}")
        if np.array_equal(pixels, expected):
            return Outcome("equal")
        where = np.argwhere(pixels != expected)[0]
        return finding(
            "other pixels", f"at {where}: {pixels[tuple(where)]}, astropy: {expected[tuple(where)]}"
        )


def _rows(hdu) -> list[bytes]:
    """The compressed rows of an image, out of the file that astropy writes."""
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    data = file.getvalue()
    with fits.open(io.BytesIO(data), disable_image_compression=True) as hdus:
        table = hdus[1]
        begin = table.fileinfo()["datLoc"]
        width, rows = table.header["NAXIS1"], table.header["NAXIS2"]
        descriptors = np.frombuffer(data, ">i4", rows * width // 4, begin).reshape(rows, width // 4)
    heap = begin + width * rows
    return [data[heap + offset : heap + offset + length] for length, offset in descriptors[:, :2]]


def _file(case: Case) -> bytes:
    """A FITS file of these rows, for astropy."""
    size = {"u1": 1, "i2": 2, "i4": 4}[case.dtype]
    heap = b"".join(case.rows)
    lengths = np.array([len(row) for row in case.rows])
    table = np.stack([lengths, np.cumsum(lengths) - lengths], axis=1).astype(">i4").tobytes()
    cards = {
        **{"XTENSION": "'BINTABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 8, "NAXIS2": len(lengths)},
        **{"PCOUNT": len(heap), "GCOUNT": 1, "TFIELDS": 1, "TTYPE1": "'COMPRESSED_DATA'"},
        **{"TFORM1": f"'1PB({lengths.max()})'", "ZIMAGE": "T", "ZBITPIX": 8 * size, "ZNAXIS": 2},
        **{"ZNAXIS1": case.width, "ZNAXIS2": len(lengths), "ZTILE1": case.width, "ZTILE2": 1},
        **{
            "ZCMPTYPE": "'RICE_1'",
            "ZNAME1": "'BLOCKSIZE'",
            "ZVAL1": case.block,
            "ZNAME2": "'BYTEPIX'",
            "ZVAL2": size,
        },
    }
    first = _header({"SIMPLE": "T", "BITPIX": 8, "NAXIS": 0})
    return first + _header(cards) + _padded(table + heap)


def _header(cards: dict) -> bytes:
    text = "".join(f"{name:<8}= {value:>20}".ljust(80) for name, value in cards.items()) + "END".ljust(80)
    return _padded(text.encode(), b" ")


def _padded(data: bytes, fill: bytes = b"\0") -> bytes:
    return data + fill * (-len(data) % 2880)
