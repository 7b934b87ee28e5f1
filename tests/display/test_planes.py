"""Planes are drawn as sunpy draws Maps, and light curves over dates."""

import inspect

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
from headers import real_header
from matplotlib.dates import ConciseDateFormatter, date2num

import astropy.units as u
from astropy.visualization import ImageNormalize
from astropy.visualization.wcsaxes import WCSAxes

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
SHAPE = (20, 30)
TIMES = SUN.time + np.arange(6) * 4 * u.min
MAPS = [sunpy.map.Map(*SUN.frame(171, time, shape=SHAPE)) for time in TIMES]


@pytest.fixture(scope="module")
def cube():
    return LazyMapSequence(MAPS).to_cube().derotate_to(MAPS[3])


def of_values(values, **options):
    return TimeLagCube.from_array(values, MAPS[0], TIMES, **options)


def shown(axes):
    axes.figure.canvas.draw()
    return axes.images[0]


# ---- planes


def test_a_plane_has_the_colour_map_and_the_norm_of_sunpys_map(cube):
    image = shown(cube[1].plot())
    theirs = cube[1].compute().to_map()
    assert image.get_cmap().name == theirs.cmap.name == "sdoaia171"
    assert isinstance(image.norm, ImageNormalize)
    assert type(image.norm.stretch) is type(theirs.plot_settings["norm"].stretch)
    assert image.get_clim() == (np.nanmin(theirs.data), np.nanmax(theirs.data))


def test_the_title_is_observatory_instrument_channel_and_the_true_time(cube):
    for i in (0, 5):
        assert cube[i].plot().get_title() == f"SDO AIA 171 Å {TIMES[i].iso[:19]}"


def test_axes_are_labelled_as_those_of_a_map_in_arcsec(cube):
    axes = cube[1].plot()
    theirs = plt.figure().add_subplot(projection=MAPS[0])
    MAPS[0].plot(axes=theirs)
    expected = [f"{axis.get_axislabel()} [arcsec]" for axis in theirs.coords]
    assert [axis.get_axislabel() for axis in axes.coords] == expected
    assert [axis.get_format_unit() for axis in axes.coords] == [u.arcsec, u.arcsec]


def test_the_colour_bar_has_the_unit_and_the_height_of_the_image(cube):
    axes = cube[1].plot()
    axes.figure.canvas.draw()
    bar = axes.figure.axes[-1]
    assert bar.get_ylabel() == "DN / s"
    heights = [one.get_window_extent().height for one in (axes, bar)]
    assert heights[0] == pytest.approx(heights[1], abs=1)
    assert len(cube[1].plot(plt.figure().add_subplot(projection=cube[1]), colorbar=False).figure.axes) == 1


def test_missing_pixels_are_grey():
    values = np.ones((6, *SHAPE))
    values[:, 5:10] = np.nan
    image = shown(of_values(values)[0].plot())
    assert image.get_cmap().get_bad() == pytest.approx((0.6, 0.6, 0.6, 1))
    rgba = image.to_rgba(image.get_array())
    assert rgba[7, 3] == pytest.approx((0.6, 0.6, 0.6, 1))
    own = plt.get_cmap("viridis").with_extremes(bad="red")
    assert shown(of_values(values)[0].plot(cmap=own)).get_cmap() == own


@pytest.mark.parametrize("values", [np.nan, 0.0, 5.0])
def test_planes_without_any_contrast_are_drawn(values):
    shown(of_values(np.full((6, *SHAPE), values))[0].plot())


INSTRUMENTS = (
    "20181209_180305_kcor_l2", "FGMG4_20110214_030443.7", "HinodeXRT", "cor1_20090615_000500_s4c1A",
    "dr_suvi-l2-ci195_g16_s20190403T093200Z_e20190403T093600Z_v1-0-0_rebinned", "euvi_20090615_000900_n4euA_s",
    "gong_halpha", "gong_magnetogram", "hmi_bharp_vlos_mag", "lasco_c3", "mdi.fd_M_96m_lev182.20101015_191200_TAI.data",
    "punch", "seit_00171_fd_19961211_1900", "solo_L1_eui-fsi304-image_20201021T145510206_V03",
    "solo_L2_phi-hrt-blos_20241004T003104_V202506050052_0450040601", "swap_lv1_20140606_000113", "tsi20010130_025823_a2",
)  # fmt: skip


@pytest.mark.parametrize("name", INSTRUMENTS)
@pytest.mark.filterwarnings("ignore")
def test_every_instrument_is_drawn_as_sunpy_draws_it(name):
    header = real_header(name) | {"NAXIS": 2, "NAXIS1": 12, "NAXIS2": 10}
    theirs = sunpy.map.Map(np.arange(120.0).reshape(10, 12), header)
    plane = LazyMapSequence([theirs]).to_cube(normalize=False)[0]
    axes = plane.plot(plt.figure().add_subplot(projection=plane))
    axes.figure.canvas.draw()
    ours, its = axes.images[0].norm, theirs.plot_settings["norm"]
    assert (axes.images[0].get_cmap().name, type(ours)) == (theirs.cmap.name, type(its))
    assert its.vmin in (None, ours.vmin)
    assert its.vmax in (None, ours.vmax)


def test_differences_are_symmetric_about_zero_and_ratios_linear(cube):
    image = shown(cube.difference()[2].plot())
    assert image.get_cmap().name == "RdBu_r"
    assert image.norm.vmin == -image.norm.vmax < 0
    hot = [sunpy.map.Map(*SUN.frame(193, time, shape=SHAPE)) for time in TIMES]
    ratio = LazyMapSequence(hot).to_cube().derotate_to(MAPS[3]) / cube
    axes = ratio[2].plot()
    assert shown(axes).get_cmap().name == "viridis"
    assert axes.get_title().startswith("SDO 193 Å / SDO 171 Å") or "193" in axes.get_title()


def test_limits_are_numbers_or_quantities_and_percentiles(cube):
    plane = cube[1]
    assert shown(plane.plot(vmin=10, vmax=200)).get_clim() == (10, 200)
    assert shown(plane.plot(vmax=200 * plane.unit)).get_clim()[1] == 200
    low, high = np.nanpercentile(plane.compute().data, (5, 95))
    assert shown(plane.plot(clip_interval=(5, 95) * u.percent)).get_clim() == pytest.approx(
        (low, high), rel=1e-6
    )
    norm = ImageNormalize(vmin=1, vmax=2)
    assert shown(plane.plot(norm=norm)).norm is norm


def test_the_limits_of_one_plot_are_not_those_of_the_next(cube):
    first = shown(cube[0].plot(vmax=60)).norm
    assert shown(cube[0].plot(plt.figure().add_subplot(projection=cube[0]))).norm.vmax != 60 == first.vmax


def test_a_projection_is_that_of_a_plane_or_of_a_map(cube):
    for projection in (cube[1], cube[1].wcs, MAPS[3]):
        axes = plt.figure().add_subplot(projection=projection)
        assert cube[1].plot(axes=axes) is axes
        assert cube[1].plot(axes) is axes


def test_limb_and_grid_are_drawn_on_request_and_change_no_limits(cube):
    plane = cube[1]
    plain = plane.plot(plt.figure().add_subplot(projection=plane))
    both = plane.plot(
        plt.figure().add_subplot(projection=plane),
        limb=True,
        grid={"grid_spacing": 30 * u.deg, "color": "red"},
    )
    assert len(plain.patches) == 0
    assert len(both.patches) == 1  # the limb
    assert both.get_xlim() == plain.get_xlim()
    assert both.patches[0].radius == pytest.approx(MAPS[3].rsun_obs.to_value(u.deg), rel=1e-3)
    both.figure.canvas.draw()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limb": "yes"}, "limb is 'yes'"),
        ({"grid": 5}, "grid is 5"),
        ({"colorbar": "right"}, "colorbar is 'right'"),
        ({"vmin": np.nan}, "vmin is nan"),
        ({"vmin": 5, "vmax": 1}, "swap the two"),
        ({"vmax": 5 * u.kg}, "vmax is 5.0 kg"),
        ({"vmax": "high"}, "vmax is 'high'"),
        ({"clip_interval": (99, 1) * u.percent}, "clip_interval is"),
        ({"clip_interval": 5}, "clip_interval is 5"),
        ({"clip_interval": (1, 99) * u.m}, "clip_interval is"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_wrong_options_of_a_plot_are_named(cube, options, message):
    with pytest.raises((TypeError, ValueError, u.UnitsError)) as caught:
        cube[1].plot(**options)
    assert message in str(caught.value)


def test_axes_without_coordinates_are_refused_with_the_remedy(cube):
    with pytest.raises(TypeError, match=r"plt.subplot\(projection=cube\[0\]\)"):
        cube[1].plot(axes=plt.figure().add_subplot())


def test_the_slider_has_the_colours_of_the_channel(cube):
    slider = cube.plot()
    assert slider.im.get_cmap().name == "sdoaia171"
    assert isinstance(slider.im.norm, ImageNormalize)


# ---- light curves


def test_light_curves_have_dates_on_the_axis(cube):
    axes = cube[:, 8, 12].plot()
    (line,) = axes.lines
    np.testing.assert_allclose(date2num(line.get_xdata()), date2num(cube.times.datetime64))
    np.testing.assert_array_equal(line.get_ydata(), cube[:, 8, 12].compute().data)
    assert isinstance(axes.xaxis.get_major_formatter(), ConciseDateFormatter)
    axes.figure.canvas.draw()
    assert "18:00" in [label.get_text() for label in axes.get_xticklabels()]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (UTC)", "DN / s")
    place = MAPS[3].pixel_to_world(12 * u.pix, 8 * u.pix)
    assert axes.get_title() == f"SDO AIA 171 Å at ({place.Tx.value:.0f}″, {place.Ty.value:.0f}″)"


def test_light_curves_of_frames_at_other_times_share_axes(cube):
    axes = cube[:, 8, 12].plot()
    later = cube[::2][:, 9, 12]
    assert later.plot(axes=axes, color="red") is axes
    assert axes.lines[1].get_color() == "red"
    np.testing.assert_allclose(date2num(axes.lines[1].get_xdata()), date2num(later.times.datetime64))
    assert axes.get_legend() is not None
    assert axes.get_title() == ""


def test_a_light_curve_is_drawn_into_axes_with_its_projection_too(cube):
    curve = cube[:, 8, 12]
    axes = plt.figure().add_subplot(projection=curve)
    assert curve.plot(axes=axes) is axes
    assert isinstance(axes, WCSAxes)
    axes.figure.canvas.draw()


def test_a_light_curve_does_not_go_into_an_image(cube):
    image = cube[0].plot()
    assert cube[:, 8, 12].plot() is not image


def test_a_plot_of_what_is_lazy_computes_once_and_its_making_nothing():
    reads = []

    def block(block_id):
        reads.append(block_id)
        return np.ones((1, *SHAPE), np.float32)

    data = da.map_blocks(
        block, chunks=((1,) * 6, *((n,) for n in SHAPE)), dtype=np.float32, meta=np.empty((0, 0, 0), "f4")
    )
    with no_compute():
        plane, curve = of_values(data)[2], of_values(data)[:, 3, 4]
    shown(plane.plot(limb=True, grid=True, clip_interval=(1, 99) * u.percent))
    assert len(reads) == 1
    curve.plot().figure.canvas.draw()
    assert len(reads) == 7


def test_a_plot_leaves_the_help_of_plot_as_it_is(cube):
    """ndcube gives the method its own docstring and signature when a cube is plotted first."""
    before = [type(one).plot.__doc__ for one in (cube, cube.time_lag(cube))]
    cube[0].plot()
    cube.time_lag(cube, at_bounds="keep").plot()
    assert before == [type(one).plot.__doc__ for one in (cube, cube.time_lag(cube))]
    assert "clip_interval" in inspect.signature(cube.plot).parameters
    assert "which channel leads" in before[1]
    with pytest.raises(TypeError, match="has to be a class"):
        cube.plotter = 5
