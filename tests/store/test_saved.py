"""What is loaded is what was saved: data, coordinates, times, unit, channel, meta."""

import json

import numpy as np
import pytest
from small_bucket import frame_requests, sequence_of

import astropy.units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.wcs import WCS

from helpers import no_compute
from sunpy_heliocloud import (
    CorrelationCube,
    CubeCollection,
    LagCube,
    LagMap,
    LagMapCollection,
    TimeLagCube,
    aligned_cubes,
    time_lag_pairs,
)


def assert_same(loaded, saved):
    saved = saved.compute()
    assert type(loaded) is type(saved)
    assert loaded.data.dtype == saved.data.dtype
    np.testing.assert_array_equal(np.asarray(loaded.data), saved.data)
    one, other = loaded.wcs.low_level_wcs, saved.wcs.low_level_wcs
    if isinstance(other, WCS):
        assert one.to_header_string() == other.to_header_string()
        assert one.array_shape == other.array_shape
    else:
        assert one == other
    assert loaded.unit == saved.unit
    assert set(loaded.global_coords) == set(saved.global_coords)
    assert_same_meta(loaded.meta, saved.meta)


def assert_same_meta(loaded, saved):
    assert loaded.keys() == saved.keys()
    for name, value in saved.items():
        assert type(loaded[name]) is type(value)
        if isinstance(value, QTable):
            assert loaded[name].colnames == value.colnames
            assert all((loaded[name][column] == value[column]).all() for column in value.colnames)
        else:
            assert np.all(loaded[name] == value)


@pytest.mark.parametrize(
    "part",
    ["all", "plane", "light curve", "time-distance diagram", "arithmetic", "binned", "in memory", "float64"],
)
@pytest.mark.parametrize("made", ["raw", "derotated", "resampled"])
def test_loaded_equals_saved(made, part, request, tmp_path):
    cube = request.getfixturevalue(made)
    cube = {
        "all": lambda: cube,
        "plane": lambda: cube[3],
        "light curve": lambda: cube[:, 3, 4],
        "time-distance diagram": lambda: cube[2:30:2, 3],
        "arithmetic": lambda: (cube * (3 * u.s) + 2 * u.DN)[5:],
        "binned": lambda: cube[:, :10, :10].rebin((1, 2, 5)),
        "in memory": lambda: cube.compute(),
        "float64": lambda: cube._new_instance(data=cube.data.astype(np.float64)),
    }[part]()
    cube.save(tmp_path / "store")
    loaded = TimeLagCube.load(tmp_path / "store")
    assert_same(loaded, cube)
    assert np.all(loaded.times == cube.times)
    assert loaded.wavelength == cube.wavelength
    assert loaded.observatory == cube.observatory


def test_each_frame_keeps_its_own_wcs_before_derotation(raw, tmp_path):
    raw.save(tmp_path / "store")
    loaded = TimeLagCube.load(tmp_path / "store")
    for i in (0, 17, 39):
        assert loaded[i].wcs.to_header_string() == raw[i].wcs.to_header_string()
    assert loaded[0].wcs.to_header_string() != loaded[1].wcs.to_header_string()


def test_a_loaded_cube_is_lazy_and_reads_a_chunk_when_it_is_needed(raw, bucket, remote):
    url, options = remote
    raw.save(url, storage_options=options)
    with no_compute():
        loaded = TimeLagCube.load(url, storage_options=options)
        bucket.reset()
        plane = loaded[3]
    assert bucket.requests == 0
    plane.compute()
    assert [request.key for request in bucket.log] == ["a cube/data/c/0/0/0"]


def test_raw_frames_are_derotated_alike_when_they_are_loaded(raw, target, tmp_path):
    raw.save(tmp_path / "store")
    loaded = TimeLagCube.load(tmp_path / "store").derotate_to(target)
    np.testing.assert_array_equal(loaded.compute().data, raw.derotate_to(target).compute().data)


def test_lag_maps_of_saved_and_loaded_cubes_are_equal_bit_for_bit(resampled, hot, tmp_path):
    resampled.save(tmp_path / "cool")
    hot.save(tmp_path / "hot")
    options = {"lag_bounds": [-40, 40] * u.min, "at_bounds": "keep", "refine": "parabolic"}
    lag = hot.time_lag(resampled, **options).compute()
    loaded = TimeLagCube.load(tmp_path / "hot").time_lag(TimeLagCube.load(tmp_path / "cool"), **options)
    np.testing.assert_array_equal(loaded.compute().data, lag.data)


RESULTS = {
    "lags": (LagMap, lambda a, b: a.time_lag(b, at_bounds="keep")),
    "correlations": (LagMap, lambda a, b: a.max_cross_correlation(b)),
    "uncertainty": (LagMap, lambda a, b: a.lag_uncertainty(b, trials=3)),
    "chance": (LagMap, lambda a, b: a.false_alarm_probability(b, surrogates="phase", trials=5)),
    "windows": (LagCube, lambda a, b: a[:36].time_lag(b, window=48 * u.min, at_bounds="keep")),
    "over lag": (CorrelationCube, lambda a, b: a.cross_correlation(b, lag_bounds=[-20, 20] * u.min)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_maps_and_cubes_of_lags_are_saved_and_loaded(name, resampled, hot, tmp_path):
    kind, make = RESULTS[name]
    result = make(hot, resampled)
    result.save(tmp_path / "store")
    loaded = kind.load(tmp_path / "store")
    assert_same(loaded, result)
    if kind is CorrelationCube:
        assert (loaded.lags == result.lags).all()
    else:
        computed = result.compute()
        ambiguous = computed.ambiguous
        assert (loaded.ambiguous is None) == (ambiguous is None)
        assert ambiguous is None or (loaded.ambiguous == ambiguous).all()
        assert_same_meta(loaded[2:5, 3:].meta, computed[2:5, 3:].meta)


def test_collections_are_saved_and_loaded(bucket, target, tmp_path):
    urls = [*bucket.images[171], *bucket.images[193]]
    cubes = aligned_cubes(urls, target, cadence=4 * u.min)
    cubes.save(tmp_path / "cubes")
    loaded = CubeCollection.load(tmp_path / "cubes")
    assert list(loaded) == ["171", "193"]
    assert loaded.aligned_axes == cubes.aligned_axes
    lags, _ = time_lag_pairs(cubes, at_bounds="keep")
    bucket.reset()
    lags.save(tmp_path / "lags")
    assert frame_requests(bucket) == 80
    again = LagMapCollection.load(tmp_path / "lags")
    np.testing.assert_array_equal(again["193-171"].data, lags.compute()["193-171"].data)
    from_loaded, _ = time_lag_pairs(loaded, at_bounds="keep")
    np.testing.assert_array_equal(again["193-171"].data, from_loaded.compute()["193-171"].data)


def test_keys_of_collections_are_never_paths(resampled, tmp_path):
    cubes = CubeCollection([("../out", resampled), ("a b", resampled), ("", resampled)], aligned_axes="all")
    cubes.save(tmp_path / "folder" / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert list(CubeCollection.load(tmp_path / "folder" / "store")) == ["../out", "a b", ""]


def test_frames_that_were_lost_are_known_after_loading(bucket, tmp_path):
    bucket.fail("171/0007.fits", status=404, times=None, after=1)
    cube = sequence_of(bucket.images[171], errors="mask").to_cube()
    with pytest.warns(UserWarning, match="errors='mask'"):
        cube.save(tmp_path / "store")
    bucket.heal()
    loaded = TimeLagCube.load(tmp_path / "store")
    assert np.isnan(loaded[7].compute().data).all()
    (url,) = loaded.frames.meta["lost"]
    assert url.endswith("171/0007.fits")
    assert np.isfinite(loaded[8].compute().data).all()


def test_what_it_was_made_from_is_a_readable_json_document(resampled, bucket, tmp_path):
    resampled.save(tmp_path / "store")
    text = (tmp_path / "store" / "made_from.json").read_text()
    made_from = json.loads(text, parse_constant=pytest.fail)
    assert all(url in text for url in bucket.images[171])
    assert text.count('"etag"') >= 1
    assert "DivideByExposure" in text
    assert "howard" in text
    assert '"crpix"' in text
    assert made_from["versions"].keys() >= {"sunpy_heliocloud", "sunpy", "numpy"}


def test_secrets_are_never_in_a_store(raw, tmp_path, remote, bucket):
    url, options = remote
    options = options | {"secret": "top secret"}
    frames = raw.frames.copy()
    frames["url"] = [f"https://example.org/{i}.fits?X-Amz-Signature=hidden" for i in range(40)]
    cube = raw._new_instance(
        meta=raw.meta | {"frames": frames, "note": "from https://me:hidden@example.org/x"}
    )
    cube.save(url, storage_options=options)
    uploaded = b""
    from sunpy_heliocloud.io.filesystem import filesystem

    files, _ = filesystem(bucket.url, bucket.storage_options)
    for key in files.find("stores"):
        uploaded += files.cat_file(key)
    assert b"hidden" not in uploaded
    assert b"secret" not in uploaded
    assert TimeLagCube.load(url, storage_options=options).frames["url"][1] == "https://example.org/1.fits?…"


def test_nothing_is_pickled(resampled, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pickled")

    resampled = resampled.compute()
    for name in ("dumps", "dump", "loads", "load"):
        monkeypatch.setattr(f"pickle.{name}", refuse)
    resampled.save(tmp_path / "store")
    TimeLagCube.load(tmp_path / "store")


def test_an_entry_of_meta_that_a_store_cannot_hold_is_named(raw, tmp_path):
    cube = raw._new_instance(meta=raw.meta | {"odd": object()})
    with pytest.raises(TypeError, match=r"meta\['odd'\] is of the type object, .*; make it a number"):
        cube.save(tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_cube_with_a_mask_is_refused(raw, tmp_path):
    cube = raw._new_instance(mask=np.zeros(raw.shape, bool))
    with pytest.raises(
        ValueError, match="the cube has a mask, which a store does not keep: missing values are NaN"
    ):
        cube.save(tmp_path / "store")


def test_times_between_milliseconds_and_leap_seconds_are_kept(target, tmp_path):
    times = Time("2016-12-31T23:59:58.123456789") + np.arange(5) * 1.1 * u.s
    cube = TimeLagCube.from_array(np.zeros((5, *target.data.shape)), target, times)
    cube.save(tmp_path / "store")
    loaded = TimeLagCube.load(tmp_path / "store")
    assert (loaded.times.jd1 == cube.times.jd1).all()
    assert (loaded.times.jd2 == cube.times.jd2).all()
