"""Pencils: all planes of some pixels. How chunks of planes become pencils, and functions are applied to them."""

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import dask.array as da
import numpy as np
from dask.array.core import normalize_chunks
from dask.base import normalize_token, tokenize
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.kernels.fingerprint import fingerprint
from sunpy_heliocloud.lazy.light_curves import itself, of_pencil
from sunpy_heliocloud.lazy.strips import cubes_at_once

__all__ = ["PENCILS_OF_A_STRIP", "PENCIL_BYTES", "map_pencils"]

# Bytes of a pencil of one of two cubes. A task holds one of each cube, and its result; of more cubes they are smaller.
PENCIL_BYTES = 32 * 2**20
# A cube of fewer bytes is sent between workers as it is.
_FEW_BYTES = 64 * 2**20
# A pencil of fewer pixels costs more as a task than as part of another one.
_FEWEST_PIXELS = 64**2
# Pencils where memory allows fewer: enough to keep workers busy that have made chunks of planes.
_FEWEST_PENCILS, _MOST_PENCILS = 4, 16
# Pencils of a strip: so many that those which threads work on take little memory beside the strip.
PENCILS_OF_A_STRIP = 20


def map_pencils(
    function: Callable,
    *cubes: Any,
    planes: int,
    dtype: np.typing.DTypeLike,
    is_slow: bool = False,
    **shared: Any,
) -> da.Array:
    """
    Apply a function to pencils: all planes of some pixels, of one cube or of the same pixels of several.

    Parameters
    ----------
    function
        Takes a pencil ``(n, y, x)`` of each cube and returns ``(planes, y, x)``.
    *cubes
        Arrays ``(n, y, x)``; y and x are common.
    planes
        Length of the result's first axis.
    dtype
        Of the result.
    is_slow
        Whether the function takes much longer than its pencils take to be made, so that workers share even a small cube.
    **shared
        Further arguments of the function, the same for all pencils; lazy or not.

    Returns
    -------
    dask.array.Array
        ``(planes, y, x)``. Each chunk comes from one pencil of each cube. Arrays that are pencils already are not
        cut again, unless the result of a task would be too large.
    """
    # Of the largest of the arrays that a task holds.
    bytes_of_pixel = max(
        [planes * np.dtype(dtype).itemsize, *(len(cube) * cube.dtype.itemsize for cube in cubes)]
    )
    most_pixels = PENCIL_BYTES * 2 // (bytes_of_pixel * max(2, len(cubes), cubes_at_once()))
    lazy = [cube for cube in cubes if isinstance(cube, da.Array)]
    chunks_made = max((math.prod(cube.numblocks) for cube in lazy), default=_MOST_PENCILS)
    strips = _strips(lazy) or (cubes[0].shape[1],)
    pencils = _MOST_PENCILS if is_slow else min(max(chunks_made, _FEWEST_PENCILS), _MOST_PENCILS)
    if len(strips) > 1:
        pencils = PENCILS_OF_A_STRIP
    if (
        len(lazy) == len(cubes)
        and _are_pencils(lazy, most_pixels)
        and (chunks_made >= pencils or not is_slow)
    ):
        arrays = lazy
    else:
        image = max(strips), cubes[0].shape[2]
        shape = _pencil_shape(image, most_pixels, pencils)
        if len(cubes) == 1 and not shared and _is_small(cubes[0]):
            return _gathered(cubes[0], shape, function, planes, dtype)
        arrays = [_in_pencils(cube, strips, shape) for cube in cubes]
    name = "pencils-" + tokenize(function, *[array.name for array in arrays], *shared.values())
    return da.map_blocks(
        function,
        *arrays,
        name=name,
        chunks=((planes,), *arrays[0].chunks[1:]),
        dtype=dtype,
        meta=np.empty((0, 0, 0), dtype),
        **shared,
    )


def _strips(cubes: list[da.Array]) -> tuple[int, ...]:
    """Rows of the strips that cubes are made in, one after the other; nothing if they are made in one piece."""
    for cube in cubes:
        if cube.numblocks[0] > 1 < cube.numblocks[1] and cube.chunks[1][0] * cube.shape[2] >= _FEWEST_PIXELS:
            return cube.chunks[1]
    return ()


def _in_pencils(cube: Any, strips: tuple[int, ...], shape: tuple[int, int]) -> da.Array:
    """The cube in pencils of up to these rows and columns, none of them in two strips."""
    rows = tuple(min(shape[0], strip - start) for strip in strips for start in range(0, strip, shape[0]))
    chunks = len(cube), rows, shape[1]
    if not isinstance(cube, da.Array):
        return da.from_array(_InMemory(cube), chunks=chunks, meta=cube[:0, :0, :0])
    if len(strips) == 1 and _is_small(cube):
        return _gathered(cube, shape, itself, len(cube), cube.dtype)
    if len(strips) == 1 or cube.chunks[1] != strips:
        return cube.rechunk(chunks, method="tasks")
    # By themselves: dask may put chunks of several strips together before it cuts them up.
    of_strips = [cube.blocks[:, i] for i in range(len(strips))]
    return da.concatenate(
        [
            one.rechunk((len(cube), min(shape[0], strip), shape[1]), method="tasks")
            for one, strip in zip(of_strips, strips, strict=True)
        ],
        axis=1,
    )


def _is_small(cube: Any) -> bool:
    return isinstance(cube, da.Array) and cube.nbytes <= _FEW_BYTES and cube.numblocks[1:] == (1, 1)


def _gathered(
    cube: da.Array, shape: tuple[int, int], function: Callable, planes: int, dtype: np.typing.DTypeLike
) -> da.Array:
    """
    What a function makes of pencils of a small cube, each of them from all chunks of planes.

    There are few tasks, but workers are sent whole chunks.
    """
    name = ("gather-" if function is itself else "pencils-") + tokenize(function, cube.name, shape, planes)
    given = [(cube.name, i, 0, 0) for i in range(cube.numblocks[0])]
    chunks = normalize_chunks((planes, *shape), (planes, *cube.shape[1:]), dtype=dtype)
    rows, columns = (list(pairwise(accumulate(lengths, initial=0))) for lengths in chunks[1:])
    tasks: dict[Any, Any] = {
        (name, 0, j, k): (of_pencil, function, given, slice(*rows[j]), slice(*columns[k]))
        for j, k in np.ndindex(len(rows), len(columns))
    }
    made_of: Any = [cube]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=made_of)
    return da.Array(graph, name, chunks, meta=np.empty((0, 0, 0), dtype))


class _InMemory:
    """An array of which dask copies a chunk when a task needs it; of an ndarray it copies all chunks at once."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.ndim, self.dtype = array, array.shape, array.ndim, array.dtype

    def __getitem__(self, item: Any) -> np.ndarray:
        return self.array[item]

    def __dask_tokenize__(self) -> Any:
        if isinstance(self.array, np.memmap):
            return normalize_token(self.array)  # its file and when it was changed
        # dask's own hash takes as long as the lags. Plane by plane, so that no copy of all is made.
        return type(self).__name__, self.shape, self.dtype.str, [fingerprint(plane) for plane in self.array]


def _are_pencils(arrays: list[da.Array], most_pixels: int) -> bool:
    """Whether all are pencils with the same chunks, of no more than the allowed size."""
    first = arrays[0]
    return max(first.chunks[1]) * max(first.chunks[2]) <= 1.25 * most_pixels and all(
        array.numblocks[0] == 1 and array.chunks[1:] == first.chunks[1:] for array in arrays
    )


def _pencil_shape(image: tuple[int, int], most_pixels: int, pencils: int) -> tuple[int, int]:
    """Rows and columns of a pencil: strips of whole rows if they fit, and so many of them, unless pixels are few."""
    ny, nx = image
    pencils = min(pencils, -(-ny * nx // _FEWEST_PIXELS))
    rows = _even(ny, min(most_pixels // nx, -(-ny // pencils)))
    beside_each_other = -(-pencils // -(-ny // rows))
    return rows, _even(nx, min(most_pixels // rows, -(-nx // beside_each_other)))


def _even(length: int, most: int) -> int:
    """The length of even pieces of a length."""
    return -(-length // -(-length // max(1, most)))
