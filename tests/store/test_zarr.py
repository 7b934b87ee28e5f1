"""Other programs open a store: zarr, xarray, and what the documents promise."""

import numpy as np
import pytest
import xarray
import zarr
from small_bucket import sequence_of

import astropy.units as u
from astropy.io import fits
from astropy.wcs import WCS

from sunpy_heliocloud import TimeLagCube


def test_xarray_opens_a_store_with_names_times_units_and_attributes(resampled, tmp_path):
    resampled.save(tmp_path / "store")
    opened = xarray.open_zarr(tmp_path / "store")
    assert opened.data.dims == ("time", "y", "x")
    assert opened.data.attrs["units"] == "DN / s"
    assert opened.time.dtype.kind == "M"
    expected = resampled.times.to_value("datetime64").astype("M8[ns]")
    np.testing.assert_array_equal(opened.time.values, expected)
    assert opened.time.attrs["standard_name"] == "time"
    assert "UTC" in opened.time.attrs["long_name"]
    assert opened.attrs["Conventions"].startswith("CF-")
    assert opened.attrs["wavelength"] == "171.0 Angstrom"
    header = WCS(fits.Header.fromstring(opened.attrs["fits_header"]))
    np.testing.assert_allclose(header.wcs.crval, resampled[0].wcs.wcs.crval)
    np.testing.assert_array_equal(opened.data.values, resampled.compute().data)


def test_times_on_the_day_of_a_leap_second_are_those_of_the_clock(target):
    """astropy's datetime64 is up to a second late on such a day."""
    stamps = ["2016-12-31T12:00:00.5", "2016-12-31T23:59:48", "2016-12-31T23:59:60", "2017-01-01T00:00:11"]
    cube = TimeLagCube.from_array(np.zeros((4, *target.data.shape)), target, stamps)
    clock = [*stamps[:2], "2017-01-01T00:00:00", stamps[3]]
    np.testing.assert_array_equal(cube.to_xarray().time.values, np.array(clock, "M8[ns]"))


@pytest.mark.parametrize(
    "name", ["raw", "resampled", "a plane", "a curve", "lags", "correlations", "windows"]
)
def test_to_xarray_gives_the_same_without_a_store(name, raw, resampled, hot, tmp_path):
    one = {
        "raw": lambda: raw,
        "resampled": lambda: resampled,
        "a plane": lambda: resampled[3],
        "a curve": lambda: resampled[:, 3, 4],
        "lags": lambda: hot.time_lag(resampled, at_bounds="keep").compute(),
        "correlations": lambda: hot.cross_correlation(resampled, lag_bounds=[-20, 20] * u.min),
        "windows": lambda: hot[:36].time_lag(resampled, window=48 * u.min, at_bounds="keep").compute(),
    }[name]()
    one.save(tmp_path / "store")
    xarray.testing.assert_identical(xarray.open_zarr(tmp_path / "store").load(), one.to_xarray().load())


def test_to_xarray_reads_nothing(resampled, bucket):
    dataset = resampled.to_xarray()
    assert bucket.requests == 0
    assert dataset.data.chunks is not None


def test_zarr_reads_the_same_values(raw, tmp_path):
    raw.save(tmp_path / "store")
    group = zarr.open_group(tmp_path / "store", mode="r")
    assert group.metadata.zarr_format == 3
    np.testing.assert_array_equal(group["data"][:], raw.compute().data)
    assert [type(codec).__name__ for codec in group["data"].metadata.codecs] == ["BytesCodec", "Crc32cCodec"]


def test_xarray_opens_a_store_in_s3(resampled, remote):
    url, options = remote
    resampled.save(url, storage_options=options)
    opened = xarray.open_zarr(url, storage_options=options)
    np.testing.assert_array_equal(opened.data.values, resampled.compute().data)


def test_a_chunk_holds_at_most_16_frames_or_a_strip_of_rows(tmp_path, raw, bucket):
    raw.save(tmp_path / "store")
    assert zarr.open_array(tmp_path / "store" / "data", mode="r").chunks == (16, 24, 24)
    from sunpy_heliocloud.store.chunks import ChunkGrid

    assert ChunkGrid.of((180, 1002, 1002), 4).chunk == (8, 1002, 1002)
    assert ChunkGrid.of((180, 5000, 5000), 4).chunk == (8, 209, 5000)
    assert ChunkGrid.of((17, 100, 100), 4).chunk == (12, 100, 100)
    assert ChunkGrid.of((100,), 4).chunk == (100,)
    assert ChunkGrid.of((1000, 1000), 4).chunk == (1000, 1000)
    assert ChunkGrid.of((5000, 5000), 4).chunk == (209, 5000)


def test_an_incomplete_store_is_none_for_other_programs(resampled, bucket, tmp_path):
    bucket.fail("171/0039.fits", status=404, times=None)
    with pytest.raises(OSError, match="0039"):
        resampled.save(tmp_path / "store")
    with pytest.raises(FileNotFoundError):
        xarray.open_zarr(tmp_path / "store")
    with pytest.raises(ValueError, match="is not complete: saving was interrupted. Save the same again"):
        TimeLagCube.load(tmp_path / "store")


def test_a_lag_map_is_whole_or_not_there(resampled, hot, tmp_path, monkeypatch):
    lags = hot.time_lag(resampled, at_bounds="keep")
    monkeypatch.setattr("sunpy_heliocloud.store.saving.COMPLETE", "c\0mplete.json")
    with pytest.raises((OSError, ValueError)):
        lags.save(tmp_path / "store")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="not complete"):
        type(lags).load(tmp_path / "store")
    lags.save(tmp_path / "store")
    np.testing.assert_array_equal(type(lags).load(tmp_path / "store").data, lags.compute().data)


def test_saving_and_loading_need_neither_zarr_nor_xarray(raw, bucket, tmp_path, monkeypatch):
    import sys

    for name in ("zarr", "xarray"):
        monkeypatch.setitem(sys.modules, name, None)
    raw.save(tmp_path / "store")
    TimeLagCube.load(tmp_path / "store").compute()
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    with pytest.raises(
        ImportError, match=r"stores need google-crc32c: pip install .sunpy_heliocloud\[store\]."
    ):
        raw.compute().save(tmp_path / "other")
    with pytest.raises(
        ImportError, match=r"to_xarray needs xarray: pip install .sunpy_heliocloud\[xarray\]."
    ):
        raw.to_xarray()


def test_frames_of_the_same_coordinates_are_saved(target, tmp_path):
    header = dict(target.meta)
    stamps = ["2018-05-29T18:00:00", "2018-05-29T18:04:00"]
    pairs = [(np.ones((13, 12), np.float32), header | {"t_obs": stamp}) for stamp in stamps]
    cube = sequence_of(pairs).to_cube()
    cube.save(tmp_path / "store")
    assert TimeLagCube.load(tmp_path / "store").wcs.low_level_wcs == cube.wcs.low_level_wcs
