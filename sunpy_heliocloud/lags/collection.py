"""LagMapCollection: the maps of all pairs of channels, computed and plotted together."""

import functools
import os
from collections.abc import Callable
from typing import Any, Self

import dask
from dask.highlevelgraph import HighLevelGraph

from sunpy_heliocloud.caller import Place, place_of_caller
from sunpy_heliocloud.display.frames import show
from sunpy_heliocloud.display.images import PLAIN
from sunpy_heliocloud.lags.bars import draw_lag_bar
from sunpy_heliocloud.lags.lag_map import LagMap
from sunpy_heliocloud.lags.marks import warn_of_edges
from sunpy_heliocloud.lags.quantities import colours
from sunpy_heliocloud.lazy.pieces import AssembledHere
from sunpy_heliocloud.store.collection import StoredCollection
from sunpy_heliocloud.store.description import Contents

__all__ = ["LagMapCollection"]

# Inches, so that the label of a colour bar is not cut off.
_LEAST_HEIGHT = 4.0


class LagMapCollection(AssembledHere, StoredCollection):
    """
    An `ndcube.NDCollection` of `LagMap` objects that is a dask collection, made by `time_lag_pairs`.

    Its keys are the pairs, ``"193-171"``. ``collection.compute()`` gives one in memory,
    ``dask.compute(lags, correlations)`` computes both collections in one pass.

    Examples
    --------
    >>> lags, correlations = sunpy_heliocloud.time_lag_pairs([cube_193, cube_171], lag_bounds=[-20, 20] * u.min)
    >>> lags["193-171"].title
    '193-171 SDO'
    """

    _member = LagMap
    _noun = "map"

    def _to_be_written(self) -> Callable[[str], Contents]:
        # All of them in one pass, if one is asked for.
        computed = functools.cache(self.compute)
        return lambda key: computed()[key]._contents()

    # ---- dask's collection protocol

    def __dask_graph__(self) -> HighLevelGraph | None:
        graphs = [one.__dask_graph__() for one in self.values()]
        return None if any(graph is None for graph in graphs) else HighLevelGraph.merge(*graphs)

    def __dask_keys__(self) -> list:
        return [one.__dask_keys__() for one in self.values()]

    def __dask_layers__(self) -> tuple[str, ...]:
        return tuple(layer for one in self.values() for layer in one.__dask_layers__())

    def __dask_tokenize__(self) -> Any:
        return dask.base.normalize_token((type(self).__name__, list(self.items())))

    __dask_optimize__ = staticmethod(LagMap.__dask_optimize__)
    __dask_scheduler__ = staticmethod(LagMap.__dask_scheduler__)

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        return self._from_results, (place_of_caller(), os.getpid())

    def __dask_postpersist__(self) -> tuple[Callable, tuple]:
        return self._from_graph, ([one.__dask_postpersist__() for one in self.values()],)

    def _from_results(self, results: list, place: Place, process: int) -> Self:
        computed = [one.from_results(result) for one, result in zip(self.values(), results, strict=True)]
        warn_of_edges(computed, place, process)  # one warning for all maps
        return self._of(computed)

    def _from_graph(self, graph: Any, rebuilders: list[tuple[Callable, tuple]], **kwargs: Any) -> Self:
        return self._of([rebuild(graph, *args, **kwargs) for rebuild, args in rebuilders])

    def _of(self, maps: list[LagMap]) -> Self:
        return type(self)(list(zip(self, maps, strict=True)), aligned_axes="all", meta=self.meta)

    # ---- plots

    def plot(self, **kwargs: Any) -> Any:
        """
        Plot all maps as a triangle: a row for each leading channel, a column for each other; one colour bar.

        Parameters
        ----------
        **kwargs
            As for `LagMap.plot`, for all maps. Their limits are common, by default such as hold all lags.

        Returns
        -------
        `matplotlib.figure.Figure`

        Examples
        --------
        >>> figure = lags.plot(vmin=-20 * u.min, vmax=20 * u.min)
        """
        data_unit = kwargs.pop("data_unit", None)
        shown = {key: one if data_unit is None else one.to(data_unit) for key, one in self.compute().items()}
        common = colours(list(shown.values()), kwargs)
        figure, grid = self._figure()
        for key, (row, column) in self._places().items():
            axes = figure.add_subplot(grid[row, column], projection=shown[key].wcs)
            shown[key].plot(axes=axes, colorbar=False, **common)
            for axis in axes.coords:
                axis.set_axislabel(" ")
                axis.set_ticklabel_visible(row == column)
                axis.set_ticklabel(size="x-small")
            axes.set_title(shown[key].title, **PLAIN)
        draw_lag_bar(figure.axes, next(iter(shown.values())), leads="first channel of a pair", shrink=0.8)
        return figure

    def plot_histograms(self, **kwargs: Any) -> Any:
        """
        Plot how often each value occurs in each map, arranged as by `plot`.

        Parameters
        ----------
        **kwargs
            As for `LagMap.plot_histogram`, for all maps.

        Returns
        -------
        `matplotlib.figure.Figure`

        Examples
        --------
        >>> figure = lags.plot_histograms(bin_width=4 * u.min)
        """
        computed = self.compute()
        figure, grid = self._figure()
        for key, (row, column) in self._places().items():
            axes = computed[key].plot_histogram(figure.add_subplot(grid[row, column]), **kwargs)
            if row != column:
                axes.set(xlabel="", ylabel="")
        return figure

    def peek(self, **kwargs: Any) -> None:
        """
        Plot all maps into a new figure and show it.

        Parameters
        ----------
        **kwargs
            As for `plot`.

        Examples
        --------
        >>> lags.peek()
        """
        self.plot(**kwargs)
        show()

    def _figure(self) -> tuple[Any, Any]:
        import matplotlib.pyplot as plt

        side = max(max(place) for place in self._places().values()) + 1
        size = (3 * side + 1.5, max(2.8 * side, _LEAST_HEIGHT))
        figure = plt.figure(figsize=size, layout="constrained")
        return figure, figure.add_gridspec(side, side)

    def _places(self) -> dict[str, tuple[int, int]]:
        """Row and column of each pair."""
        pairs = [key.split("-") for key in self]
        order = list(dict.fromkeys(channel for pair in pairs for channel in pair))
        return {key: (order.index(a), order.index(b) - 1) for key, (a, b) in zip(self, pairs, strict=True)}
