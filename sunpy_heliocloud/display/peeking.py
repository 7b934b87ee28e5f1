"""A quick look at what can be plotted."""

from typing import Any

from sunpy_heliocloud.display.frames import show

__all__ = ["Peekable", "peek_at_maps"]

_MOST_PANELS = 9


class Peekable:
    """
    What has ``plot``, and axes of time or lag of which one plane is enough for a look.

    Examples
    --------
    >>> lag.peek()
    """

    shape: Any

    def peek(self, **kwargs: Any) -> None:
        """
        Plot into a new figure and show it; of what has three axes, the plane in the middle.

        Parameters
        ----------
        **kwargs
            As for ``plot``.

        Examples
        --------
        >>> cube_171.peek(limb=True)
        """
        import matplotlib.pyplot as plt

        one: Any = self[self.shape[0] // 2] if len(self.shape) == 3 else self  # type: ignore[index]
        plt.figure()
        one.plot(**kwargs)
        show()


def peek_at_maps(maps: list[Any], **kwargs: Any) -> None:
    """
    Plot Maps beside each other in a new figure and show it.

    Parameters
    ----------
    maps
        Of sunpy; of many, some.
    **kwargs
        As for `sunpy.map.GenericMap.plot`.
    """
    import matplotlib.pyplot as plt

    maps = maps[:_MOST_PANELS]
    columns = min(len(maps), 3)
    rows = -(-len(maps) // columns)
    figure = plt.figure(figsize=(4.8 * columns, 4.4 * rows))
    for i, one in enumerate(maps):
        axes = figure.add_subplot(rows, columns, i + 1, projection=one)
        one.plot(axes=axes, **kwargs)
    figure.subplots_adjust(wspace=0.4, hspace=0.3)
    show()
