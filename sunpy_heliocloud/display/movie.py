"""Movies of planes: MP4, GIF, or a page with a player."""

import os
import tempfile
from pathlib import Path
from typing import Any

from sunpy_heliocloud.arguments import file_path
from sunpy_heliocloud.display.animation import player
from sunpy_heliocloud.display.frames import Pictures
from sunpy_heliocloud.lazy.jobs import job
from sunpy_heliocloud.log import warnings_only
from sunpy_heliocloud.text import inert

__all__ = ["movie_path", "save_movie"]

_KINDS = (".mp4", ".gif", ".html")


def movie_path(path: Any, *, overwrite: bool) -> Path:
    """
    Where a movie can be written.

    Raises
    ------
    ValueError
        When the suffix says no kind of movie.
    FileExistsError
        When there is a file, which is not to be overwritten.
    ImportError
        When what encodes MP4 is not installed.
    """
    path = file_path("path", path, "movie.mp4").expanduser()
    if path.suffix.lower() not in _KINDS:
        raise ValueError(f"path is {inert(path)!r}, but has to end in one of {', '.join(_KINDS)}")
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"path is {inert(path)!r}, which exists already; choose another, or overwrite=True"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"path is {inert(path)!r}, but there is no such folder; make it first")
    if path.suffix.lower() == ".mp4":
        _encoder()
    return path


def _encoder() -> str:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError as e:
        raise ImportError(
            "MP4 needs imageio-ffmpeg: pip install 'sunpy_heliocloud[movie]'; a path that ends in .gif or .html needs nothing"
        ) from e
    return get_ffmpeg_exe()


def save_movie(pictures: Pictures, figure: Any, path: Path, fps: float, dpi: float) -> None:
    """
    Draw all planes, and write them to a file, which is whole or not there.

    Parameters
    ----------
    pictures, figure
        What is drawn, and where.
    path
        See `movie_path`.
    fps, dpi
        Pictures a second, and pixels an inch.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix.lower(), dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        with job("Making a movie", total=len(pictures), unit="plane") as making:
            if part.suffix == ".html":
                figure.set_dpi(dpi)
                page = player(pictures, figure, fps, making.advance)
                part.write_text(
                    f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Movie</title>{page}</html>'
                )
            else:
                _write(pictures, figure, part, fps, dpi, making)
        part.chmod(0o666 & ~_umask())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write(pictures: Pictures, figure: Any, part: Path, fps: float, dpi: float, making: Any) -> None:
    import matplotlib as mpl
    from matplotlib.animation import FFMpegWriter, PillowWriter

    is_gif = part.suffix == ".gif"
    settings: Any = {} if is_gif else {"animation.ffmpeg_path": _encoder()}
    with mpl.rc_context(settings), warnings_only("matplotlib.animation"):
        rate: Any = fps
        writer = PillowWriter(fps=rate) if is_gif else FFMpegWriter(fps=rate, codec="h264")
        with writer.saving(figure, str(part), dpi):
            for index in range(len(pictures)):
                pictures.draw(index)
                writer.grab_frame()
                making.advance()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
