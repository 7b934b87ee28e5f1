"""Images of only the region of the simulated Sun, which are made faster than those of the whole disk."""

from functools import cache

import numpy as np

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time

import sunpy.map

from sunpy_heliocloud.simulation import CHANNEL_DELAYS, NOMINAL_EXPOSURE, SimulatedSun
from sunpy_heliocloud.simulation.header import observation_values
from sunpy_heliocloud.simulation.painting import Region, paint
from sunpy_heliocloud.simulation.spacecraft import position
from sunpy_heliocloud.simulation.sun import _view

__all__ = ["map_of_region", "paint_region"]

DISK = (1250, 1250)  # 2 arcsec a pixel
HALF_WIDTH = 125 * u.arcsec
# Pixels that the region moves in six hours, and a few more.
MARGIN = 40


def map_of_region(sun: SimulatedSun) -> sunpy.map.GenericMap:
    """A map around the region at the time of the Sun, 250 arcsec wide."""
    disk = sunpy.map.Map(*sun.frame(171, sun.time, shape=DISK))
    center = sun.region_center().transform_to(disk.coordinate_frame)
    corner = SkyCoord(center.Tx - HALF_WIDTH, center.Ty - HALF_WIDTH, frame=disk.coordinate_frame)
    return disk.submap(corner, width=2 * HALF_WIDTH, height=2 * HALF_WIDTH)


def paint_region(
    sun: SimulatedSun, channel: int, time: Time, exposure: u.Quantity, ref_map: sunpy.map.GenericMap
) -> tuple[np.ndarray, dict]:
    """Pixels and header of `SimulatedSun.frame`, but only around the map of the region."""
    time = Time(time.utc.isot)
    seen_from, seconds = position(time), (time - sun.time).to_value(u.s)
    view, delay = _view(DISK, seen_from), CHANNEL_DELAYS[channel]
    left, low = (
        int(middle - pixel.value) - MARGIN
        for middle, pixel in zip((view.center_x, view.center_y), ref_map.reference_pixel, strict=True)
    )
    image = np.empty([n + 2 * MARGIN for n in ref_map.data.shape], np.int32)
    paint(
        image,
        view._replace(center_x=view.center_x - left, center_y=view.center_y - low),
        sun._motion(seconds),
        Region(*sun._center, sun.radius.to_value(u.rad), sun.counts, delay),
        sun._texture,
        sun._curve(seconds, delay),
        seconds,
        (exposure / NOMINAL_EXPOSURE).to_value(u.one),
        sun.noise,
        np.random.default_rng([sun.seed, channel, round(time.unix * 1000)]),
    )
    header = _any_header() | observation_values(DISK, channel, time, exposure.to_value(u.s), seen_from)
    header["CRPIX1"] -= left
    header["CRPIX2"] -= low
    return image, header


@cache
def _any_header() -> dict:
    """The keywords of all images, of which a dictionary is copied faster than a header of cards."""
    return dict(SimulatedSun().frame(171, SimulatedSun().time, shape=(10, 10))[1])
