import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest

import astropy.units as u
from astropy.io import fits

import sunpy.map

from helpers import no_compute
from sunpy_heliocloud import LagMap, TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
SHAPE = (12, 16)
TIMES = SUN.time + np.arange(30) * 4 * u.min


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(40, *SHAPE)), axis=0)
    walk[:, 2, 3] = 0
    data = walk[5:35], walk[3:33]
    maps = [sunpy.map.Map(*SUN.frame(channel, SUN.time, shape=SHAPE)) for channel in (193, 171)]
    return [
        TimeLagCube.from_array(da.from_array(one, chunks=(1, -1, -1)), m, TIMES)
        for one, m in zip(data, maps, strict=True)
    ]


def made(pair, kind):
    hot, cool = pair
    bounds = {"lag_bounds": [-30, 40] * u.min}
    return {
        "lag": lambda: hot.time_lag(
            cool, min_correlation=0.2, refine="parabolic", detrend="linear", **bounds
        ),
        "correlation": lambda: hot.max_cross_correlation(cool, detrend=1 * u.hour),
        "probability": lambda: hot.false_alarm_probability(cool, trials=9, seed=4, **bounds),
        "uncertainty": lambda: hot.lag_uncertainty(cool, trials=9, **bounds),
    }[kind]()


KINDS = ("lag", "correlation", "probability", "uncertainty")


def same(a, b):
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(np.all(a == b))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("end", ["fits", "asdf"])
def test_what_is_written_can_be_read(pair, kind, end, tmp_path):
    lag = made(pair, kind)
    path = tmp_path / f"{kind}.{end}"
    lag.write(path)
    again = LagMap.read(str(path))
    expected = lag.compute()
    assert type(again) is LagMap
    assert again.unit == lag.unit
    assert again.data.dtype == expected.data.dtype
    np.testing.assert_array_equal(again.data, expected.data)
    for key, value in lag.meta.items():
        assert same(again.meta.get(key), value), key
    here, there = (one.wcs.pixel_to_world(3, 4) for one in (lag, again))
    assert here.Tx.arcsec == pytest.approx(there.Tx.arcsec, abs=1e-9)
    assert here.obstime == there.obstime
    assert here.observer.radius.to_value(u.m) == pytest.approx(there.observer.radius.to_value(u.m))
    again.plot()
    plt.close("all")


def test_a_fits_file_says_how_the_map_was_made(pair, tmp_path):
    made(pair, "lag").write(tmp_path / "lag.fits")
    header = fits.getheader(tmp_path / "lag.fits")
    assert (header["CHANNELA"], header["CHANNELB"], header["BUNIT"]) == (193, 171, "s")
    assert (header["LAGMIN"], header["LAGMAX"], header["CADENCE"]) == (-1800, 2400, 240)
    assert header["LAGSTART"] == "2018-05-29T18:00:00.000"
    assert sunpy.map.Map(tmp_path / "lag.fits").unit == u.s


def test_files_are_not_overwritten_by_chance(pair, tmp_path):
    lag = made(pair, "lag").compute()
    for end in ("fits", "asdf"):
        path = tmp_path / f"lag.{end}"
        lag.write(path)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            lag.write(path)
        lag.write(path, overwrite=True)
    with pytest.raises(ValueError, match=r"none of .fits"):
        lag.write(tmp_path / "lag.png")
    with pytest.raises(ValueError, match=r"none of .fits"):
        LagMap.read(tmp_path / "lag.png")


@pytest.mark.parametrize(
    ("kind", "cmap", "limits"),
    [
        ("lag", "RdYlBu_r", (-2400, 2400)),
        ("correlation", "viridis", (0, 1)),
        ("probability", "viridis", (0, 1)),
        ("uncertainty", "magma", None),
    ],
)
def test_plots(pair, kind, cmap, limits):
    lag = made(pair, kind)
    axes = lag.plot()
    image = axes.images[0]
    assert image.get_cmap().name == cmap
    assert limits is None or image.get_clim() == limits
    assert "193-171" in axes.get_title()
    assert lag.meta["quantity"] in axes.figure.axes[-1].get_ylabel()
    plt.close("all")


def test_one_limit_is_enough(pair):
    axes = made(pair, "lag").plot(vmax=600, colorbar=False)
    assert axes.images[0].get_clim() == (-600, 600)
    assert len(axes.figure.axes) == 1
    plt.close("all")


@pytest.mark.parametrize(("kind", "width"), [("lag", 60), ("correlation", 0.02)])
def test_histograms(pair, kind, width):
    lag = made(pair, kind).compute()
    counts, edges, _ = lag.plot_histogram().patches[0].get_data()
    assert counts.sum() == np.isfinite(lag.data).sum()
    np.testing.assert_allclose(np.diff(edges), width)
    assert np.abs(edges).min() == pytest.approx(width / 2)
    axes = lag.plot_histogram(plt.figure().add_subplot(), bin_width=3 * width * lag.unit)
    np.testing.assert_allclose(np.diff(axes.patches[0].get_data()[1]), 3 * width)
    plt.close("all")


def test_it_becomes_a_map(pair):
    lag = made(pair, "lag")
    with no_compute():
        lag_map = lag.to_map()
    assert isinstance(lag_map.data, da.Array)
    assert lag_map.unit == u.s
    assert lag_map.meta["channela"] == 193
    assert lag_map.meta["content"] == "time lag 193-171"
    center = lag_map.pixel_to_world(3 * u.pix, 4 * u.pix)
    assert center.Tx.arcsec == pytest.approx(lag.wcs.pixel_to_world(3, 4).Tx.arcsec)


def test_slices_and_text(pair):
    lag = made(pair, "lag")
    assert "time lag of 193-171 SDO, unit: s" in str(lag)
    part = lag[2:5, ::2]
    assert (type(part), part.shape) == (LagMap, (3, 8))
    np.testing.assert_array_equal(part.compute().data, lag.compute().data[2:5, ::2])
