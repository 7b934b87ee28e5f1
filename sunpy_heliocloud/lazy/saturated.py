"""How many pixels of frames were saturated: as the tasks that read them have reported."""

import numpy as np

from astropy.table import MaskedColumn, QTable

from sunpy_heliocloud.lazy.reports import saturated_pixels

__all__ = ["with_saturated"]


def with_saturated(frames: QTable) -> QTable:
    """
    The frames of a cube with one more column, ``saturated``: how many pixels, of the most that were read at once.

    Parameters
    ----------
    frames
        Their table; its ``meta["saturation"]`` holds the tokens of the arrays that they are of.

    Returns
    -------
    `~astropy.table.QTable`
        From this process and the workers of its pools and clusters; masked where nothing has been read.
    """
    counts = saturated_pixels()
    tokens = frames.meta["saturation"]
    keys = [[f"{token} {time}" for token in tokens] for time in frames["time"].isot]
    found = [next((counts[key] for key in several if key in counts), None) for several in keys]
    frames = frames.copy(copy_data=False)
    frames["saturated"] = MaskedColumn(
        [count or 0 for count in found], mask=[count is None for count in found], dtype=np.int64
    )
    return frames
