"""Real images, served as the bucket and found with Fido; skipped unless HELIOCLOUD_REAL_DATA names their folder."""

import numpy as np
import pytest

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
    lag = cube.time_lag(later, lag_bounds=[-10, 10] * u.min).compute().data
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


@pytest.mark.usefixtures("real_data")
def test_six_hours_of_the_full_disk_stay_in_place():
    found = Fido.search(
        a.Time("2017-08-07T23:00", "2017-08-08T07:00"), a.heliocloud.Dataset("aia_browse_0171")
    )
    sequence = LazyMapSequence(found)
    assert len(sequence) == 7
    first = sequence[0]
    corner = SkyCoord(-400 * u.arcsec, -400 * u.arcsec, frame=first.coordinate_frame)
    center = first.submap(corner, width=800 * u.arcsec, height=800 * u.arcsec)
    with pytest.warns(UserWarning, match="QUALITY"):
        cube = sequence.to_cube()
    derotated = cube[::6].derotate_to(center).compute().data
    rows, columns = (slice(round(start), round(start) + n) for start, n in pixels(first, center))
    fixed = cube[::6, rows, columns].compute().data
    with_rotation, without = correlation(*derotated), correlation(*fixed)
    print(f"correlation of the central 800 arcsec over 6 hours: {without:.3f}, derotated {with_rotation:.3f}")
    assert with_rotation > without + 0.3


def pixels(whole, part):
    """First row and number of rows of a part of a map, and the same of columns."""
    x, y = whole.wcs.world_to_pixel(part.wcs.pixel_to_world(0, 0))
    ny, nx = part.data.shape
    return (float(y), ny), (float(x), nx)


def correlation(first, second):
    both = np.isfinite(first) & np.isfinite(second)
    return np.corrcoef(first[both], second[both])[0, 1]
