"""Real images, served as the bucket and found with Fido; skipped unless HELIOCLOUD_REAL_DATA names their folder."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.wcs.utils import wcs_to_celestial_frame

import sunpy.map
from sunpy.net import Fido
from sunpy.net import attrs as a

from helpers import event_loops_closed, read_rows
from sunpy_heliocloud import LazyMapSequence, TimeLagCube
from sunpy_heliocloud.io.open import open_frames

SHIFT = 5  # samples
CADENCE = 24 * u.s


@pytest.mark.usefixtures("real_data")
def test_files_of_a_data_set_are_found_in_time_order_and_downloaded(tmp_path):
    (found,) = Fido.search(
        a.Time("2012-06-06T00:00", "2012-06-07T00:00"), a.Wavelength(1600 * u.AA), a.heliocloud.Dataset("AIA")
    )
    assert len(found) == 596
    assert np.all(np.diff(found["Start time"].jd) > 0)
    with event_loops_closed():
        (path,) = Fido.fetch(found[0], path=tmp_path, progress=False)
    assert Path(path).stat().st_size == 112320


FILES = [
    *(
        f"sdo/aia_synoptic/{channel}/AIA20140101_0000_{channel}.fits"
        for channel in ("0094", "0131", "0171", "0193", "0211", "0335")
    ),
    "aia_171_cutout.fits",
    "aia_lev1_1600a_2012_06_06t04_07_29_12z_image_lev1_lowres.fits",
]


@pytest.mark.parametrize("key", FILES)
# astropy mends what the files have
@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
def test_pixels_are_those_of_astropy(real_data, key):
    url = f"{real_data.url}{key}"
    ((frame, header),) = next(open_frames([url]))
    with fits.open(real_data.endpoint_url + url.removeprefix("s3:/"), cache=False) as hdus:
        image = next(hdu for hdu in hdus if hdu.header["NAXIS"] == 2)
        expected = image.data
        blank = image.header.get("BLANK")
    # BLANK has no meaning for floats, but the missing pixels have its value.
    if frame.layout.dtype.kind == "f":
        expected = np.where(expected == blank, np.nan, expected)
    ny = expected.shape[0]
    real_data.reset()
    whole, part = read_rows([frame] * 2, [(0, ny), (ny // 2, ny // 2 + ny // 5)], frame.dtype)
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(part, expected[ny // 2 : ny // 2 + ny // 5])
    assert header["TELESCOP"].startswith("SDO")
    whole_bytes, part_bytes = sorted((request.bytes_sent for request in real_data.log), reverse=True)
    print(
        key,
        frame.shape,
        frame.dtype,
        f"{np.isnan(whole).mean():.1%} missing, a fifth is {part_bytes / whole_bytes:.0%}",
    )
    assert part_bytes < 0.45 * whole_bytes


def test_synoptic_images(real_data):
    channels = ("0094", "0131", "0171", "0193", "0211", "0335")
    urls = [f"{real_data.url}sdo/aia_synoptic/{c}/AIA20140101_0000_{c}.fits" for c in channels]
    seq = LazyMapSequence(urls)
    print(seq)
    assert real_data.requests == 6
    assert sorted(seq.wavelength.to_value(u.AA)) == [94, 131, 171, 193, 211, 335]
    assert set(seq.table["OSCNMEAN"]) == {"nan"}
    assert (abs(seq.times - Time("2014-01-01T00:00:05")) < 12 * u.s).all()
    with pytest.raises(ValueError, match="a cube is of one channel"):
        seq.to_cube()
    (m,) = seq.select(wavelnth=171)
    assert 700 * u.arcsec < m.rsun_obs < 1000 * u.arcsec
    cube = seq.select(wavelnth=171).to_cube()
    real_data.reset()
    np.testing.assert_allclose(cube.data[0, 400:500], m.data[400:500] / m.meta["exptime"], rtol=1e-6)
    assert real_data.requests == 2
    assert len({request.bytes_sent for request in real_data.log}) == 1


def test_four_hours_of_cutouts_and_their_lag_behind_themselves(real_data):
    found = Fido.search(a.Time("2012-06-06", "2012-06-07"), a.heliocloud.Dataset("aia_cutout_1600"))
    real_data.reset()
    sequence = LazyMapSequence(found)
    print(sequence)
    assert real_data.requests == len(sequence) == 596
    assert sequence.table["PERCENTD"][sequence.table["QUALITY"] == 2363136].tolist() == [68.36] * 112
    good = sequence.select(quality=0)
    assert len(good) == 472
    frames = good.to_cube()
    assert frames.shape[0] == 472
    assert frames.unit == u.DN / u.s
    require_plane_of_sunpy(frames[200], good[200])
    middle = good[len(good) // 2]
    cube = frames.derotate_to(middle).resample_time(CADENCE, max_gap=60 * u.s).compute()
    later = TimeLagCube.from_array(cube.data, middle, cube.times + SHIFT * CADENCE)
    lag = cube.time_lag(later, lag_bounds=[-10, 10] * u.min, at_bounds="keep").compute().data
    known = np.isfinite(lag)
    off = np.abs(lag[known] - (SHIFT * CADENCE).to_value(u.s))
    exact, close = np.mean(off == 0), np.mean(off <= CADENCE.to_value(u.s))
    print(
        f"{known.mean():.1%} of the pixels have a lag; {exact:.2%} of them the right one, {close:.2%} within a sample"
    )
    assert known.mean() > 0.9
    # Where a slow trend dominates, the factor (N - |lag|) / N of the correlation draws its maximum to smaller lags.
    assert exact > 0.98
    gaps = np.isnan(cube.data[:, 80, 140])
    assert gaps.any()
    assert gaps.mean() < 0.2


def require_plane_of_sunpy(plane, frame):
    """Pixels, coordinates and observer of a plane of a cube are those of sunpy's Map of its frame."""
    expected = sunpy.map.Map(frame.data.compute(), frame.meta)
    np.testing.assert_allclose(plane.data.compute(), expected.data / expected.meta["exptime"], rtol=1e-6)
    wcs = plane.wcs.low_level_wcs
    np.testing.assert_allclose(
        wcs.pixel_to_world_values(3, 4), expected.wcs.pixel_to_world_values(3, 4), rtol=1e-12
    )
    observer = wcs_to_celestial_frame(wcs).observer
    assert observer.separation_3d(expected.observer_coordinate) < 1 * u.mm


@pytest.fixture
def full_disk(real_data):
    """Seven hourly frames, and the central 800 arcsec of the first."""
    found = Fido.search(
        a.Time("2017-08-07T23:00", "2017-08-08T07:00"), a.heliocloud.Dataset("aia_browse_0171")
    )
    sequence = LazyMapSequence(found)
    assert len(sequence) == 7
    corner = SkyCoord(-400 * u.arcsec, -400 * u.arcsec, frame=sequence[0].coordinate_frame)
    center = sequence[0].submap(corner, width=800 * u.arcsec, height=800 * u.arcsec)
    with pytest.warns(UserWarning, match="QUALITY"):
        cube = sequence.to_cube()
    return sequence, cube, center


def test_six_hours_of_the_full_disk_stay_in_place(full_disk):
    sequence, cube, center = full_disk
    derotated = cube[::6].derotate_to(center).compute().data
    rows, columns = (slice(round(start), round(start) + n) for start, n in pixels(sequence[0], center))
    fixed = cube[::6, rows, columns].compute().data
    with_rotation, without = correlation(*derotated), correlation(*fixed)
    print(f"correlation of the central 800 arcsec over 6 hours: {without:.3f}, derotated {with_rotation:.3f}")
    assert with_rotation > without + 0.3


def test_hourly_frames_stay_registered(full_disk):
    """Shifts of patches from hour to hour; what is high above the surface drifts steadily, which is not counted."""
    _, cube, center = full_disk
    planes = [fine_structure(plane) for plane in cube.derotate_to(center).compute().data]
    steps = [typical_shift(before, after) for before, after in pairwise(planes)]
    drift = np.cumsum([[0, 0], *steps], axis=0)
    hours = np.arange(7)
    trend = np.polynomial.polynomial.polyfit(hours, drift, 1)
    residual = drift - np.polynomial.polynomial.polyval(hours, trend).T
    print(
        f"drift of {trend[1].round(2)} pixels an hour (y, x), about it {np.abs(residual).max():.2f} pixel at most"
    )
    assert np.abs(residual).max() < 0.2


def fine_structure(plane):
    """What is between 1 and 12 pixels wide, bright or not."""
    plane = np.log(np.clip(plane, 1, None))
    return gaussian_filter(plane, 1) - gaussian_filter(plane, 12)


def typical_shift(before, after, size=128):
    """Median over patches that overlap by half; beyond 5 pixels it is some other feature that matches."""
    starts = [range(0, length - size + 1, size // 2) for length in before.shape]
    patches = [np.s_[y : y + size, x : x + size] for y in starts[0] for x in starts[1]]
    shifts = np.array([shift(before[patch], after[patch]) for patch in patches])
    return np.median(shifts[np.abs(shifts).max(axis=1) < 5], axis=0)


def shift(before, after):
    """By how many pixels (y, x) a patch has moved: the peak of the cross-correlation, refined by parabolas."""
    window = np.multiply.outer(*map(np.hanning, before.shape))
    spectra = [np.fft.rfft2((patch - patch.mean()) * window) for patch in (before, after)]
    peak = np.fft.fftshift(np.fft.irfft2(spectra[1] * np.conj(spectra[0]), before.shape))
    y, x = np.unravel_index(peak[1:-1, 1:-1].argmax(), (before.shape[0] - 2, before.shape[1] - 2))
    around = peak[y : y + 3, x : x + 3]
    return [
        at + 1 + (low - high) / (2 * (low - 2 * top + high)) - length // 2
        for at, length, (low, top, high) in zip((y, x), before.shape, (around[:, 1], around[1]), strict=True)
    ]


def pixels(whole, part):
    """First row and number of rows of a part of a map, and the same of columns."""
    x, y = whole.wcs.world_to_pixel(part.wcs.pixel_to_world(0, 0))
    ny, nx = part.data.shape
    return (float(y), ny), (float(x), nx)


def correlation(first, second):
    both = np.isfinite(first) & np.isfinite(second)
    return np.corrcoef(first[both], second[both])[0, 1]
