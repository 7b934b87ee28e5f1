"""Plots of lags: minutes and hours, which channel leads, and the correlation of a pixel."""

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest

import astropy.units as u

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
SHAPE = (8, 12)
TIMES = SUN.time + np.arange(60) * 4 * u.min


def pair_of(delay=3, chunks=(-1, 4, 6)):
    """Two channels, of which the first leads by some planes; a pixel of either is missing."""
    walk = np.cumsum(np.random.default_rng(0).normal(size=(80, *SHAPE)), axis=0).astype("f4")
    walk[:, 2, 3] = np.nan
    data = walk[10:70], walk[10 - delay : 70 - delay]
    maps = [sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE)) for channel in (193, 171)]
    return [
        TimeLagCube.from_array(da.from_array(one, chunks=chunks), m, TIMES)
        for one, m in zip(data, maps, strict=True)
    ]


def bar_of(axes):
    axes.figure.canvas.draw()
    bar = axes.figure.axes[-1]
    return bar.get_ylabel(), [label.get_text() for label in bar.get_yticklabels()]


@pytest.mark.parametrize(
    ("bounds", "unit", "ticks"),
    [
        ([-40, 40] * u.min, "min", {"−30", "0", "30"}),
        ([-3, 2] * u.h, "h", {"−3", "0", "3"}),
        ([-120, 120] * u.s, "s", None),
    ],
    ids=["minutes", "hours", "seconds"],
)
def test_colour_bars_are_in_minutes_or_hours_where_that_reads_better(bounds, unit, ticks):
    hot, cool = pair_of()
    if ticks is None:
        hot, cool = (one.resample_time(40 * u.s) for one in (hot, cool))
    lag = hot.time_lag(cool, lag_bounds=bounds, at_bounds="keep")
    axes = lag.plot()
    label, texts = bar_of(axes)
    assert f"time lag [{unit}]" in label
    assert ticks is None or ticks <= set(texts)
    low, high = axes.images[0].get_clim()
    assert low == -high == -np.abs(bounds).max().to_value(u.s)
    np.testing.assert_array_equal(np.ma.filled(axes.images[0].get_array(), np.nan), lag.compute().data)


def test_the_colour_bar_says_which_channel_leads():
    hot, cool = pair_of()
    label, _ = bar_of(hot.time_lag(cool, lag_bounds=[-1, 1] * u.h).plot())
    assert "← 171 Å leads      193 Å leads →" in label
    label, _ = bar_of(
        cool.time_lag(hot, lag_bounds=[-1, 1] * u.h).plot(plt.figure().add_subplot(projection=hot[0]))
    )
    assert "← 193 Å leads      171 Å leads →" in label
    correlation = hot.max_cross_correlation(cool).plot(plt.figure().add_subplot(projection=hot[0]))
    assert "leads" not in bar_of(correlation)[0]


def test_observatories_that_differ_are_named_as_leaders():
    hot, cool = pair_of()
    cool.meta = dict(cool.meta, observatory="<b>STEREO A", wavelength=193 * u.AA)
    label, _ = bar_of(hot.time_lag(cool).plot())
    assert "\\x3cb>STEREO A 193 Å leads" in label
    assert "SDO 193 Å leads →" in label


def test_lag_maps_have_times_arcsec_grey_and_limb_on_request():
    hot, cool = pair_of()
    lag = hot.time_lag(cool)
    axes = lag.plot(limb=True, grid=True)
    assert axes.get_title() == f"193-171 SDO\n{TIMES[0].iso[:19]} to {TIMES[-1].iso[11:19]}"
    assert [axis.get_format_unit() for axis in axes.coords] == [u.arcsec, u.arcsec]
    image = axes.images[0]
    axes.figure.canvas.draw()
    assert image.to_rgba(image.get_array())[2, 3] == pytest.approx((0.6, 0.6, 0.6, 1))
    assert len(axes.patches) == 1


def test_all_pairs_have_one_bar_that_says_who_leads():
    hot, cool = pair_of()
    third = TimeLagCube.from_array(cool.data, sunpy.map.Map(*SUN.frame(211, SUN.time, shape=SHAPE)), TIMES)
    figure = time_lag_pairs([hot, cool, third], lag_bounds=[-1, 1] * u.h)[0].plot(limb=True)
    figure.canvas.draw()
    assert figure.axes[-1].get_ylabel().endswith("first channel of a pair leads →")


# ---- a pixel over lag


def test_the_correlation_of_a_pixel_has_maximum_uncertainty_and_level_marked():
    hot, cool = pair_of()
    with no_compute():
        over_lag = hot.cross_correlation(cool, lag_bounds=[-1, 1] * u.h, detrend="linear")[:, 4, 5]
    axes = over_lag.plot(color="red")
    curve, peak, *_ = axes.lines
    np.testing.assert_array_equal(curve.get_xdata(), over_lag.lags.to_value(u.s))
    assert curve.get_color() == peak.get_color() == "red"
    options = {"lag_bounds": [-1, 1] * u.h, "detrend": "linear"}
    lag = hot.time_lag(cool, **options).compute().data[4, 5]
    sigma = hot.lag_uncertainty(cool, trials=199, **options).compute().data[4, 5]
    assert (peak.get_xdata()[0], peak.get_ydata()[0]) == (lag, np.nanmax(curve.get_ydata()))
    (span,) = axes.patches
    assert span.get_x() == pytest.approx(lag - sigma)
    assert span.get_width() == pytest.approx(2 * sigma)
    level = next(line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--")
    chance = hot.false_alarm_probability(cool, trials=199, surrogates="phase", **options).compute().data[4, 5]
    assert (chance <= 0.05) == (np.nanmax(curve.get_ydata()) > level)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[0].startswith(f"maximum {np.nanmax(curve.get_ydata()):.2f} at 12 ±")
    assert texts[1] == f"5 % of unrelated light curves exceed {level:.2f}"
    assert axes.get_xlabel() == "← 171 Å leads    lag [min]    193 Å leads →"


def test_marks_of_a_pixel_can_be_left_out_and_slices_know_their_light_curves():
    hot, cool = pair_of()
    over_lag = hot.cross_correlation(cool, lag_bounds=[-1, 1] * u.h)
    axes = over_lag[:, 4, 5].plot(uncertainty=False, significance=None)
    assert len(axes.patches) == 0
    assert not [line for line in axes.lines if line.get_linestyle() == "--"]
    texts = [
        [text.get_text() for text in one.plot(plt.figure().add_subplot()).get_legend().get_texts()]
        for one in (over_lag[:, 4, 5], over_lag[:, 2:6, 1:8:2][:, 2, 2], over_lag.compute()[:, 4][:, 5])
    ]
    assert len(texts[0]) == 2
    assert texts[0] == texts[1] == texts[2]


def test_a_pixel_that_was_loaded_from_a_store_has_its_maximum_marked(tmp_path):
    hot, cool = pair_of()
    over_lag = hot.cross_correlation(cool, lag_bounds=[-1, 1] * u.h)
    over_lag.save(tmp_path / "store.zarr")
    axes = type(over_lag).load(tmp_path / "store.zarr")[:, 4, 5].plot()
    assert [text.get_text()[:12] for text in axes.get_legend().get_texts()] == ["maximum 1.00"]


def test_pixels_without_a_maximum_say_so():
    hot, cool = pair_of(delay=10)
    over_lag = hot.cross_correlation(cool, lag_bounds=[-20, 20] * u.min)
    for pixel in (np.s_[:, 4, 5], np.s_[:, 2, 3]):
        axes = over_lag[pixel].plot(plt.figure().add_subplot())
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert texts[0] == "no maximum within the lags"
        axes.figure.canvas.draw()


def test_a_plane_of_correlations_has_its_lag_in_the_title():
    hot, cool = pair_of()
    over_lag = hot.cross_correlation(cool, lag_bounds=[-1, 1] * u.h)
    axes = over_lag[18].plot()
    assert axes.get_title() == "193 Å and 171 Å, lag 12 min"
    assert axes.images[0].get_clim() == (-1, 1)
    assert axes.coords[0].get_axislabel().endswith("[arcsec]")
    assert bar_of(axes)[0] == "cross-correlation"
