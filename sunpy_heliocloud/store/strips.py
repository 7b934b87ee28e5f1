"""Write the chunks of a map that is made in strips of rows, one strip after the other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dask
import numpy as np

from sunpy_heliocloud.io.kept_bytes import keeping
from sunpy_heliocloud.lazy.turns import return_free_memory
from sunpy_heliocloud.store.chunks import ChunkGrid, WriteChunk

__all__ = ["write_strips"]


def write_strips(
    arrays: Mapping[str, Any],
    grids: Mapping[str, ChunkGrid],
    strips: Sequence[tuple[int, int]],
    tasks: Sequence[WriteChunk],
) -> Iterator[tuple[WriteChunk, dict[str, Any]]]:
    """
    Compute strips, of all arrays together, and write chunks as soon as all of their rows are there.

    Parameters
    ----------
    arrays, grids
        Of dask, ``(..., y, x)``, and how each is cut; by name.
    strips
        Their first rows, and those after the last.
    tasks
        Which write the chunks that are missing. A strip of which nothing is missing is not computed.

    Yields
    ------
    tuple
        A task and the mark that it has written.
    """
    values = {name: np.empty(array.shape, array.dtype) for name, array in arrays.items()}
    regions = [(task, grids[task.array].region(task.index)) for task in tasks]
    with keeping():
        for start, stop in strips:
            if not any(region[-2].start < stop and region[-2].stop > start for _, region in regions):
                continue
            (parts,) = dask.compute({name: array[..., start:stop, :] for name, array in arrays.items()})
            return_free_memory()
            for name, part in parts.items():
                values[name][..., start:stop, :] = part
            for task, region in regions:
                if start < region[-2].stop <= stop:
                    yield task, task(values[task.array][region]).item()
