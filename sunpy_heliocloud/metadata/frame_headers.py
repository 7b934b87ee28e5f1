"""The headers of the frames that a cube was made of."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from astropy.time import Time

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.coordinates.times import joined_times
from sunpy_heliocloud.metadata.columns import HeaderColumns

__all__ = ["FrameHeaders"]


class FrameHeaders:
    """
    Headers by time; immutable, so that all cubes that are made of one share it.

    Parameters
    ----------
    headers, planes, times
        Of each frame its header, coordinates and time, in the order of time.
    """

    def __init__(self, headers: HeaderColumns, planes: Sequence[PlaneWCS], times: Time) -> None:
        self.headers = headers
        self.planes = tuple(planes)
        self.times = times

    @classmethod
    def merged(cls, parts: Sequence[Self]) -> Self:
        """Those of several cubes."""
        times = joined_times([part.times for part in parts])
        order = np.argsort(times.jd, kind="stable")
        headers = HeaderColumns.concatenate([part.headers for part in parts])
        planes = [plane for part in parts for plane in part.planes]
        return cls(headers[order], [planes[i] for i in order], times[order])

    def nearest(self, time: Time) -> tuple[dict[str, Any], PlaneWCS]:
        """Header and coordinates of the frame that is nearest in time."""
        nearest = int(np.argmin(np.abs((self.times - time).jd)))
        return self.headers[nearest], self.planes[nearest]

    def __len__(self) -> int:
        return len(self.headers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrameHeaders):
            return NotImplemented
        return self is other or (
            len(self) == len(other)
            and bool((self.times == other.times).all())
            and self.planes == other.planes
            and list(self.headers) == list(other.headers)
        )

    def __hash__(self) -> int:
        return hash(len(self))

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<headers of {len(self)} frames>"
