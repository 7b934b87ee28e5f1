"""What speaks against lags, pixel by pixel, and the cubes that count it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import dask
import dask.array as da
import numpy as np
from dask.highlevelgraph import HighLevelGraph

import astropy.units as u

from sunpy_heliocloud.caller import Place, place_of_caller, warn_at
from sunpy_heliocloud.coordinates.indexers import items
from sunpy_heliocloud.kernels.maxima import EDGE, NONE, PULLED, SHORT
from sunpy_heliocloud.lags.quantities import LAG, in_other_order
from sunpy_heliocloud.lazy.made_together import rows_made_together
from sunpy_heliocloud.store.stored import StoredCube

if TYPE_CHECKING:
    from sunpy_heliocloud.store.description import Contents
    from sunpy_heliocloud.store.place import Place as StorePlace

__all__ = ["AMBIGUOUS", "CountingCube", "Marks", "warn_of_edges"]

# Of uncertainties: trials find another maximum.
AMBIGUOUS = 8
_MARKS = {"at_edge": EDGE, "pulled": PULLED, "short_of_pairs": SHORT, "ambiguous": AMBIGUOUS}


class Marks:
    """
    Marks of the pixels of a map or cube of lags.

    Parameters
    ----------
    array
        Shape ``(3, ...)``, the rest as the lags: see `sunpy_heliocloud.kernels.maxima.marks_in_steps`; or ``(1, ...)``,
        marks alone; lazy or not.
    names
        Of the marks that are counted.
    """

    def __init__(self, array: Any, names: Sequence[str] = ("at_edge", "pulled", "short_of_pairs")) -> None:
        self.array, self.names = array, tuple(names)

    @property
    def is_lazy(self) -> bool:
        """Whether they are still to be computed."""
        return dask.is_dask_collection(self.array)

    def __getitem__(self, item: Any) -> "Marks":
        return Marks(self.array[(slice(None), *item)], self.names)

    def counts(self, cadence: u.Quantity | None) -> dict[str, Any]:
        """How many pixels have each mark, and the lags that took part in any of them; nothing while they are lazy."""
        if self.is_lazy:
            return {}
        marks = self.array[0]  # of the whole Sun: as small as they are
        if marks.dtype.kind == "f":
            marks = np.nan_to_num(marks).astype(np.int16)
        counted: dict[str, Any] = {name: int(np.count_nonzero(marks & _MARKS[name])) for name in self.names}
        if cadence is not None and len(self.array) > 1 and (taken := self.array[1] != NONE).any():
            first, last = self.array[1].min(where=taken, initial=-NONE - 1), self.array[2].max()
            counted["lags_used"] = [int(first), int(last)] * cadence
        return counted

    def __repr__(self) -> str:
        return f"<marks of {'x'.join(map(str, self.array.shape[1:]))} lags{', lazy' if self.is_lazy else ''}>"


class CountingCube(StoredCube):
    """
    A cube or map of lags, which computes its marks with its data and counts them in ``meta``.

    Examples
    --------
    >>> computed = cube_193.time_lag(cube_171, at_bounds="keep").compute()
    >>> computed.meta["at_edge"] >= 0
    True
    """

    _marks: Marks | None = None

    def with_marks(self, marks: Marks) -> Self:
        """The same with the marks, counted in ``meta`` unless they are lazy."""
        marked = self._new_instance(meta=self.meta | marks.counts(self.meta.get("cadence")))
        marked._marks = marks
        return marked

    @property
    def ambiguous(self) -> Any:
        """
        Where a map of uncertainties is ambiguous, an array of its shape, lazy if it is; `None` for other maps.

        Examples
        --------
        >>> sigma = cube_193.lag_uncertainty(cube_171, lag_bounds=[-20, 20] * u.min, trials=20)
        >>> sigma.ambiguous.shape
        (12, 12)
        """
        if self._marks is None or "ambiguous" not in self._marks.names:
            return None
        return self._marks.array[0] > 0

    # ---- lags of the other sign are those of the pair in the other order

    def __neg__(self) -> Self:
        if self.meta.get("quantity") != LAG:
            return super().__neg__()
        negative = self._new_instance(data=-self.data, meta=in_other_order(dict(self.meta)))
        if self._marks is not None:
            negative._marks = Marks(self._marks.array[:1], self._marks.names)  # without lags that took part
        return negative

    def __mul__(self, value: Any) -> Self:
        if self._is_turned_by(value):
            return -self if value == -1 else (-self) * -value
        return super().__mul__(value)

    def __truediv__(self, value: Any) -> Self:
        if self._is_turned_by(value):
            return -self if value == -1 else (-self) / -value
        return super().__truediv__(value)

    def _is_turned_by(self, factor: Any) -> bool:
        is_number = isinstance(factor, int | float | np.number)
        return self.meta.get("quantity") == LAG and is_number and bool(factor < 0)

    # ---- stores: what is small is computed as a whole, unless it takes many strips, and loaded into memory

    def _contents(self) -> "Contents":
        contents = super()._contents()
        if self._marks is None:
            return contents
        return replace(contents, arrays=dict(contents.arrays) | {"marks": self._marks.array})

    def _to_be_written(self) -> "Contents":
        strips = self._strips
        return replace(self._contents(), strips=strips) if strips else self.compute()._contents()

    def _save(self, place: "StorePlace", *, resume: bool) -> None:
        super()._save(place, resume=resume)
        if self._strips:  # else they were warned of when all was computed
            warn_of_edges([self._loaded(place)], place_of_caller(), os.getpid())

    @property
    def _strips(self) -> list[tuple[int, int]]:
        """Rows that are computed one after the other; none if all are computed together."""
        if self.data.ndim != 2 or not isinstance(self.data, da.Array):
            return []
        strips = rows_made_together(self.data)
        return strips if len(strips) > 1 else []

    @classmethod
    def _from_contents(cls, contents: "Contents", lost: Mapping[str, str]) -> Self:
        (arrays,) = dask.compute(dict(contents.arrays))
        loaded = super()._from_contents(replace(contents, arrays=arrays), lost)
        if "marks" not in arrays:
            return loaded
        names = {} if len(arrays["marks"]) > 1 else {"names": ("ambiguous",)}
        return loaded.with_marks(Marks(arrays["marks"], **names))

    def _new_instance(self, **changed: Any) -> Self:
        new = super()._new_instance(**changed)
        if new.shape == self.shape:
            new._marks = self._marks
        return new

    @property
    def _lazy_marks(self) -> Marks | None:
        """The marks if they are computed with the data."""
        if self._marks is None or not self._marks.is_lazy or not dask.is_dask_collection(self.data):
            return None
        return self._marks

    def _computed_beside(self) -> list[da.Array]:
        return [] if self._lazy_marks is None else [self._lazy_marks.array]

    def __dask_graph__(self) -> Any:
        marks = self._lazy_marks
        if marks is None:
            return super().__dask_graph__()
        return HighLevelGraph.merge(self.data.__dask_graph__(), marks.array.__dask_graph__())

    def __dask_keys__(self) -> list:
        keys, marks = super().__dask_keys__(), self._lazy_marks
        return keys if marks is None else [keys, marks.array.__dask_keys__()]

    def __dask_layers__(self) -> tuple[str, ...]:
        layers, marks = super().__dask_layers__(), self._lazy_marks
        return layers if marks is None else layers + marks.array.__dask_layers__()

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        if self._lazy_marks is None:
            return super().__dask_postcompute__()
        return self._computed, (place_of_caller(), os.getpid())

    def __dask_postpersist__(self) -> tuple[Callable, tuple]:
        marks = self._lazy_marks
        if marks is None:
            return super().__dask_postpersist__()
        both = self.data.__dask_postpersist__(), marks.array.__dask_postpersist__()
        return self._persisted, (both, marks.names)

    def from_results(self, results: Any) -> Self:
        """The cube with what dask has computed of its keys."""
        marks = self._lazy_marks
        if marks is None:
            finalize, args = super().__dask_postcompute__()
            return finalize(results, *args)
        both = self.data.__dask_postcompute__(), marks.array.__dask_postcompute__()
        data, computed = (finalize(part, *args) for part, (finalize, args) in zip(results, both, strict=True))
        return self._new_instance(data=data).with_marks(Marks(computed, marks.names))

    def _computed(self, results: Any, place: Place, process: int) -> Self:
        computed = self.from_results(results)
        warn_of_edges([computed], place, process)
        return computed

    def _persisted(self, graph: Any, both: tuple, names: tuple[str, ...], **kwargs: Any) -> Self:
        data, marks = (rebuild(graph, *args, **kwargs) for rebuild, args in both)
        return self._new_instance(data=data).with_marks(Marks(marks, names))

    def __getitem__(self, item: Any) -> Self:
        sliced = super().__getitem__(item)
        if self._marks is not None:
            sliced._marks = self._marks[items(self._index(item))]
            sliced.meta = dict(sliced.meta) | sliced._marks.counts(self.meta.get("cadence"))
        return sliced


def warn_of_edges(maps: list[CountingCube], place: Place, process: int) -> None:
    """Warn once, where the maps are computed, of maxima at the edge of the lags that are no lags."""
    found = sum(one.meta.get("at_edge", 0) for one in maps)
    if found == 0 or maps[0].meta.get("at_bounds") == "keep":
        return
    pixels = sum(np.size(one.data) for one in maps)
    bounds = maps[0].meta.get("lag_bounds")
    bounds = "" if bounds is None else f", {bounds[0]:g} to {bounds[1]:g}"
    warn_at(
        place,
        process,
        f"In {found} of {pixels} pixels the correlation is largest at an edge of the lags{bounds}, or beside lags with "
        "too few pairs, so that its maximum may lie beyond. These lags are NaN; wider lag_bounds may find them, and "
        "at_bounds='keep' gives the edge",
    )
