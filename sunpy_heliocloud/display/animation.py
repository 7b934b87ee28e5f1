"""Animations: a slider and a button to play, in a window and in a notebook."""

import base64
import io
import json
import uuid
from string import Template
from typing import Any

from sunpy_heliocloud.display.frames import Pictures
from sunpy_heliocloud.text import inert

__all__ = ["CubeAnimation", "is_inline", "player"]

_PLAY, _PAUSE = "▶", "❚❚"
_PLAYER = Template("""<div id="$box" style="max-width: 60em">
<img alt="" style="max-width: 100%; display: block">
<div style="display: flex; gap: 0.6em; align-items: center; max-width: 40em">
<button type="button" aria-label="Play or pause" style="min-width: 2.6em">▶</button>
<input type="range" min="0" max="$last" value="0" step="1" aria-label="Plane" style="flex: 1">
<output></output></div></div>
<script>(function () {
  const box = document.getElementById("$box"), images = $images, titles = $titles;
  const [image, button, slider, output] = ["img", "button", "input", "output"].map((tag) => box.querySelector(tag));
  let timer = null;
  function show() {
    const i = Number(slider.value);
    image.src = "data:image/png;base64," + images[i];
    image.alt = titles[i];
    output.textContent = (i + 1) + " / " + images.length;
  }
  button.onclick = function () {
    if (timer === null) {
      timer = setInterval(function () { slider.value = (Number(slider.value) + 1) % images.length; show(); }, $pause);
    } else {
      clearInterval(timer);
      timer = null;
    }
    button.textContent = timer === null ? "▶" : "❚❚";
  };
  slider.oninput = show;
  show();
})();</script>""")


def is_inline() -> bool:
    """Whether figures are pictures in a notebook, with which nothing can be done."""
    import matplotlib.pyplot as plt

    return "inline" in plt.get_backend().lower()


class CubeAnimation:
    """
    The planes of a cube with a slider and a button that plays them.

    In a window, and with ``%matplotlib widget`` in Jupyter, planes are computed when they are shown, and kept within a
    gigabyte. Where Jupyter shows figures as pictures, it is a player in the page, for which all planes have been drawn.

    Attributes
    ----------
    figure
        Of matplotlib.
    axes
        Of matplotlib.
    slider
        Of `matplotlib.widgets`; `None` for a player in a page.
    button
        Of `matplotlib.widgets`; `None` for a player in a page.

    Examples
    --------
    >>> animation = cube_171[:3].animate()
    >>> animation
    <CubeAnimation of 3 planes>
    """

    def __init__(self, pictures: Pictures, figure: Any, fps: float, *, page: str = "") -> None:
        self.figure, self.axes = figure, pictures.axes
        self._pictures, self._page = pictures, page
        self.slider: Any = None
        self.button: Any = None
        self._timer: Any = None
        self.is_playing = False
        if page or len(pictures) < 2:
            return
        from matplotlib.widgets import Button, Slider

        inch = 1 / figure.get_size_inches()[1]
        last = len(pictures) - 1
        self.slider = Slider(
            figure.add_axes((0.2, 0.15 * inch, 0.6, 0.2 * inch)), "plane", 0, last, valinit=0, valstep=1
        )
        self.slider.drawon = False  # it would draw the plane before
        self.slider.on_changed(self._moved)
        self.button = Button(figure.add_axes((0.04, 0.1 * inch, 0.07, 0.3 * inch)), _PLAY)
        self.button.on_clicked(lambda _: self.pause() if self.is_playing else self.play())
        self._timer = figure.canvas.new_timer(interval=int(1000 / fps))
        self._timer.add_callback(self._next)

    def show(self, index: int) -> None:
        """
        Show a plane.

        Parameters
        ----------
        index
            Of the plane.

        Examples
        --------
        >>> cube_171[:3].animate().show(2)
        """
        if self.slider is None:
            self._pictures.draw(index)
        else:
            self.slider.set_val(index)

    def play(self) -> None:
        """
        Show the planes one after the other, again and again.

        Examples
        --------
        >>> animation = cube_171[:3].animate()
        >>> animation.play()
        """
        self._set_playing(True)

    def pause(self) -> None:
        """
        Stay at the plane that is shown.

        Examples
        --------
        >>> animation = cube_171[:3].animate()
        >>> animation.pause()
        """
        self._set_playing(False)

    def _set_playing(self, is_playing: bool) -> None:
        if self._timer is None or self.button is None:
            return
        self.is_playing = is_playing
        (self._timer.start if is_playing else self._timer.stop)()
        self.button.label.set_text(_PAUSE if is_playing else _PLAY)
        self.figure.canvas.draw_idle()

    def _moved(self, value: float) -> None:
        self._pictures.draw(int(value))
        self.figure.canvas.draw_idle()

    def _next(self) -> None:
        if self.slider is not None:
            self.slider.set_val((int(self.slider.val) + 1) % len(self._pictures))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._pictures)} planes>"

    def _repr_html_(self) -> str | None:
        return self._page or None


def player(pictures: Pictures, figure: Any, fps: float, drawn: Any) -> str:
    """
    HTML with a slider and a button that plays, of all pictures; it needs nothing else.

    Parameters
    ----------
    pictures, figure
        What is drawn, and where.
    fps
        Pictures a second.
    drawn
        Called without arguments when a picture is drawn.
    """
    images, titles = [], []
    for index in range(len(pictures)):
        titles.append(inert(pictures.draw(index)))
        content = io.BytesIO()
        figure.savefig(content, format="png")
        images.append(base64.b64encode(content.getvalue()).decode())
        drawn()
    values = {
        "box": f"shc-{uuid.uuid4().hex}",
        "images": json.dumps(images),
        "titles": json.dumps(titles).replace("</", "<\\/"),
        "last": str(len(images) - 1),
        "pause": str(round(1000 / fps)),
    }
    return _PLAYER.substitute(values)
