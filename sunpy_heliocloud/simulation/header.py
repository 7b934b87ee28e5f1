"""The header of a HelioCloud AIA image, from a template with every card of a real one."""

from functools import lru_cache
from importlib.resources import files

import numpy as np

import astropy.units as u
from astropy.io import fits
from astropy.time import Time

from .spacecraft import Position

__all__ = ["BLANK", "PIXEL_FIELD", "SOLAR_RADIUS", "aia_header", "observation_values", "pixel_scale"]

BLANK = -(2**31)
SOLAR_RADIUS = 696e6  # m, RSUN_REF of the real files
PIXEL_FIELD = 2500.0  # arcsec, 5000 pixels of 0.5 arcsec

CAMERAS = {131: 1, 335: 1, 193: 2, 211: 2, 171: 3, 94: 4}


def pixel_scale(shape: tuple[int, int]) -> float:
    """Arcseconds a pixel of an image that is as wide as the real ones."""
    return PIXEL_FIELD / shape[1]


def aia_header(
    image: np.ndarray, channel: int, time: Time, exposure: float, position: Position, quality: int
) -> fits.Header:
    """
    The header of an image.

    Parameters
    ----------
    image
        Counts; `BLANK` is missing.
    channel
        Wavelength in angstrom.
    time
        Midpoint of the exposure.
    exposure
        In seconds.
    position
        Where SDO was.
    quality
        What ``QUALITY`` is to be.

    Returns
    -------
    `astropy.io.fits.Header`
    """
    header = _template().copy()
    values = observation_values(image.shape, channel, time, exposure, position) | _statistics(image)
    for keyword, value in values.items():
        header[keyword] = value
    header["QUALITY"] = quality
    return header


def observation_values(
    shape: tuple[int, int], channel: int, time: Time, exposure: float, position: Position
) -> dict:
    """What the header says of an observation, whatever its pixels."""
    return _instrument(channel) | _times(time, exposure) | _pixels(shape, position) | _position(position)


@lru_cache(maxsize=1)
def _template() -> fits.Header:
    text = files(__package__).joinpath("aia_level_2hc.txt").read_text()
    header = fits.Header.fromstring(text, sep="\n")
    # A card is parsed when first read, and verified when first written: here, not in each copy.
    for card in header.cards:
        _ = card.value, card.comment, card.image
    return header


def _instrument(channel: int) -> dict:
    return {
        "INSTRUME": f"AIA_{CAMERAS[channel]}",
        "WAVELNTH": channel,
        "WAVE_STR": f"{channel}_THIN",
        "CAMERA": CAMERAS[channel],
    }


def _times(time: Time, exposure: float) -> dict:
    middle, start, packet = (time + [0, -exposure / 2, -3] * u.s).utc.isot
    minute = middle[:16].replace("-", ".").replace("T", "_")
    return {
        "T_OBS": middle,
        "DATE-OBS": start,
        "EXPTIME": exposure,
        "AIMGSHCE": round(exposure * 1000),
        "ISPPKTIM": packet,
        "SOURCE": f"aia.lev1[{middle[:19]}Z]",
        "ORB_REC": f"sdo.fds_orbit_vectors[{minute}:00_UTC]",
    }


def _pixels(shape: tuple[int, int], position: Position) -> dict:
    scale = pixel_scale(shape)
    radius = np.rad2deg(np.arcsin(SOLAR_RADIUS / position.distance)) * 3600
    return {
        "CDELT1": scale,
        "CDELT2": scale,
        "CRPIX1": (shape[1] + 1) / 2,
        "CRPIX2": (shape[0] + 1) / 2,
        "RSUN_OBS": radius,
        "R_SUN": radius / scale,
    }


def _position(position: Position) -> dict:
    return {
        "DSUN_OBS": position.distance,
        **{f"GAE{axis}_OBS": value for axis, value in zip("XYZ", position.geocentric, strict=True)},
        **{f"HAE{axis}_OBS": value for axis, value in zip("XYZ", position.ecliptic, strict=True)},
        "CRLN_OBS": position.carrington_longitude,
        "CRLT_OBS": np.rad2deg(position.latitude),
        "HGLN_OBS": np.rad2deg(position.stonyhurst_longitude),
        "CAR_ROT": int(position.carrington_rotation),
    }


def _statistics(image: np.ndarray) -> dict:
    # The real files count against the camera's 4096 by 4096 pixels, hence a negative number of missing ones.
    camera_pixels = 4096**2
    # Every so many pixels: statistics of all of them would take as long as making the image.
    step = max(1, image.shape[1] // 250)
    sample = image[::step, ::step]
    seen = sample[sample != BLANK]
    median, mean, rms = np.median(seen), seen.mean(), seen.std()
    deviation = (seen - mean) / rms
    square = deviation**2
    present = np.count_nonzero(image != BLANK)
    return {
        "TOTVALS": camera_pixels,
        "DATAVALS": present,
        "MISSVALS": camera_pixels - present,
        "PERCENTD": 100 * present / image.size,
        "DATAMIN": int(seen.min()),
        "DATAMAX": int(seen.max()),
        "DATAMEDN": int(median),
        "DATAMEAN": mean,
        "DATARMS": rms,
        "DATASKEW": np.mean(square * deviation),
        "DATAKURT": np.mean(square**2) - 3,
    }
