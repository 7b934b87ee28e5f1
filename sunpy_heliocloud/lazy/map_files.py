"""FITS files of the planes of a cube: whole or not there, and known by what they were made of."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from astropy.io import fits
from astropy.time import Time

from sunpy import log

from sunpy_heliocloud.lazy.jobs import job
from sunpy_heliocloud.metadata.channels import channel_of
from sunpy_heliocloud.metadata.fits_cards import fits_cards
from sunpy_heliocloud.metadata.maps import Watched
from sunpy_heliocloud.text import inert

__all__ = ["MapFile", "unwritten", "write_planes"]

_MADE_FROM = "MADEFROM"
_EMPTY = " empty"  # behind the token of a plane without a valid pixel, as of a frame that could not be read
_BATCH_BYTES = 2**29
_BLOCK = 2880  # bytes
_FITS = b"SIMPLE  ="


@dataclass(frozen=True)
class MapFile:
    """
    The file of a plane.

    Parameters
    ----------
    path
        Of the file.
    header
        As sunpy's Map has it.
    token
        Differs where what the plane is made of differs: frames, steps, target.
    """

    path: Path
    header: dict[str, Any]
    token: str

    @classmethod
    def named(cls, folder: Path, header: dict[str, Any], time: Time, token: str) -> "MapFile":
        """The file of a plane in a folder, by channel and time."""
        channel = re.sub(r"[^A-Za-z0-9-]+", "_", channel_of(Watched(header)).name).strip("_")
        stamp = re.sub(r"[-:]", "", time.isot)
        return cls(folder / f"{channel or 'map'}.{stamp}.fits", header, token)

    def state(self) -> str:
        """``"there"``, ``"missing"`` (also where it is cut, or has no valid pixel) or ``"other"``."""
        if not self.path.exists():
            return "missing"
        with open(self.path, "rb") as file:
            start = file.read(len(_FITS))
            file.seek(0)
            try:
                header = fits.Header.fromfile(file)
            except (OSError, ValueError):  # also where the file ends within its header
                return "missing" if start in (b"", _FITS) else "other"
        if header.get(_MADE_FROM) == self.token:
            return "there" if self.path.stat().st_size == _size(header) else "missing"
        return "missing" if header.get(_MADE_FROM) == self.token + _EMPTY else "other"

    def write(self, image: np.ndarray) -> None:
        """Write the file under another name, and give it its own once it is whole."""
        token = self.token if np.isfinite(image).any() else self.token + _EMPTY
        cards = fits_cards(self.header)
        cards["DATE"] = (Time.now().utc.isot, "when the file was written, UTC")
        cards[_MADE_FROM] = (token, "hash of frames and steps")
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            with open(part, "wb") as file:
                fits.PrimaryHDU(image, cards).writeto(file, checksum=True, output_verify="exception")
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)


def unwritten(files: Sequence[MapFile], *, overwrite: bool) -> list[int]:
    """
    Which files are still to be written.

    Raises
    ------
    FileExistsError
        When there are files of these names that were made of something else, and are not to be overwritten.
    """
    states = [file.state() for file in files]
    others = [file.path for file, state in zip(files, states, strict=True) if state == "other"]
    if others and not overwrite:
        raise FileExistsError(
            f"{len(others)} of {len(files)} files are there, but were made of something else (other frames, steps, grid or "
            f"software), such as {inert(others[0])}; choose another folder, or replace them with overwrite=True"
        )
    done = states.count("there")
    if done:
        log.info(f"{done} of {len(files)} files are there already and are kept")
    return [i for i, state in enumerate(states) if state != "there"]


def write_planes(data: Any, files: Sequence[MapFile], which: Sequence[int]) -> None:
    """
    Compute planes, a few at a time, and write each to its file.

    Parameters
    ----------
    data
        Array ``(planes, y, x)``.
    files
        Of all planes.
    which
        The planes that are to be written.
    """
    with job("Writing maps", total=len(files), unit="file") as writing:
        writing.advance(len(files) - len(which))
        for batch in _batches(data, which):
            images = np.asarray(data[batch])
            for i, image in zip(batch, images, strict=True):
                files[i].write(image)
                writing.advance()


def _batches(data: Any, which: Sequence[int]) -> Iterator[list[int]]:
    """Planes that are computed together: those of one chunk, and more chunks as far as there is room."""
    plane_bytes = data.dtype.itemsize * int(np.prod(data.shape[1:]))
    most = max(1, _BATCH_BYTES // max(plane_bytes, 1))
    counts = data.chunks[0] if hasattr(data, "chunks") else (1,) * len(data)
    chunk_of = np.repeat(np.arange(len(counts)), counts)
    batch: list[int] = []
    for chunk in dict.fromkeys(chunk_of[list(which)].tolist()):
        planes = [i for i in which if chunk_of[i] == chunk]
        if batch and len(batch) + len(planes) > most:
            yield batch
            batch = []
        batch += planes
        while len(batch) > most:
            yield batch[:most]
            batch = batch[most:]
    if batch:
        yield batch


def _size(header: fits.Header) -> int:
    """Of the whole file, from its header."""
    pixels = abs(int(header["BITPIX"])) // 8 * int(header["NAXIS1"]) * int(header["NAXIS2"])
    return len(header.tostring()) + -(-pixels // _BLOCK) * _BLOCK
