"""The algorithms as objects: what a task and an estimate ask of each of them."""

import dataclasses
import pickle

import numpy as np
import pytest
from dask.base import tokenize

import astropy.units as u
from astropy.coordinates import SkyCoord

import sunpy.map
from sunpy.coordinates import Helioprojective
from sunpy.map.header_helper import make_fitswcs_header

from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.derotation.derotation import Derotation
from sunpy_heliocloud.derotation.resampling import Adaptive, Exact, Interpolation, resampling
from sunpy_heliocloud.io.frame import Window

ALL = [Adaptive(), Adaptive(sample_region_width=8.0), *map(Interpolation, (0, 1, 3)), Exact()]


def plane(time, shape, scale, corner):
    """Of an image by the Earth's observer, from the position of its first pixel in arcsec."""
    position = SkyCoord(*(corner * u.arcsec), obstime=time, observer="earth", frame=Helioprojective)
    header = make_fitswcs_header(
        shape, position, reference_pixel=[0, 0] * u.pix, scale=[scale, scale] * u.arcsec / u.pix
    )
    return PlaneWCS.from_wcs(sunpy.map.Map(np.empty(shape), header).wcs, shape)


@pytest.fixture(scope="module")
def derotation():
    return Derotation(plane("2018-05-29T18:00", (30, 40), 6.0, (-120, 90)))


@pytest.fixture(scope="module")
def transformation(derotation):
    (source,) = derotation.sources([plane("2018-05-29T15:00", (300, 320), 6.0, (-900, -900))])
    return derotation.transformation(source)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).normal(100, 10, (300, 320))


def resampled(kind, image, window, transformation):
    out = np.empty(transformation.target.shape)
    kind.resample(image[slice(*window.rows), slice(*window.columns)], window, transformation, out)
    return out


@pytest.mark.parametrize("kind", ALL, ids=repr)
def test_the_reach_holds_all_that_the_result_depends_on(kind, image, transformation):
    reach = kind.reach(transformation)
    whole = resampled(kind, image, Window.whole(image.shape), transformation)
    assert np.isfinite(whole).all()
    # A spline's window is that of float64 rounding.
    np.testing.assert_allclose(resampled(kind, image, reach, transformation), whole, rtol=1e-12)


def test_exact_needs_whole_planes_and_the_others_a_part(image, transformation):
    for kind in ALL:
        is_whole = kind.reach(transformation) == Window.whole(image.shape)
        assert is_whole == (kind == Exact())
        assert (kind.rows_read(300, 30) == 300) == is_whole


@pytest.mark.parametrize("kind", ALL, ids=repr)
def test_algorithms_are_frozen_values(kind):
    assert pickle.loads(pickle.dumps(kind)) == kind
    assert tokenize(kind) == tokenize(dataclasses.replace(kind))
    assert len({tokenize(one) for one in ALL}) == len(ALL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind.order = 3


def test_the_caller_s_word_becomes_an_object_with_its_options():
    assert resampling("adaptive", kernel_width=2) == Adaptive(kernel_width=2)
    assert resampling("interpolation") == Interpolation(order=1)
    assert resampling("exact") == Exact()


@pytest.mark.parametrize(
    ("algorithm", "options", "message"),
    [
        ("cubic", {}, "algorithm 'cubic' is unknown; choose one of adaptive, interpolation, exact"),
        ("exact", {"order": 1}, "'exact' has no option order; it has none"),
        (
            "adaptive",
            {"order": 1},
            "'adaptive' has no option order; it has kernel_width, sample_region_width",
        ),
        ("interpolation", {"order": 2}, "order=2 must be 0"),
        ("adaptive", {"kernel_width": np.inf}, "kernel_width=inf must be"),
    ],
)
def test_unknown_algorithms_and_options_are_refused(algorithm, options, message):
    with pytest.raises(ValueError, match=message):
        resampling(algorithm, **options)
