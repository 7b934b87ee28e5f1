"""Ways to look at a cube: peek, animate, save_movie."""

import os
from typing import Any

import astropy.units as u

from sunpy_heliocloud.arguments import flag
from sunpy_heliocloud.display.animation import CubeAnimation, is_inline, player
from sunpy_heliocloud.display.drawn import DrawnCube
from sunpy_heliocloud.display.frames import Pictures, fit_figure
from sunpy_heliocloud.display.images import line_options, percentiles, plain_limits, positive
from sunpy_heliocloud.display.movie import movie_path, save_movie
from sunpy_heliocloud.display.peeking import Peekable
from sunpy_heliocloud.lazy.jobs import job

__all__ = ["LookingCube"]

_DPI = 100.0
# Inches below an image for its labels, and also for a slider.
_LABELS, _SLIDER = 0.65, 1.2


class LookingCube(Peekable, DrawnCube):
    """
    The part of `~sunpy_heliocloud.TimeLagCube` that shows all planes: animations and movies.

    Examples
    --------
    >>> cube_171.peek()
    >>> animation = cube_171[:3].animate()
    """

    def animate(
        self,
        *,
        fps: float = 10,
        clip_interval: u.Quantity | None = None,
        limb: Any = False,
        grid: Any = False,
        **kwargs: Any,
    ) -> CubeAnimation:
        """
        Show the planes with a slider and a button that plays them.

        Planes are computed when they are shown, a few that come together at a time, and kept within a gigabyte: the next
        plane costs the frames around it. Where Jupyter shows figures as pictures, all planes are computed and drawn for a
        player in the page, with a progress bar if this takes long; ``%matplotlib widget`` shows them one by one.

        Parameters
        ----------
        fps
            Planes a second when it plays.
        clip_interval
            Percentiles of the values of three planes that limit the colours of all, by default
            ``(0.5, 99.9) * u.percent``.
        limb, grid, **kwargs
            As for `.TimeLagCube.plot`.

        Returns
        -------
        CubeAnimation
            Keep it as long as the window is there.

        Raises
        ------
        ValueError
            When the cube has no three axes, or an option makes no sense.

        Examples
        --------
        >>> animation = cube_171[:3].animate(limb=True)
        >>> animation.show(2)
        """
        import matplotlib.pyplot as plt

        fps, options, interval = self._looks(fps, clip_interval, limb, grid, kwargs)
        figure = plt.figure()
        fit_figure(figure, self._image_shape, _LABELS if is_inline() else _SLIDER)
        pictures = Pictures(self, figure, interval, options)
        if not is_inline():
            return CubeAnimation(pictures, figure, fps)
        with job("Drawing planes", total=len(pictures), unit="plane") as drawing:
            page = player(pictures, figure, fps, drawing.advance)
        plt.close(figure)  # else the notebook would show it, too
        return CubeAnimation(pictures, figure, fps, page=page)

    def save_movie(
        self,
        path: str | os.PathLike,
        *,
        fps: float = 10,
        dpi: float = _DPI,
        overwrite: bool = False,
        clip_interval: u.Quantity | None = None,
        limb: Any = False,
        grid: Any = False,
        **kwargs: Any,
    ) -> None:
        """
        Write all planes as a movie, with the time of each in its title and the same colours for all.

        Planes are computed a few at a time, with a progress bar if this takes long. The file is whole or not there.

        Parameters
        ----------
        path
            Ends in ``.mp4`` (with the extra ``movie``, which is imageio-ffmpeg), ``.gif``, or ``.html``, a page with a
            player.
        fps, dpi
            Planes a second, and pixels an inch of a figure that is 6.4 inches wide.
        overwrite
            Whether a file of that name is replaced.
        clip_interval, limb, grid, **kwargs
            As for `animate`.

        Raises
        ------
        ValueError
            When the path has another suffix, the cube has no three axes, or an option makes no sense.
        FileExistsError, FileNotFoundError
            When there is such a file, which is not to be overwritten, or no such folder.
        ImportError
            When imageio-ffmpeg is not installed, for MP4.

        Examples
        --------
        >>> cube_171[:3].save_movie("region.gif", overwrite=True)
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        fps, options, interval = self._looks(fps, clip_interval, limb, grid, kwargs)
        dpi = positive("dpi", dpi, "100")
        target = movie_path(path, overwrite=flag("overwrite", overwrite))
        figure = Figure()
        FigureCanvasAgg(figure)
        fit_figure(figure, self._image_shape, _LABELS)
        save_movie(Pictures(self, figure, interval, options), figure, target, fps, dpi)

    @property
    def _image_shape(self) -> tuple[int, int]:
        return self.shape[1], self.shape[2]

    def _looks(
        self, fps: Any, clip_interval: Any, limb: Any, grid: Any, kwargs: dict[str, Any]
    ) -> tuple[float, dict[str, Any], tuple[float, float] | None]:
        """The checked options."""
        if len(self.shape) != 3:
            raise ValueError(
                f"a movie needs axes time, y and x, but this cube has the shape {self.shape}; slice with ranges (3:4) to "
                "keep an axis, or plot() what is left"
            )
        line_options("limb", limb)
        line_options("grid", grid)
        options = plain_limits(kwargs, self.unit) | {"limb": limb, "grid": grid}
        return positive("fps", fps, "10"), options, percentiles(clip_interval)
