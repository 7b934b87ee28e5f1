"""What sunpy and other packages do with Maps, done with lazy Maps: the same values, read once, without a warning."""

import copy
import pickle

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.ndimage
from sunkit_image import enhance, radial

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map
from sunpy.map.header_helper import make_heliographic_header

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence
from sunpy_heliocloud.io import kept_frame
from sunpy_heliocloud.lazy.image_array import ImageArray
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket

SHAPE = (60, 80)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """Two frames: where they are on a server, and their local files."""
    folder = tmp_path_factory.mktemp("bucket")
    with LocalServer() as server:
        written = write_bucket(str(folder), SimulatedSun(), channels=(171,), n_frames=2, shape=SHAPE)
        server.upload(folder)
        yield server, LazyMapSequence(written.frames["datakey"].tolist()), written.urls(171)


@pytest.fixture
def lazy(bucket):
    """A Map whose pixels have not been read."""
    server, seq, _ = bucket
    server.reset()
    return seq[0]


@pytest.fixture
def expected(bucket):
    """The same by sunpy."""
    return sunpy.map.Map(bucket[2][0])


def path(m):
    return SkyCoord([-300, 300] * u.arcsec, [-200, 250] * u.arcsec, frame=m.coordinate_frame)


def carrington(m):
    return make_heliographic_header(m.date, m.observer_coordinate, (20, 40), frame="carrington")


def drawn(m, **options):
    figure = plt.figure()
    image = m.plot(axes=figure.add_subplot(projection=m), **options)
    figure.canvas.draw()
    plt.close(figure)
    return image.get_array().filled(np.nan)


def contours(m):
    figure = plt.figure()
    axes = figure.add_subplot(projection=m)
    m.plot(axes=axes)
    lines = m.draw_contours([10, 50] * u.percent, axes=axes)
    m.draw_limb(axes=axes)
    m.draw_grid(axes=axes)
    figure.canvas.draw()
    plt.close(figure)
    return np.concatenate([one.vertices for one in lines.get_paths()])


def saved(m, tmp_path, suffix="fits"):
    m.save(tmp_path / f"saved.{suffix}", overwrite=True) if suffix == "fits" else m.save(
        tmp_path / f"saved.{suffix}"
    )
    return sunpy.map.Map(tmp_path / f"saved.{suffix}")


DONE = {
    "rotate": lambda m: m.rotate(30 * u.deg),
    "rotate by scipy": lambda m: m.rotate(10 * u.deg, method="scipy", order=1),
    "rotate by the header": lambda m: m.rotate(missing=0),
    "resample": lambda m: m.resample([40, 30] * u.pix),
    "resample nearest": lambda m: m.resample([40, 30] * u.pix, method="nearest"),
    "sample_at_coords": lambda m: sunpy.map.sample_at_coords(m, path(m)),
    "pixelate_coord_path": lambda m: sunpy.map.sample_at_coords(m, sunpy.map.pixelate_coord_path(m, path(m))),
    "reproject_to": lambda m: m.reproject_to(carrington(m)),
    "reproject_to adaptive": lambda m: m.reproject_to(m.wcs[10:30, 10:40], algorithm="adaptive"),
    "draw_contours": contours,
    "find_contours": lambda m: np.concatenate([one.Tx.value for one in m.find_contours(50 * u.percent)]),
    "plot": drawn,
    "clip_interval": lambda m: drawn(m, clip_interval=(1, 99) * u.percent),
    "quantity": lambda m: m.quantity,
    "number": lambda m: 2 * m / 3,
    "quotient": lambda m: m / m.exposure_time,
    "difference": lambda m: 3 - m + 1,
    "power": lambda m: m**2,
    "times an array": lambda m: m * np.full(SHAPE, 2.0),
    "min and max": lambda m: [float(value) for value in (m.min(), m.max(), m.mean(), m.std())],
    "mgn": enhance.mgn,
    "nrgf": radial.nrgf,
    "rhef": radial.rhef,
    "a filter of scipy": lambda m: scipy.ndimage.gaussian_filter(m.data, 2),
    "percentiles": lambda m: np.nanpercentile(m.data, [1, 50, 99]),
    "median": lambda m: np.nanmedian(m.data),
    "a mask": lambda m: m.data[np.asarray(m.data) > 100],
    "indices on both axes": lambda m: m.data[[0, 5], [3, 4]],
    "histogram": lambda m: np.histogram(m.data, bins=5)[0],
    "out": lambda m: np.sqrt(m.data, out=np.empty(SHAPE)),
}
STAYS_LAZY = {
    "submap": lambda m: m.submap([10, 20] * u.pix, top_right=[40, 40] * u.pix),
    "superpixel": lambda m: m.superpixel([4, 4] * u.pix),
    "negative": lambda m: -m,
    "shift": lambda m: m.shift_reference_coord(10 * u.arcsec, 0 * u.arcsec),
    "deep copy": copy.deepcopy,
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),
    "log": lambda m: sunpy.map.Map(np.log10(m.data + 10), m.meta),
    "a mask of Maps": lambda m: sunpy.map.Map(np.where(m.data > 100, m.data, 0), m.meta),
    "float": lambda m: sunpy.map.Map(m.data.astype("f4") // 2, m.meta),
    "a norm": lambda m: sunpy.map.Map(abs(m.data - 50.0), m.meta),
}


def same(result, expected):
    if isinstance(expected, sunpy.map.GenericMap):
        assert type(result) is type(expected)
        assert result.wcs.wcs.compare(expected.wcs.wcs)
        assert result.unit == expected.unit
        result, expected = result.data, expected.data
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:rsun mismatch")
@pytest.mark.parametrize("done", DONE.values(), ids=DONE.keys())
def test_what_cannot_be_lazy_reads_once_and_is_as_with_sunpy(bucket, lazy, expected, done):
    same(done(lazy), done(expected))
    assert bucket[0].requests == 1


@pytest.mark.parametrize("done", STAYS_LAZY.values(), ids=STAYS_LAZY.keys())
def test_what_can_be_lazy_is(bucket, lazy, expected, done):
    with no_compute():
        result = done(lazy)
    assert isinstance(result.data, da.Array)
    same(result, done(expected))
    assert bucket[0].requests == 1


@pytest.mark.parametrize("suffix", ["fits", "asdf"])
def test_save(bucket, lazy, expected, tmp_path, suffix):
    same(saved(lazy, tmp_path, suffix), expected)
    assert bucket[0].requests == 1


def test_a_display_reads_nothing(bucket, lazy):
    with no_compute():
        repr(lazy), lazy._repr_html_(), sunpy.map.sources.AIAMap.name.fget(lazy)
    assert bucket[0].requests == 0


def test_functions_of_a_function_read_once(bucket, lazy, expected):
    same(enhance.mgn(lazy.rotate(5 * u.deg, missing=0)), enhance.mgn(expected.rotate(5 * u.deg, missing=0)))
    lazy.plot()
    plt.close()
    same(
        lazy.submap([3, 3] * u.pix, top_right=[9, 9] * u.pix),
        expected.submap([3, 3] * u.pix, top_right=[9, 9] * u.pix),
    )
    assert bucket[0].requests == 1


def test_a_difference_of_two_maps_stays_lazy_and_is_an_image(bucket):
    server, seq, urls = bucket
    first, second = sunpy.map.Map(urls)
    server.reset()
    with no_compute():
        difference = sunpy.map.Map(seq[1].data - seq[0].data, seq[1].meta)
    assert server.requests == 0
    same(difference, sunpy.map.Map(second.data - first.data, second.meta))
    same(difference.rotate(7 * u.deg), sunpy.map.Map(second.data - first.data, second.meta).rotate(7 * u.deg))
    assert server.requests == 2


def test_an_assignment_is_not_lost(lazy, expected):
    for m in (lazy, expected):
        m.data[m.data < 100] = -1
        m.data[3, 4:6] = 7
    same(
        lazy.submap([0, 0] * u.pix, width=20 * u.pix, height=9 * u.pix),
        expected.submap([0, 0] * u.pix, width=20 * u.pix, height=9 * u.pix),
    )


def test_an_assignment_to_planes_is_not_lost(bucket):
    data = bucket[1].to_cube(normalize=False).data
    right = np.asarray(data)
    data[1, 3:5] = right[1, 3:5] = 0
    np.testing.assert_array_equal(data[1, 2:6], right[1, 2:6])


def test_operators(lazy, expected):
    image, pixels = lazy.data, expected.data
    for result, right in (
        (image + 1, pixels + 1), (1 - image, 1 - pixels), (image % 7, pixels % 7), (image // 2, pixels // 2),
        (5 // (abs(image) + 1), 5 // (abs(pixels) + 1)), (image > 50, pixels > 50), (~(image > 50), ~(pixels > 50)),
        ((image > 50) & (image < 90), (pixels > 50) & (pixels < 90)), (50 >= image, 50 >= pixels),
        (image == 60, pixels == 60), (+image, pixels), (image * image, pixels * pixels), (image**2, pixels**2),
        (np.float64(2) * image, 2 * pixels), (pixels - image, 0 * pixels), (image * (2 * u.s), pixels * (2 * u.s)),
        (np.add.outer(image[0, :3], [1, 2]), np.add.outer(pixels[0, :3], [1, 2])),
    ):  # fmt: skip
        assert result.dtype == right.dtype
        np.testing.assert_array_equal(result, right)


def test_scalars_do_not_change_the_precision(lazy):
    image = lazy.data.astype("f4")
    for same_type in (
        image * np.float64(2),
        np.float64(2) + image,
        np.multiply(image, 2.0),
        -image,
        abs(image),
    ):
        assert same_type.dtype == same_type.compute().dtype == np.float32


def test_pixels_that_are_handed_out_are_copies(lazy):
    pixels = lazy.data.compute()
    pixels[:] = 0
    assert np.asarray(lazy.data).any()


def test_pixels_are_kept_up_to_a_bound(bucket, monkeypatch):
    server, seq, _ = bucket
    first, second = seq[0], seq[1]
    monkeypatch.setattr(kept_frame, "_MOST_BYTES", int(1.5 * first.data.nbytes))
    server.reset()
    for _ in range(2):
        first.data.compute()
    second.data.compute()  # for which the pixels of the first are dropped
    second.data.compute()
    assert server.requests == 2
    first.data.compute()
    assert server.requests == 3


def test_a_plane_of_any_array_is_an_image_too():
    values = np.arange(12.0).reshape(3, 4)
    image = ImageArray.of(da.from_array(values) + 1)
    assert np.nanmedian(image) == 6.5
    np.testing.assert_array_equal(image[1:, [2, 0]], values[1:, [2, 0]] + 1)


REPROJECTED = [
    *({"order": order} for order in (0, 1, 2, 3)),
    {"algorithm": "adaptive"},
    {"algorithm": "exact"},
]
CALCULATED = {
    "rotate": lambda m: m.rotate(10 * u.deg, missing=0),
    "resample": lambda m: m.resample([20, 10] * u.pix, method="spline"),
    "superpixel": lambda m: m.superpixel([4, 2] * u.pix, func=np.mean),
    "mgn": enhance.mgn,
    "half": lambda m: m / 2,
    "power": lambda m: m**0.5,
}


def maps_of(dtype):
    """A lazy Map of pixels of a type, and the same by sunpy."""
    counts, header = SimulatedSun(noise=False).frame(171, SimulatedSun().time, shape=(24, 40))
    pixels = (counts > 60 if dtype == "?" else np.clip(counts, 0, 250)).astype(dtype)
    return LazyMapSequence((pixels, header))[0], sunpy.map.Map(pixels, header)


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", ">i2", "u2", "i4", "i8", "f4", ">f4", "f8"])
def test_pixels_of_any_type_are_interpolated_as_by_sunpy(dtype):
    """reproject rounds what it interpolates between integers of dask."""
    lazy, expected = maps_of(dtype)
    target = sunpy.map.Map(expected.data.astype(float), expected.meta).rotate(10 * u.deg).wcs
    for options in REPROJECTED:
        result, right = (m.reproject_to(target, **options) for m in (lazy, expected))
        np.testing.assert_allclose(result.data, right.data, rtol=1e-5, atol=1e-5, err_msg=str(options))


@pytest.mark.parametrize("dtype", ["i2", ">i2", "i4", "i8", "f4", ">f4"])
def test_pixels_of_any_type_are_calculated_with_as_by_sunpy(dtype):
    lazy, expected = maps_of(dtype)
    for name, calculated in CALCULATED.items():
        result, right = (
            np.asarray(getattr(done, "data", done)) for done in map(calculated, (lazy, expected))
        )
        np.testing.assert_allclose(result, right, rtol=1e-5, atol=1e-5, err_msg=name)


def test_integers_and_masks_of_lazy_pixels_are_interpolated_as_by_sunpy(lazy, expected):
    target = expected.rotate(10 * u.deg).wcs
    for made in (lambda m: m.data.astype("i2"), lambda m: m.data > 80, lambda m: (m.data > 80).astype("u1")):
        result, right = (sunpy.map.Map(made(m), m.meta).reproject_to(target) for m in (lazy, expected))
        np.testing.assert_allclose(result.data, right.data, rtol=1e-5)
