"""Thousands of frames that are lost: what the sequence says of them, and the warning."""

import asyncio
import io
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faulty_server import FaultyServer
from soak_job import Row, cluster

if TYPE_CHECKING:
    from sunpy_heliocloud import LazyMapSequence

__all__ = ["lost_frames"]

KEPT = 10
START = "2018-05-29T00:00:00.000"


def lost_frames(server: FaultyServer, frames: int, expected: str, number: int = 10_000) -> Row:
    """All files but ten go after the sequence is made; on threads, on a cluster, and with an asynchronous client."""
    from distributed import Client

    from sunpy_heliocloud import LazyMapSequence

    with tempfile.TemporaryDirectory() as folder:
        paths = small_files(Path(folder), number + KEPT)
        sequence = LazyMapSequence(paths, errors="mask")
        for path in paths[KEPT:]:
            Path(path).unlink()
        began = time.monotonic()
        right = [is_right(sequence[:], lambda cube: cube.compute(), number)]
        with cluster() as made:
            right.append(is_right(sequence[:], lambda cube: cube.compute(), number))

            async def compute(cube: Any) -> None:
                async with Client(made.scheduler_address, asynchronous=True) as client:
                    await client.compute(cube)

            right.append(is_right(sequence[:], lambda cube: asyncio.run(compute(cube)), number))
        seconds = time.monotonic() - began
    said = f"{number:,}: threads, 2 workers, asynchronous"
    survived = "yes" if all(right) else "NO"
    return Row("frames lost", said, survived, "-", "same" if all(right) else "DIFFERENT", seconds)


def is_right(sequence: "LazyMapSequence", compute: Any, number: int) -> bool:
    """Whether the status of each frame is right, and one warning counts them with their reason."""
    from sunpy_heliocloud.lazy.losses import LostFrameWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compute(sequence.to_cube())
    said = [str(one.message) for one in caught if issubclass(one.category, LostFrameWarning)]
    states = sequence.status["status"].tolist()
    return (
        states == ["ok"] * KEPT + ["NaN"] * number
        and len(said) == 1
        and said[0].startswith(f"{number:,} frames are NaN")
        and f"{number:,} × FileNotFoundError" in said[0]
    )


def small_files(folder: Path, number: int) -> list[str]:
    """Images of eight by eight pixels, a second apart."""
    import numpy as np

    from astropy.io import fits

    hdu = fits.PrimaryHDU(np.ones((8, 8), np.int16))
    hdu.header.update(
        {
            "TELESCOP": "SDO/AIA", "INSTRUME": "AIA_3", "WAVELNTH": 171, "WAVEUNIT": "angstrom", "EXPTIME": 2.0,
            "DATE-OBS": START, "T_OBS": START, "QUALITY": 0, "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN",
            "CUNIT1": "arcsec", "CUNIT2": "arcsec", "CDELT1": 0.6, "CDELT2": 0.6, "CRPIX1": 4.5, "CRPIX2": 4.5,
            "CRVAL1": 0.0, "CRVAL2": 0.0, "RSUN_REF": 696000000.0, "DSUN_OBS": 1.5e11, "HGLN_OBS": 0.0,
            "HGLT_OBS": 0.0, "CROTA2": 0.0, "HAEX_OBS": -5.6e10, "HAEY_OBS": -1.4e11, "HAEZ_OBS": 1e7,
        }
    )  # fmt: skip
    content = io.BytesIO()
    hdu.writeto(content)
    paths = []
    for i in range(number):
        time = np.datetime64(START, "ms") + np.timedelta64(i, "s")
        path = folder / f"{i:05}.fits"
        path.write_bytes(content.getvalue().replace(START.encode(), str(time).encode()))
        paths.append(str(path))
    return paths
