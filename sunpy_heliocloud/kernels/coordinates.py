"""
The pixel coordinates of a `~sunpy_heliocloud.derotation.transformation.PixelMap`.

``coordinates`` always has the shape ``(2, ny + 2, nx + 2)``: the input pixel ``(x, y)``, counted from 0 at
pixel centres, of every output pixel and of a rim of one pixel around them; NaN where there is none. They may be those
of some rows of an output image, which is then made strip by strip.
"""

import numpy as np

__all__ = ["checked_coordinates"]


def checked_coordinates(coordinates: np.ndarray) -> np.ndarray:
    """Coordinates as the kernels want them, if they have the shape of coordinates."""
    if coordinates.ndim != 3 or coordinates.shape[0] != 2 or min(coordinates.shape[1:]) < 2:
        raise ValueError(
            f"coordinates have shape {coordinates.shape}, expected (2, ny + 2, nx + 2): the input pixels "
            "(x, y) of the output pixels and of a rim of one pixel, as pixel_map returns them"
        )
    return np.ascontiguousarray(coordinates, dtype=np.float64)
