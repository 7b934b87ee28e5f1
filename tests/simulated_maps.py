"""Maps of the simulated Sun."""

from typing import Any

import sunpy.map

from sunpy_heliocloud.simulation import SimulatedSun

__all__ = ["simulated_map"]


def simulated_map(sun: SimulatedSun, *args: Any, **kwargs: Any) -> sunpy.map.GenericMap:
    """
    The Map of `SimulatedSun.frame`.

    Its header is a plain dictionary, as that of a file is: of a `~astropy.io.fits.Header` with comments, which cannot be
    hashed, sunpy computes the coordinates again each time that they are asked for.
    """
    image, header = sun.frame(*args, **kwargs)
    return sunpy.map.Map(image, dict(header.items()))
