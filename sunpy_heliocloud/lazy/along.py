"""Values of planes along a path."""

from dataclasses import dataclass
from typing import Any

import dask
import dask.array as da
import numpy as np

from sunpy_heliocloud.coordinates.path import ImagePath

__all__ = ["along_path"]


@dataclass(frozen=True)
class _Sampled:
    """
    Interpolates planes linearly between pixels, and averages over the lines beside each other.

    Parameters
    ----------
    x, y
        Of the points in pixels, shape ``(lines, points)``.
    """

    x: np.ndarray
    y: np.ndarray

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        ny, nx = planes.shape[1:]
        left, low = np.floor(self.x).astype(int), np.floor(self.y).astype(int)
        inside = (self.x > -0.5) & (self.x < nx - 0.5) & (self.y > -0.5) & (self.y < ny - 0.5)
        total = np.zeros((len(planes), self.x.shape[1]))
        count = np.zeros_like(total)
        for line in range(len(self.x)):
            values = np.zeros(total.shape)
            for right, up in ((0, 0), (1, 0), (0, 1), (1, 1)):
                column, row = left[line] + right, low[line] + up
                weight = (1 - np.abs(self.x[line] - column)) * (1 - np.abs(self.y[line] - row))
                # Within half a pixel of the border the nearest pixel counts.
                value = planes[:, np.clip(row, 0, ny - 1), np.clip(column, 0, nx - 1)]
                values += np.where(weight > 0, weight * value, 0)
            valid = inside[line] & np.isfinite(values)
            total += np.where(valid, values, 0)
            count += valid
        with np.errstate(invalid="ignore"):
            return (total / np.where(count > 0, count, np.nan)).astype(planes.dtype)


def along_path(planes: Any, path: ImagePath) -> Any:
    """
    Values along a path over time.

    Parameters
    ----------
    planes
        Shape ``(t, y, x)``, lazy or not.
    path
        In pixels of the planes.

    Returns
    -------
    array
        Shape ``(t, points)``, lazy if the planes are: the mean of the valid values across the path, NaN where there are
        none. Of what is lazy only the rows and columns around the path are needed.
    """
    (top, bottom), (left, right) = (
        (max(int(np.floor(one.min())), 0), min(int(np.floor(one.max())) + 2, length))
        for one, length in zip((path.y, path.x), planes.shape[1:], strict=True)
    )
    part = planes[:, top:bottom, left:right]
    task = _Sampled(path.x - left, path.y - top)
    if not dask.is_dask_collection(part):
        return task(part)
    part = part.rechunk({1: -1, 2: -1})
    return da.map_blocks(
        task,
        part,
        dtype=planes.dtype,
        drop_axis=2,
        chunks=(part.chunks[0], (path.x.shape[1],)),
        name=f"along-path-{dask.base.tokenize(part, task.x, task.y)}",
        meta=np.empty((0, 0), planes.dtype),
    )
