"""Looking: peek, animations and movies."""

import base64
import io
import json
import re
import subprocess
import sys

import dask.array as da
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from test_displays import BAD, assert_inert, hostile_map

import astropy.units as u

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
SHAPE = (20, 30)
TIMES = SUN.time + np.arange(6) * 4 * u.min
MAPS = [sunpy.map.Map(*SUN.frame(171, time, shape=SHAPE)) for time in TIMES]


def counted(chunks=(1,) * 6):
    """A lazy cube whose planes are all of their number, and the numbers of the chunks that are computed."""
    computed = []

    def block(block_id):
        computed.append(block_id[0])
        first = sum(chunks[: block_id[0]])
        numbers = first + np.arange(chunks[block_id[0]])
        return np.broadcast_to(numbers[:, None, None], (len(numbers), *SHAPE)).astype("f4") + 1

    shape = (chunks, *((n,) for n in SHAPE))
    data = da.map_blocks(block, chunks=shape, dtype="f4", meta=np.empty((0, 0, 0), "f4"))
    return TimeLagCube.from_array(data, MAPS[0], TIMES, unit=u.DN), computed


def shown(animation):
    return float(animation.axes.images[0].get_array()[0, 0]) - 1


# ---- animations


def test_an_animation_has_a_slider_and_plays():
    cube, _ = counted()
    animation = cube.animate(fps=5)
    assert (animation.slider.valmin, animation.slider.valmax) == (0, 5)
    animation.slider.set_val(3)
    assert shown(animation) == 3
    assert animation.axes.get_title() == f"SDO AIA 171 Å {TIMES[3].iso[:19]}"
    animation.play()
    assert animation.is_playing
    assert animation._timer.interval == 200
    for _ in range(4):
        animation._timer._on_timer()
    assert shown(animation) == 1  # after the last the first
    animation.pause()
    assert not animation.is_playing
    animation.show(2)
    assert animation.slider.val == 2
    animation.figure.canvas.draw()


def test_the_button_plays_and_pauses():
    cube, _ = counted()
    animation = cube.animate()
    for is_playing in (True, False):
        animation.button._observers.process("clicked", None)
        assert animation.is_playing is is_playing


def test_planes_of_an_animation_are_computed_once_and_when_they_are_shown():
    cube, computed = counted()
    with no_compute():
        lazy = cube * 1
    animation = lazy.animate()
    assert sorted(computed) == [0, 2, 5]  # of which the colours are taken
    computed.clear()
    animation.show(3)
    assert computed == [3]
    for index in (4, 3, 4, 0):
        animation.show(index)
    assert computed == [3, 4]


def test_kept_planes_stay_within_a_bound(monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.lazy.plotting._KEPT_BYTES", 3 * 4 * 600)
    cube, _ = counted()
    animation = cube.animate()
    for index in range(6):
        animation.show(index)
    kept = animation._pictures._planes._blocks
    assert sum(block.nbytes for block in kept.values()) <= 3 * 4 * 600


def test_a_shift_of_one_plane_costs_the_frames_around_it_not_all():
    derotated = LazyMapSequence(MAPS).to_cube().derotate_to(MAPS[3]).resample_time(4 * u.min)
    animation = derotated.animate()
    animation.show(2)
    stretches = list(animation._pictures._planes._blocks)
    assert all(stop - start <= 8 for start, stop in stretches)


def test_colours_stay_the_same_in_all_planes():
    cube, _ = counted()
    animation = cube.animate()
    limits = animation.axes.images[0].get_clim()
    animation.show(5)
    assert animation.axes.images[0].get_clim() == limits
    assert cube.animate(vmin=1, vmax=5 * u.DN).axes.images[0].get_clim() == (1, 5)
    assert cube.animate(cmap="gray").axes.images[0].get_cmap().name == "gray"


def test_planes_of_their_own_keep_axes_labels_limb_and_grid():
    animation = LazyMapSequence(MAPS).to_cube().animate(limb=True, grid=True)
    animation.show(5)
    axes = animation.axes
    assert axes.coords[0].get_axislabel().endswith("[arcsec]")
    assert axes.get_title().endswith(TIMES[5].iso[:19])
    animation.figure.canvas.draw()
    assert len(axes.patches) == 1
    world = axes.wcs.pixel_to_world(3, 4)
    assert abs(world.obstime - TIMES[5]) < 1 * u.s


def test_where_a_notebook_shows_pictures_the_animation_is_a_player_in_the_page(monkeypatch):
    monkeypatch.setattr("sunpy_heliocloud.display.looking.is_inline", lambda: True)
    cube, computed = counted()
    animation = cube.animate(fps=4)
    assert sorted(set(computed)) == list(range(6))
    computed.clear()
    with no_compute():
        page = animation._repr_html_()
    assert not plt.get_fignums()
    images = json.loads(re.search(r"images = (\[.*?\]), titles", page)[1])
    assert len(images) == 6
    assert "250);" in page
    assert "http" not in re.sub(r"images = \[.*?\]", "", page)
    assert 'aria-label="Play or pause"' in page
    picture = Image.open(io.BytesIO(base64.b64decode(images[3])))
    assert picture.size[0] == 640


# ---- movies


def frames_of(path):
    with Image.open(path) as movie:
        return movie.n_frames, movie.info.get("duration")


def test_a_movie_has_a_frame_for_each_plane_at_its_rate(tmp_path):
    cube, computed = counted()
    cube.save_movie(tmp_path / "movie.gif", fps=5, dpi=40)
    assert frames_of(tmp_path / "movie.gif") == (6, 200)
    assert sorted(computed) == list(range(6))
    cube.save_movie(str(tmp_path / "movie.html"), dpi=40)
    assert "<!DOCTYPE html>" in (tmp_path / "movie.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["movie.gif", "movie.html"]
    assert not plt.get_fignums()


def test_mp4_is_written_with_the_extra_movie(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    cube, _ = counted()
    cube[:4].save_movie(tmp_path / "movie.mp4", fps=2, dpi=41)
    command = [ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "movie.mp4", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "Video: h264" in said
    assert "2 fps" in said
    assert re.findall(r"frame= *(\d+)", said)[-1] == "4"


def test_without_the_extra_mp4_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    cube, computed = counted()
    with pytest.raises(ImportError, match=r"sunpy_heliocloud\[movie\].*\.gif or \.html"):
        cube.save_movie(tmp_path / "movie.mp4")
    assert not computed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("end", ["gif", "html", "mp4"])
def test_there_is_never_half_a_movie(tmp_path, end):
    def block(block_id):
        if block_id[0] == 3:
            raise OSError("no such frame")
        return np.ones((1, *SHAPE), "f4")

    data = da.map_blocks(
        block, chunks=((1,) * 6, *((n,) for n in SHAPE)), dtype="f4", meta=np.empty((0, 0, 0), "f4")
    )
    cube = TimeLagCube.from_array(data, MAPS[0], TIMES)
    before = tmp_path / f"movie.{end}"
    before.write_bytes(b"the one before")
    with pytest.raises(OSError, match="no such frame"):
        cube.save_movie(before, overwrite=True, dpi=40)
    assert before.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [before]


def test_movies_are_not_overwritten_by_chance_and_need_a_kind(tmp_path):
    cube, computed = counted()
    (tmp_path / "movie.gif").write_bytes(b"")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        cube.save_movie(tmp_path / "movie.gif")
    with pytest.raises(ValueError, match=r"one of \.mp4, \.gif, \.html"):
        cube.save_movie(tmp_path / "movie.avi")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        cube.save_movie(tmp_path / "nowhere" / "movie.gif")
    for act in (lambda: cube[3].save_movie(tmp_path / "a.gif"), lambda: cube[:, 3, 4].animate()):
        with pytest.raises(ValueError, match="axes time, y and x"):
            act()
    assert not computed


def test_text_of_headers_is_harmless_in_a_player(tmp_path):
    LazyMapSequence([hostile_map(i) for i in range(2)]).to_cube().save_movie(tmp_path / "m.html", dpi=30)
    page = (tmp_path / "m.html").read_text()
    titles = re.search(r"titles = (\[.*?\]);", page)[1]
    assert_inert(titles)
    assert "\\x3cimg" in titles
    assert BAD not in page
    assert page.count("<img") == 1


# ---- peek


def test_peek_draws_into_a_new_figure(monkeypatch):
    calls = []
    monkeypatch.setattr(plt, "get_backend", lambda: "a backend with windows")
    monkeypatch.setattr(plt, "show", lambda: calls.append(plt.get_fignums()))
    seq = LazyMapSequence(MAPS)
    hot = LazyMapSequence([sunpy.map.Map(*SUN.frame(193, time, shape=SHAPE)) for time in TIMES])
    cubes = [one.to_cube().derotate_to(MAPS[3]).resample_time(4 * u.min) for one in (hot, seq)]
    lag = cubes[0].time_lag(cubes[1], at_bounds="keep")
    over_lag = cubes[0].cross_correlation(cubes[1])
    path = MAPS[3].pixel_to_world([5, 25] * u.pix, [5, 15] * u.pix)
    things = [
        seq, seq + hot, cubes[0], cubes[0][3], cubes[0][:, 8, 9], lag, over_lag, over_lag[:, 8, 9],
        cubes[0].time_lag(cubes[1], window=12 * u.min, at_bounds="keep"), cubes[0].time_distance(path),
        time_lag_pairs(cubes, at_bounds="keep")[0],
    ]  # fmt: skip
    for number, one in enumerate(things, 1):
        assert one.peek() is None
        assert len(calls) == number == len(calls[-1])
    assert len(plt.figure(1).axes) == 3
    assert [axes.get_title()[:7] for axes in plt.figure(2).axes] == ["AIA $17", "AIA $19"] or len(
        plt.figure(2).axes
    ) == 2
    assert mpl.get_backend().lower() == "agg"


def test_peek_at_a_cube_reads_one_plane():
    cube, computed = counted()
    cube.peek()
    assert computed == [3]
