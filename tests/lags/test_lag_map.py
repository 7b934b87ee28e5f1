import asdf
import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import SymLogNorm

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
    with pytest.raises(ValueError, match=r"one of .fits"):
        lag.write(tmp_path / "lag.png")
    with pytest.raises(ValueError, match=r"one of .fits"):
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


def test_one_limit_is_enough(pair):
    axes = made(pair, "lag").plot(vmax=600, colorbar=False)
    assert axes.images[0].get_clim() == (-600, 600)
    assert len(axes.figure.axes) == 1


@pytest.mark.parametrize(("kind", "width"), [("lag", 60), ("correlation", 0.02)])
def test_histograms(pair, kind, width):
    lag = made(pair, kind).compute()
    counts, edges, _ = lag.plot_histogram().patches[0].get_data()
    assert counts.sum() == np.isfinite(lag.data).sum()
    np.testing.assert_allclose(np.diff(edges), width)
    assert np.abs(edges).min() == pytest.approx(width / 2)
    axes = lag.plot_histogram(plt.figure().add_subplot(), bin_width=3 * width * lag.unit)
    np.testing.assert_allclose(np.diff(axes.patches[0].get_data()[1]), 3 * width)


def test_it_becomes_a_map(pair):
    lag = made(pair, "lag")
    with no_compute():
        lag_map = lag.to_map()
    assert isinstance(lag_map.data, da.Array)
    assert lag_map.unit == u.s
    assert lag_map.meta["channela"] == 193
    assert lag_map.name.startswith("time lag 193-171 SDO")
    assert (lag_map.cmap.name, lag_map.plot_settings["norm"].halfrange) == ("RdYlBu_r", 2400)
    center = lag_map.pixel_to_world(3 * u.pix, 4 * u.pix)
    assert center.Tx.arcsec == pytest.approx(lag.wcs.pixel_to_world(3, 4).Tx.arcsec)


def test_slices_and_text(pair):
    lag = made(pair, "lag")
    assert "time lag of 193-171 SDO, unit: s" in str(lag)
    part = lag[2:5, ::2]
    assert (type(part), part.shape) == (LagMap, (3, 8))
    np.testing.assert_array_equal(part.compute().data, lag.compute().data[2:5, ::2])


def test_limits_and_units_of_plots(pair):
    hot, cool = pair
    lag = made(pair, "lag")
    for given, limits in (
        ({"vmin": 0}, (0, 2400)),
        ({"vmax": 0}, (-2400, 0)),
        ({"vmin": -100}, (-100, 100)),
        ({"vmin": -100, "vmax": 300}, (-100, 300)),
        ({"vmin": 100}, (100, 2400)),
        ({"vmax": 20 * u.min}, (-1200, 1200)),
        ({"data_unit": u.min}, (-40, 40)),
        ({"data_unit": u.min, "vmax": 300 * u.s}, (-5, 5)),
        ({"norm": SymLogNorm(100, vmin=-500, vmax=500)}, (-500, 500)),
    ):
        axes = lag.plot(**given)
        assert axes.images[0].get_clim() == limits, given
        assert axes.images[0].get_cmap().name == "RdYlBu_r"
        reads_best = "[s]" if "norm" in given or max(map(abs, limits)) == 100 else "[min]"
        assert reads_best in axes.figure.axes[-1].get_ylabel()
        plt.close("all")
    without_bounds = hot.time_lag(cool).compute()
    largest = float(np.nanmax(np.abs(without_bounds.data)))
    assert without_bounds.plot().images[0].get_clim() == (-largest, largest)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lazy", [True, False])
def test_a_map_has_the_colours_of_the_lag_map_and_can_be_read_back(pair, kind, lazy, tmp_path):
    lag = made(pair, kind)
    lag_map = (lag if lazy else lag.compute()).to_map()
    shown, expected = lag_map.plot(), lag.plot(plt.figure().add_subplot(projection=lag.wcs)).images[0]
    assert shown.get_cmap().name == expected.get_cmap().name
    assert shown.get_clim() == pytest.approx(expected.get_clim())
    assert lag_map.name.startswith(lag.meta["quantity"])
    lag.compute().to_map().save(tmp_path / "map.fits")
    again = LagMap.read(tmp_path / "map.fits")
    assert again.meta["quantity"] == lag.meta["quantity"]
    assert (
        again.plot(plt.figure().add_subplot(projection=lag.wcs)).images[0].get_cmap() == expected.get_cmap()
    )


def test_binned_maps_are_written_and_become_maps(pair, tmp_path):
    lag = made(pair, "lag").compute()
    with no_compute():
        binned = made(pair, "lag").rebin((2, 4), np.nanmean)
    assert (type(binned), binned.shape) == (LagMap, (6, 4))
    binned.write(tmp_path / "binned.fits")
    again = LagMap.read(tmp_path / "binned.fits")
    np.testing.assert_array_equal(again.data, binned.compute().data)
    expected = lag.wcs.pixel_to_world(5.5, 2.5)
    for one in (binned, again, binned.to_map()):
        here = one.wcs.pixel_to_world(1, 1)
        assert here.Tx.arcsec == pytest.approx(expected.Tx.arcsec)
        assert here.Ty.arcsec == pytest.approx(expected.Ty.arcsec)


def test_infinite_bounds_are_written(pair, tmp_path):
    hot, cool = pair
    hot.time_lag(cool, lag_bounds=[-np.inf, 0] * u.s, at_bounds="keep").write(tmp_path / "lag.fits")
    assert LagMap.read(tmp_path / "lag.fits").meta["lag_bounds"][0] == -29 * 240 * u.s


def test_rows_are_no_maps(pair, tmp_path):
    row = made(pair, "lag")[2]
    assert row.compute().data.shape == (16,)
    for act in (row.plot, row.to_map, lambda: row.write(tmp_path / "row.fits"), lambda: row.rebin((2,))):
        with pytest.raises(ValueError, match=r"two axes, but this one has the shape \(16,\)"):
            act()


def test_other_files_are_refused(tmp_path):
    sunpy.map.Map(*SUN.frame(193, SUN.time, shape=SHAPE)).save(tmp_path / "image.fits")
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    asdf.AsdfFile({"other": 3}).write_to(tmp_path / "other.asdf")
    for name in ("image.fits", "empty.fits", "other.asdf"):
        with pytest.raises(ValueError, match=f"{name} was not written by LagMap.write"):
            LagMap.read(tmp_path / name)


@pytest.mark.parametrize("width", [60, 0 * u.s, [1, 2] * u.s, np.nan * u.s, "wide"])
def test_bins_need_a_width(pair, width):
    with pytest.raises(ValueError, match=r"bin_width is .* such as 60 \* u.s"):
        made(pair, "lag").plot_histogram(bin_width=width)


@pytest.mark.parametrize(
    "done",
    [
        lambda m: m.rotate(5 * u.deg, missing=0),
        lambda m: m.resample([5, 4] * u.pix),
        lambda m: m.reproject_to(m.rotate(5 * u.deg, missing=0).wcs),
        lambda m: m.submap([1, 1] * u.pix, width=3 * u.pix, height=2 * u.pix),
        lambda m: m * 2,
        lambda m: [f"{m.data.mean():.4g}", m.min(), m.max()],
        lambda m: np.nanmedian(m.data),
    ],
    ids=["rotate", "resample", "reproject", "submap", "product", "numbers", "median"],
)
def test_a_lazy_lag_map_as_a_map_does_what_a_computed_one_does(pair, done):
    lag = made(pair, "lag")
    lazy, right = (done(one.to_map()) for one in (lag, lag.compute()))
    if isinstance(right, list):
        assert lazy == right
        return
    np.testing.assert_allclose(
        np.asarray(getattr(lazy, "data", lazy)), np.asarray(getattr(right, "data", right)), rtol=1e-6
    )
