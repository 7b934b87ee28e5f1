"""What is damaged: small whole files and documents, made by the package's simulation, astropy and pyarrow."""

import gzip
import io
import json
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

import astropy.units as u
from astropy.io import fits

from fuzz.fits_mutations import CARD, grafted
from sunpy_heliocloud.simulation.sun import SimulatedSun

__all__ = [
    "BUCKET",
    "DATASET",
    "catalog",
    "fits_files",
    "frame_file",
    "index",
    "listing",
    "packed",
    "registry",
]

BUCKET = "fuzz-bucket"
DATASET = "aia_0171"
SHAPE = (24, 40)
_RNG = np.random.default_rng(0)


@cache
def _simulated(minutes: int) -> tuple[np.ndarray, fits.Header]:
    sun = SimulatedSun()
    return sun.frame(171, sun.time + minutes * u.min, shape=SHAPE)


def _file(hdu) -> bytes:
    hdus = [hdu] if isinstance(hdu, fits.PrimaryHDU) else [fits.PrimaryHDU(), hdu]
    file = io.BytesIO()
    fits.HDUList(hdus).writeto(file)
    return file.getvalue()


def frame_file(minutes: int) -> bytes:
    """A file as the archive has them."""
    data, header = _simulated(minutes)
    return _file(fits.CompImageHDU(data, header, compression_type="RICE_1", tile_shape=(1, data.shape[1])))


@cache
def fits_files(headers: str | None = None) -> dict[str, bytes]:
    """
    Files of all kinds that the package reads, by a name.

    Parameters
    ----------
    headers
        A folder of header texts, one card a line, that are put upon some of the files.
    """
    data, header = _simulated(0)
    # That of the archive is for four bytes.
    short = header.copy()
    del short["BLANK"]
    types = {"u1": data.clip(0, 255).astype("u1"), "i2": data.astype("i2"), "i4": data}
    floats = data.astype("f4") + _RNG.normal(size=data.shape).astype("f4")
    files = {
        f"plain {name}": _file(fits.PrimaryHDU(image, header if name == "i4" else short))
        for name, image in types.items()
    }
    files["plain f4"] = _file(fits.ImageHDU(floats, short))
    files["plain f8"] = _file(fits.PrimaryHDU(floats.astype("f8"), short))
    files["plain u2"] = _file(fits.PrimaryHDU(data.astype("u2"), short))
    for compression in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS"):
        for name, image in types.items():
            tile = (8, 10) if compression == "HCOMPRESS_1" else (1, SHAPE[1])
            image = np.sort(image.clip(0, 9)) if compression == "PLIO_1" else image
            how = {"compression_type": compression, "tile_shape": tile}
            files[f"{compression} {name}"] = _file(
                fits.CompImageHDU(image, header if name == "i4" else short, **how)
            )
        if compression not in ("PLIO_1", "NOCOMPRESS"):
            how = {
                "compression_type": compression,
                "tile_shape": (8, 10),
                "quantize_method": 2,
                "dither_seed": 7,
            }
            files[f"{compression} f4 quantised"] = _file(fits.CompImageHDU(floats, short, **how))
    files["RICE_1 f4 rows"] = _file(fits.CompImageHDU(floats, short, quantize_method=1, dither_seed=7))
    files["RICE_1 i2 tiles"] = _file(fits.CompImageHDU(types["i2"], short, tile_shape=(5, 16)))
    scaled = fits.CompImageHDU(types["i2"], short, tile_shape=(1, SHAPE[1]))
    scaled.header.update(BSCALE=0.0625, BZERO=10.0, BLANK=-32768)
    files["RICE_1 i2 scaled"] = _file(scaled)
    for name in ("plain i2", "RICE_1 i4", "RICE_1 f4 rows"):
        files[f"{name} gz"] = gzip.compress(files[name], mtime=0)
    for path in sorted(Path(headers).glob("*.txt")) if headers else ():
        cards = [line.encode("ascii", "replace") for line in path.read_text("latin-1").splitlines()]
        cards = [card for card in cards if len(card) <= CARD and card[8:10] == b"= "]
        if len(cards) > 50:
            for name in ("plain i2", "RICE_1 i4"):
                files[f"{name} with {path.stem}"] = grafted(files[name], cards)
    return files


def registry(endpoint: str = f"s3://{BUCKET}/") -> bytes:
    """A registry of buckets."""
    buckets = [{"endpoint": endpoint, "name": "A bucket", "region": "us-east-1"}]
    return json.dumps(
        {"version": "0.4", "modification": "2024-03-05T00:00:00Z", "registry": buckets}
    ).encode()


def catalog(kind: str = "csv", **more: object) -> bytes:
    """A catalogue whose indexes are of a kind."""
    entry = {
        **{
            "id": DATASET,
            "index": f"s3://{BUCKET}/index/",
            "title": "Images",
            "start": "2019-01-01T00:00:00Z",
        },
        **{"stop": "2021-01-01T00:00:00Z", "modification": "2022-01-01T00:00:00Z", "indextype": kind},
        **{"filetype": "fits", "multiyear": "False", "contact": "somebody", "citation": "a paper", **more},
    }
    other = entry | {"id": "hmi_M", "indextype": "csv"}
    head = {
        "version": "0.4",
        "name": "A bucket",
        "egress": "no-egress",
        "status": {"code": 1200, "message": "OK"},
    }
    return json.dumps({**head, "contact": "", "catalog": [entry, other]}).encode()


def _rows() -> list[tuple[str, str, str, int, float]]:
    starts = np.datetime64("2020-02-01T00:00:00") + np.arange(24) * np.timedelta64(30, "m")
    return [
        (f"{t}Z", f"{t + 2}Z", f"s3://{BUCKET}/sdo/{i} a+b%20ü.fits", 1000 + i, 171.0)
        for i, t in enumerate(starts)
    ]


def index(dialect: int) -> bytes:
    """A CSV index in one of several dialects."""
    rows = _rows()
    comma, quote, end = [(",", "", "\n"), (", ", '"', "\r\n"), (",", "'", "\n"), (" ,", "", "\n\n")][
        dialect % 4
    ]
    head = [
        "# start, stop, datakey, filesize, wavelength",
        "start,stop,datakey,filesize,wave",
        "#start,stop,datakey",
    ]
    lines = [comma.join(f"{quote}{word}{quote}" for word in row) for row in rows[::-1]]
    if dialect % 3 == 2:
        lines = [comma.join(f"{quote}{row[i]}{quote}" for i in (0, 2, 3)) for row in rows]
    return (end.join([head[dialect % 3], *lines]) + end).encode()


def packed(text: bytes, name: str = f"{DATASET}_2020.csv") -> bytes:
    """A zip archive with an index in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def listing() -> bytes:
    """A page of files as S3 lists them, of one day."""
    times = [f"20200201T{hour:02d}0000" for hour in range(0, 24, 2)]
    items = "".join(
        f"<Contents><Key>sdo/aia/20200201/0171/sdo_aia_h2_{time}_0171_v1.fits</Key><LastModified>"
        f'2022-01-01T00:00:00.000Z</LastModified><ETag>"a{i}"</ETag><Size>{1000 + i}</Size></Contents>'
        for i, time in enumerate(times)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{BUCKET}</Name><Prefix>sdo/aia/20200201/0171/</Prefix><KeyCount>12</KeyCount><MaxKeys>1000</MaxKeys>"
        f"<IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    ).encode()
