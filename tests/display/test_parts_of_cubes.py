"""Rows, columns, pixels, cubes with a slider and lags of the other sign are drawn and described as the planes are."""

import logging

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.dates import ConciseDateFormatter

import astropy.units as u
from astropy.visualization.wcsaxes import WCSAxes

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
TIMES = SUN.time + np.arange(24) * 4 * u.min
SHAPE = (6, 8)
BOUNDS = [-12, 12] * u.min


@pytest.fixture(scope="module")
def pair():
    """Two channels of which the second follows 8 minutes after the first, and a pixel that is missing."""
    rng = np.random.default_rng(0)
    series = rng.normal(size=(26, *SHAPE)).cumsum(axis=0)
    series[:, 2, 3] = np.nan
    return [
        TimeLagCube.from_array(
            series[first : first + 24] + 50,
            sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE)),
            TIMES,
            unit="ph",
        )
        for channel, first in ((193, 2), (171, 0))
    ]


@pytest.fixture(scope="module")
def lag(pair):
    return pair[0].time_lag(pair[1], lag_bounds=BOUNDS, at_bounds="keep").compute()


@pytest.fixture(scope="module")
def lags(pair):
    """Lags in windows of time."""
    return pair[0].time_lag(pair[1], lag_bounds=BOUNDS, at_bounds="keep", window=48 * u.min).compute()


@pytest.fixture(scope="module")
def correlation(pair):
    return pair[0].cross_correlation(pair[1], lag_bounds=BOUNDS)


def bar_of(figure):
    """The label of the colour bar."""
    return next(axes for axes in figure.axes if axes.get_label() == "<colorbar>").get_ylabel()


@pytest.mark.parametrize(
    "item", [pytest.param(np.s_[:, 4], id="row"), pytest.param(np.s_[:, :, 4], id="column")]
)
def test_a_row_or_column_over_time_has_dates_and_arcseconds_in_plain_axes(pair, lags, item):
    for cube in (pair[1], lags):
        axes = cube[item].plot(axes=plt.figure().add_subplot())
        assert not isinstance(axes, WCSAxes)
        assert isinstance(axes.xaxis.get_major_formatter(), ConciseDateFormatter)
        assert axes.get_ylabel().endswith("[arcsec]")
        low, high = axes.get_ylim()
        assert 1500 < high - low < 3000  # the whole image
        assert bar_of(axes.figure)
        plt.close("all")


def test_gaps_in_a_row_over_time_are_grey(pair):
    row = pair[1][[*range(8), *range(16, 24)]][:, 2].plot(axes=plt.subplot())
    assert to_rgb(row.get_facecolor()) == to_rgb("0.6")
    assert np.isnan(np.ma.filled(row.collections[0].get_array(), np.nan)).any()


def test_axes_with_coordinates_are_drawn_into_as_ndcube_does(pair, lags):
    for cube in (pair[1], lags):
        row = cube[:, 4]
        assert isinstance(row.plot(), WCSAxes)
        axes = plt.figure().add_subplot(projection=row.wcs)
        assert row.plot(axes=axes) is axes


def test_a_pixel_of_lags_in_windows_has_dates(lags):
    axes = lags[:, 1, 1].plot()
    assert isinstance(axes.xaxis.get_major_formatter(), ConciseDateFormatter)
    assert (axes.get_title(), axes.get_ylabel()) == ("193-171 SDO", "time lag [s]")
    assert lags[:, 1, 1].plot(axes=axes) is axes


def test_nothing_is_written_over_the_title_of_a_row(pair, correlation):
    for row in (pair[1][3, 4], pair[1][:, 4], correlation[:, 4]):
        axes = row.plot()
        axes.figure.canvas.draw()
        assert axes.get_title()
        assert not axes.coords[1].get_ticklabel_visible()
        plt.close("all")


def test_a_row_of_correlations_has_lags_on_its_axis(correlation):
    axes = correlation[:, 4].plot()
    assert axes.coords[2].get_axislabel() == "lag [s]"


def test_colour_bars_can_be_left_out(pair, lags, correlation):
    for part in (
        pair[1][:, 4],
        pair[1],
        lags[:, 4],
        lags[:, 4, 4],
        lags,
        correlation[:, 4],
        correlation,
        correlation[:, 4, 4],
    ):
        part.plot(colorbar=False)
        assert all(axes.get_label() != "<colorbar>" for axes in plt.gcf().axes)
        plt.close("all")


def test_a_row_of_correlations_at_one_lag_is_a_curve(correlation):
    axes = correlation[3, 4].plot()
    assert len(axes.lines) == 1
    assert axes.get_title() == "193-171 SDO"


def test_cubes_with_a_slider_have_a_title_and_a_colour_bar(pair, lags, correlation):
    titles = []
    for cube, bar in ((pair[1], "ph"), (lags, "193 Å leads →"), (correlation, "cross-correlation")):
        animator = cube.plot()
        titles.append(animator.axes.get_title())
        assert bar in bar_of(animator.axes.figure)
        plt.close("all")
    assert titles == ["SDO AIA 171 Å", "193-171 SDO", "193-171 SDO"]


def test_the_title_of_a_difference_says_so(pair):
    assert " running difference " in pair[1].difference()[3].plot_title
    assert " base difference " in pair[1].difference(base=0)[3].plot_title
    assert "SDO 193 Å − SDO 171 Å" in (pair[0] - pair[1])[3].plot_title


# ---- lags of the other sign


@pytest.mark.parametrize(
    "negative",
    [
        pytest.param(lambda lag: -lag, id="minus"),
        pytest.param(lambda lag: lag * -1, id="times -1"),
        pytest.param(lambda lag: np.float32(-1) * lag, id="numpy"),
        pytest.param(lambda lag: lag / -1, id="divided by -1"),
        pytest.param(lambda lag: 0 * u.s - lag, id="from zero"),
    ],
)
def test_lags_of_the_other_sign_are_those_of_the_pair_in_the_other_order(pair, lag, negative):
    other = pair[1].time_lag(pair[0], lag_bounds=-BOUNDS[::-1], at_bounds="keep").compute()
    ours = negative(lag)
    np.testing.assert_array_equal(ours.data, other.data)
    assert str(ours).splitlines()[:5] == str(other).splitlines()[:5]
    assert "171 Å where the lag is positive" in str(ours)
    axes = ours.plot()
    assert axes.get_title().startswith("171-193")
    assert bar_of(axes.figure).endswith("171 Å leads →")
    assert ours.meta["lags_used"][0] == -lag.meta["lags_used"][1]


def test_lazy_lags_of_the_other_sign_are_those_that_are_computed(pair, lags):
    lazy = pair[0].time_lag(pair[1], lag_bounds=BOUNDS, at_bounds="keep", window=48 * u.min)
    np.testing.assert_array_equal((-lazy).compute().data, -lags.data)
    assert (-lazy).compute().meta["at_edge"] == lags.meta["at_edge"]
    assert "171 Å where the lag is positive" in str(-lazy)
    negative = -lazy
    assert "193 Å where the lag is positive" in str(-negative)


def test_correlations_of_the_other_sign_keep_their_pair(pair):
    best = pair[0].max_cross_correlation(pair[1], lag_bounds=BOUNDS)
    assert (-best).title == best.title


# ---- displays


def view(one):
    return next(line for line in str(one).splitlines() if "View:" in line)


def test_the_view_of_a_part_of_lags_is_that_of_the_part(lag, correlation, pair):
    assert view(lag[2]) == view(pair[0][:, 2])
    assert view(correlation[:, 2, 5]) == view(pair[0][:, 2, 5])
    assert view(correlation[:, 2:4, 5]) == view(pair[0][:, 2:4, 5])


def test_one_of_something_is_singular(pair):
    sequence = LazyMapSequence([sunpy.map.Map(*SUN.frame(171, SUN.time, shape=SHAPE))])
    assert "LazyMapSequence: 1 frame of" in str(sequence)
    assert str(sequence.to_cube().estimate()).startswith("1 frame: 0 requests")
    assert "of 1 map, lazy" in str(time_lag_pairs(pair, lag_bounds=BOUNDS)[0])


def test_missing_pixels_of_a_map_of_lags_are_grey_also_as_a_map_of_sunpy(lag):
    as_map = lag.to_map()
    assert np.isnan(as_map.data[2, 3])
    assert to_rgb(as_map.cmap(np.nan)) == to_rgb("0.6")


def test_a_movie_logs_nothing_of_its_encoder(pair, tmp_path, caplog):
    pytest.importorskip("imageio_ffmpeg", reason="MP4 needs the extra movie")
    with caplog.at_level(logging.INFO):
        pair[1][:2].save_movie(tmp_path / "movie.mp4")
    assert not caplog.records


@pytest.mark.parametrize(
    ("calculate", "said"),
    [
        pytest.param(lambda c: c * 2, "* 2", id="number"),
        pytest.param(lambda c: 3 * u.ph + c - 1.5 * u.ph, "+ 3. ph, - 1.5 ph", id="two steps"),
        pytest.param(lambda c: c / np.float32(2), "/ 2.0", id="number of numpy"),
        pytest.param(lambda c: 2 / c, "** -1, * 2", id="from the right"),
        pytest.param(lambda c: c * (2 * u.s), "* 2. s", id="quantity"),
        pytest.param(lambda c: c * np.ones(SHAPE), "* ndarray of shape (6, 8)", id="array"),
        pytest.param(lambda c: c**0.5, "** 0.5", id="power"),
        pytest.param(lambda c: -c, "negative", id="minus"),
        pytest.param(abs, "absolute values", id="abs"),
        pytest.param(lambda c: (c * 2)[3:, 2], "* 2", id="and sliced"),
        pytest.param(lambda c: (c * 2).compute(), "* 2", id="and computed"),
    ],
)
def test_displays_say_what_was_calculated(pair, calculate, said):
    lines = [line for line in str(calculate(pair[0])).splitlines() if "Steps:" in line]
    assert lines == [f"  Steps:   then {said}"]
    assert f"then {said}" in calculate(pair[0])._repr_html_()


def test_another_unit_is_no_calculation(pair, lag):
    assert "then" not in str(pair[0].to("kph"))
    assert "then" not in str(lag.to("min"))


def test_lags_that_were_calculated_with_say_so(lag):
    assert "then / 2" in str(lag / 2)
    assert "then" not in str(-lag)


def test_a_long_calculation_stays_short(pair):
    cube = pair[0]
    for i in range(100):
        cube = cube * (1 + i / 1000)
    assert len(cube.meta["arithmetic"]) <= 200
