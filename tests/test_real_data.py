"""Real images, served as the bucket and found with Fido; skipped unless HELIOCLOUD_REAL_DATA names their folder."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

import sunpy_heliocloud  # NOQA: F401  registers the client
from sunpy_heliocloud import LazyMapSequence, TimeLagCube

SHIFT = 5  # samples
CADENCE = 24 * u.s


@pytest.mark.usefixtures("real_data")
def test_four_hours_of_cutouts_and_their_lag_behind_themselves():
    found = Fido.search(a.Time("2012-06-06", "2012-06-07"), a.heliocloud.Dataset("aia_cutout_1600"))
    sequence = LazyMapSequence(found)
    assert len(sequence) == 596
    good = sequence.select(quality=0)
    assert len(good) == 472
    middle = good[len(good) // 2]
    cube = good.to_cube().derotate_to(middle).resample_time(CADENCE, max_gap=60 * u.s).compute()
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
