"""Light curves of known lag, of several kinds: what the correlation on the overlap finds, and what it does not claim."""

import dask
import dask.array as da
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

import astropy.units as u

import sunpy.map
from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud import TimeLagCube
from sunpy_heliocloud.simulation import SimulatedSun

SUN = SimulatedSun(noise=False)
SIDE = 18
REGION = sunpy.map.Map(*SUN.frame(171, SUN.time, shape=(SIDE, SIDE)))
CURVES = SIDE**2
TWO_HOURS = [-2, 2] * u.hour


def cube(curves, cadence=240.0, offset=0.0):
    """Light curves (curve, time) as a cube."""
    times = SUN.time + (np.arange(curves.shape[1]) * cadence + offset) * u.s
    return TimeLagCube.from_array(curves.T.reshape(-1, SIDE, SIDE) + 99, REGION, times)


def power_law(rng, n, exponent):
    """A piece of longer curves whose power falls with the frequency."""
    frequency = np.fft.rfftfreq(4 * n)[1:]
    amplitude = rng.normal(size=(2, CURVES, len(frequency))) * frequency ** (-exponent / 2)
    spectrum = np.zeros((CURVES, len(frequency) + 1), complex)
    spectrum[:, 1:] = amplitude[0] + 1j * amplitude[1]
    curves = np.fft.irfft(spectrum, axis=1)[:, :n]
    return curves / curves.std(axis=1, keepdims=True)


def smooth(rng, n, width=5):
    curves = gaussian_filter1d(rng.normal(size=(CURVES, n + 200)), width, axis=1)[:, 100 : n + 100]
    return curves / curves.std()


def pair(curves, lag, n, cadence=240.0, noise=0.0, rng=None):
    """Two cubes of n planes, of which the second follows by so many planes."""
    start = (curves.shape[1] - n) // 2
    parts = [curves[:, start : start + n], curves[:, start - lag : start - lag + n]]
    return [cube(part + (noise * rng.normal(size=part.shape) if noise else 0), cadence) for part in parts]


def lag_of(a, b, **options):
    return np.asarray(
        a.time_lag(b, **{"lag_bounds": TWO_HOURS, "at_bounds": "keep"} | options).compute().data
    )


# ---- the pull towards zero


@pytest.mark.parametrize(
    ("exponent", "n", "cadence", "lag"),
    [
        (1.5, 180, 240.0, 10),
        (2, 180, 240.0, -12),
        (2.5, 360, 120.0, 20),
        (3, 180, 240.0, 12),
        (2, 90, 480.0, -6),
    ],
)
def test_red_light_curves_have_their_lag(exponent, n, cadence, lag):
    rng = np.random.default_rng(0)
    a, b = pair(power_law(rng, n + 100, exponent), lag, n, cadence, 0.1, rng)
    found = lag_of(a, b)
    assert np.median(found) == lag * cadence
    assert np.mean(abs(found - lag * cadence) > 900) < 0.07
    assert np.mean(abs(found) <= cadence) < 0.02
    if exponent >= 2:
        assert np.mean(abs(lag_of(a, b, overlap_normalized=False) - lag * cadence) > 900) > 0.08


@pytest.mark.parametrize("shape", ["rise", "fall", "hump", "dip"])
@pytest.mark.parametrize("lag", [10, -7])
def test_a_trend_that_channels_share_leaves_the_lag(shape, lag):
    rng = np.random.default_rng(1)
    t = np.linspace(0, 1, 180)
    trend = {"rise": 6 * t, "fall": -4 * t, "hump": 3 * np.sin(np.pi * t), "dip": -2 * np.sin(np.pi * t)}[
        shape
    ]
    curves = smooth(rng, 400)
    a, b = (cube(curves[:, start : start + 180] + trend) for start in (100, 100 - lag))
    detrend = None if shape in ("rise", "fall") else 3 * u.hour
    error = np.median(lag_of(a, b, refine="parabolic", detrend=detrend)) - 240 * lag
    print(f"{shape}: {error:.1f} s")
    assert abs(error) < 30


@pytest.mark.parametrize(("n", "bias", "spread"), [(60, 8, 110), (180, 3, 50), (360, 3, 50)])
def test_refined_lags_are_not_pulled_towards_zero(n, bias, spread):
    """20-minute curves with 10 % noise."""
    errors = []
    for seed, lag in enumerate((-8, -5, -2, 3, 6, 8)):
        rng = np.random.default_rng(seed)
        a, b = pair(smooth(rng, n + 100), lag, n, noise=0.1, rng=rng)
        lags = lag_of(a, b, refine="parabolic", lag_bounds=[-2880, 2880] * u.s)
        errors.append(np.sign(lag) * (lags - 240 * lag))
    errors = np.concatenate(errors)
    print(f"{n}: median {np.median(errors):.1f} s, 95 % within {np.percentile(abs(errors), 95):.0f} s")
    assert abs(np.median(errors)) <= bias
    assert np.percentile(abs(errors), 95) <= spread


@pytest.mark.parametrize(
    ("n", "cadence", "width", "lag"),
    [(1200, 12.0, 30, 40), (400, 36.0, 20, -33), (72, 600.0, 4, 3), (45, 240.0, 5, 4), (720, 240.0, 5, -8)],
)
def test_lags_are_right_at_any_cadence_and_length(n, cadence, width, lag):
    rng = np.random.default_rng(16)
    a, b = pair(smooth(rng, n + 200, width), lag, n, cadence, 0.1, rng)
    error = lag_of(a, b, refine="parabolic") - lag * cadence
    assert abs(np.median(error)) < 0.05 * cadence
    assert np.percentile(abs(error), 95) < max(150, 0.3 * cadence)


@pytest.mark.parametrize("missing", [slice(70, 100), slice(0, 40), slice(150, None), slice(0, None, 3)])
@pytest.mark.parametrize("of", ["one", "both"])
def test_gaps_leave_the_lag(missing, of):
    rng = np.random.default_rng(17)
    a, b = pair(smooth(rng, 400), -9, 180, noise=0.1, rng=rng)
    for one in (a, b) if of == "both" else (a,):
        one.data[missing] = np.nan
    error = lag_of(a, b, refine="parabolic") + 9 * 240
    assert abs(np.median(error)) < 8
    assert np.percentile(abs(error), 95) < 90


@pytest.mark.parametrize("dtype", [">f4", ">i4", np.int16, np.uint16, np.int32, np.float64])
def test_numbers_of_any_type_have_their_lag(dtype):
    curves = np.rint(1000 + 100 * smooth(np.random.default_rng(18), 400)).astype(dtype)
    a, b = (
        TimeLagCube.from_array(
            np.ascontiguousarray(curves[:, start : start + 180].T.reshape(-1, SIDE, SIDE)),
            REGION,
            SUN.time + np.arange(180) * 240 * u.s,
        )
        for start in (100, 90)
    )
    assert (lag_of(a, b) == 2400).all()


@pytest.mark.parametrize("detrend", [None, "linear", 2 * u.hour, ("line", 2 * u.hour)])
def test_pixels_that_are_constant_or_missing_have_no_lag(detrend):
    a, b = pair(smooth(np.random.default_rng(19), 400, 3), 6, 180)
    a.data[:, 0], b.data[:, 1], a.data[:, 2], b.data[:, 2, 0] = 5, np.nan, np.inf, 7
    options = {"lag_bounds": TWO_HOURS, "detrend": detrend}
    for found in (
        a.time_lag(b, **options, at_bounds="keep"),
        a.max_cross_correlation(b, **options),
        a.lag_uncertainty(b, trials=3, **options),
        a.false_alarm_probability(b, trials=3, **options),
    ):
        values = np.asarray(found.compute().data)
        assert np.isnan(values[:3]).all()
        assert np.isfinite(values[3:]).all()


def test_what_tapering_pulls_is_counted_and_maps_say_which_definition_they_have():
    rng = np.random.default_rng(2)
    a, b = pair(power_law(rng, 300, 2.5), 12, 180)
    lazy, tapered = (
        a.time_lag(b, lag_bounds=TWO_HOURS, at_bounds="keep"),
        lag_of(a, b, overlap_normalized=False),
    )
    lag = lazy.compute()
    assert "pulled" not in lazy.meta
    assert lag.meta["overlap_normalized"] is True
    expected = np.abs(lag.data - tapered) > 240
    at_edge = np.abs(lag.data) == 7200
    assert lag.meta["pulled"] == np.count_nonzero(expected & ~at_edge) > 50
    assert lag.meta["at_edge"] == np.count_nonzero(at_edge)
    half = lag[: SIDE // 2]
    assert half.meta["pulled"] == np.count_nonzero((expected & ~at_edge)[: SIDE // 2])
    assert "normalised on the overlap" in str(lag)
    assert "normalised on the overlap" in lag.label
    assert "tapered" in str(a.time_lag(b, overlap_normalized=False))


# ---- edges


@pytest.mark.parametrize(
    ("lag", "bounds"), [(18, [-1, 1]), (-3, [0, 2]), (12, [-3, 0.5]), (-20, [-1.2, 0]), (3, [0.5, 2])]
)
def test_a_maximum_at_the_edge_is_no_lag(lag, bounds):
    a, b = pair(smooth(np.random.default_rng(3), 400), lag, 180)
    with pytest.warns(SunpyUserWarning, match="largest at an edge of the lags") as warned:
        found = a.time_lag(b, lag_bounds=bounds * u.hour).compute()
    assert len(warned) == 1
    assert np.isnan(found.data).mean() > 0.75
    assert found.meta["at_edge"] == np.isnan(found.data).sum()
    kept = lag_of(a, b, lag_bounds=bounds * u.hour)
    np.testing.assert_array_equal(kept[np.isfinite(found.data)], found.data[np.isfinite(found.data)])
    assert np.isfinite(kept).all()


def test_a_lag_within_the_bounds_gives_no_warning_and_an_unknown_choice_is_named():
    a, b = pair(smooth(np.random.default_rng(3), 400), 5, 180)
    assert a.time_lag(b, lag_bounds=TWO_HOURS).compute().meta["at_edge"] == 0
    with pytest.raises(ValueError, match="at_bounds='clip' is unknown"):
        a.time_lag(b, at_bounds="clip")


@pytest.mark.parametrize("of", ["both", "first", "second"])
@pytest.mark.parametrize("lag", [12, -8])
def test_every_second_sample_missing_does_not_make_lags_of_zero(of, lag):
    a, b = pair(smooth(np.random.default_rng(4), 400), lag, 180)
    for one, name in ((a, "first"), (b, "second")):
        if of in ("both", name):
            one.data[1::2] = np.nan
    found = a.time_lag(b, lag_bounds=TWO_HOURS, at_bounds="keep").compute()
    assert np.mean(found.data == 240 * lag) > 0.95
    np.testing.assert_array_equal(found.meta["lags_used"].to_value(u.s), [-7200, 7200])
    assert (found.meta["short_of_pairs"] > 0) == (of == "both")


@pytest.mark.parametrize(
    ("present", "step"), [([True, True, False], 3), ([False, True, True], 3), ([True, True, True, False], 1)]
)
@pytest.mark.parametrize("lag", [12, -6])
def test_planes_that_both_channels_lack_at_regular_intervals_leave_the_lag(present, step, lag):
    """Of every third plane, only every third lag has pairs enough."""
    a, b = pair(smooth(np.random.default_rng(4), 400), lag, 180, noise=0.1, rng=np.random.default_rng(5))
    a.data[~np.resize(present, 180)] = b.data[~np.resize(present, 180)] = np.nan
    found = a.time_lag(b, lag_bounds=TWO_HOURS).compute()
    assert np.mean(found.data == 240 * lag) > 0.95
    assert (found.meta["short_of_pairs"] > 0) == (step > 1)
    # And between two of these lags.
    b = b._new_instance(data=np.roll(b.data, step, axis=0))
    later = lag_of(a, b, refine="parabolic") - 240 * (lag + step)
    assert abs(np.nanmedian(later)) < 60


def test_a_maximum_beside_lags_without_pairs_is_no_lag():
    """Only the middle of the first channel is there: longer lags have pairs, shorter ones than those asked for do not."""
    a, b = pair(smooth(np.random.default_rng(5), 500), 30, 180)
    options = {"lag_bounds": [-3, 3] * u.hour, "min_overlap": 0.9}
    with pytest.warns(SunpyUserWarning, match="too few pairs"):
        found = a.time_lag(b, **options).compute()
    kept = lag_of(a, b, **options)
    assert (np.abs(kept) <= 18 * 240).all()
    np.testing.assert_array_equal(np.isnan(found.data), np.abs(kept) == 18 * 240)
    np.testing.assert_array_equal(found.meta["lags_used"].to_value(u.s), [-18 * 240, 18 * 240])


def test_all_pairs_warn_once():
    from sunpy_heliocloud import time_lag_pairs

    curves = smooth(np.random.default_rng(3), 400)
    channels = [cube(curves[:, start : start + 180]) for start in (200, 180, 160)]
    for one, wavelength in zip(channels, (211, 193, 171), strict=True):
        one.meta["wavelength"] = wavelength * u.AA
    lags, correlations = time_lag_pairs(channels, lag_bounds=[-1, 1] * u.hour)
    with pytest.warns(SunpyUserWarning, match="at an edge") as warned:
        lags, correlations = dask.compute(lags, correlations)
    assert len(warned) == 1
    assert all(lag.meta["at_edge"] > 100 for lag in lags.values())
    assert all(np.isfinite(one.data).all() for one in correlations.values())


# ---- detrending


@pytest.mark.parametrize(("width", "detrend"), [(60, 2), (60, 1), (30, 2), (100, 3)])
def test_ends_of_running_means_make_no_lag_of_zero(width, detrend):
    """Unrelated curves; by chance 5 % are within a step of zero."""
    rng = np.random.default_rng(6)
    a, b = (cube(10 * smooth(rng, 180, width) + 0.02 * rng.normal(size=(CURVES, 180))) for _ in "ab")
    assert np.mean(abs(lag_of(a, b, detrend=detrend * u.hour)) <= 240) < 0.09


@pytest.mark.parametrize("detrend", [2 * u.hour, ("line", 2 * u.hour), ("line", 5 * u.hour)])
@pytest.mark.parametrize("event", ["hump", "eclipse"])
def test_what_both_channels_have_in_common_is_taken_off(event, detrend):
    lag, t = 6, np.arange(180)
    shared = 4 * np.exp(-(((t - 90) / 60) ** 2)) if event == "hump" else np.zeros(180)
    curves = smooth(np.random.default_rng(7), 400, 3)
    a, b = (cube(curves[:, start : start + 180] + shared) for start in (100, 100 - lag))
    if event == "eclipse":
        a.data[70:85] = b.data[70:85] = np.nan
    error = np.median(lag_of(a, b, refine="parabolic", detrend=detrend)) - 240 * lag
    print(f"{event}, {detrend}: {error:.1f} s")
    assert abs(error) < 30


def test_a_running_mean_leaves_out_where_its_window_is_not_whole():
    a, b = pair(smooth(np.random.default_rng(8), 400, 3), 5, 180)
    lag = a.time_lag(b, detrend=3 * u.hour, at_bounds="keep")
    over_lag = a.cross_correlation(b, detrend=3 * u.hour)
    assert over_lag.shape[0] == 2 * (180 - 44) - 1  # half-widths of 22 planes at either end
    assert abs(np.nanmedian(lag.compute().data) - 1200) <= 240
    with pytest.raises(ValueError, match=r"whole in 0 of 180 planes.*use \('line'"):
        a.time_lag(b, detrend=20 * u.hour)


@pytest.mark.parametrize(
    ("detrend", "width"),
    [
        (2 * u.hour, 5),
        (2 * u.hour, 8),
        (2 * u.hour, 15),
        (2 * u.hour, 30),
        (4 * u.hour, 12),
        (("line", 3 * u.hour), 15),
        ("linear", 15),
    ],
)
def test_detrended_curves_that_are_unrelated_are_not_significant(detrend, width):
    rng = np.random.default_rng(9)
    a, b = (cube(5 * smooth(rng, 180, width) + 0.05 * rng.normal(size=(CURVES, 180))) for _ in "ab")
    chance = a.false_alarm_probability(b, trials=59, detrend=detrend, lag_bounds=TWO_HOURS).compute().data
    print(f"{np.mean(chance <= 0.05):.1%} at 5 %")
    assert np.mean(chance <= 0.05) < 0.09  # of 324 curves, that is three standard deviations above 5 %


# ---- resampling


@pytest.mark.parametrize(("cadence", "step"), [(12.0, 4), (12.0, 2), (24.0, 6), (60.0, 4)])
def test_resampling_to_a_coarser_cadence_averages(cadence, step):
    rng = np.random.default_rng(10)
    n, late, scale = int(12 * 3600 / cadence), int(600 / cadence), int(720 / cadence)
    curves = smooth(rng, n + 200, scale)
    parts = [curves[:, start : start + n] + 0.5 * rng.normal(size=(CURVES, n)) for start in (late + 10, 10)]
    cubes = [cube(part, cadence, offset) for part, offset in zip(parts, (0, 6.8), strict=True)]
    truth = late * cadence + 6.8
    options = {"lag_bounds": [-1, 1] * u.hour, "refine": "parabolic"}
    averaged, picked = (
        lag_of(*(one.resample_time(step * u.min, method=method) for one in cubes), **options) - truth
        for method in (None, "linear")
    )
    assert abs(np.median(averaged)) < 5
    assert np.percentile(abs(averaged), 68) < np.percentile(abs(picked), 68) / 1.5
    assert cubes[0].resample_time(step * u.min).meta["resampled"].startswith("mean")


def test_nearest_frames_shift_lags_and_others_do_not():
    rng = np.random.default_rng(11)
    curves = smooth(rng, 5000, 60)
    parts = [curves[:, start : start + 3600] for start in (550, 500)]
    hot, cool = cube(parts[0][:, ::20], 240.0), cube(parts[1][:, 9::20], 240.0, 108.0)
    options = {"lag_bounds": [-1, 1] * u.hour, "refine": "parabolic"}
    for method, shift in (("nearest", -108), ("linear", 0), ("cubic", 0)):
        resampled = [one.resample_time(4 * u.min, method=method) for one in (hot, cool)]
        assert abs(np.median(lag_of(*resampled, **options)) - 600 - shift) < 8


# ---- uncertainty


def red(rng, n):
    """Noise that remembers 0.8 from frame to frame."""
    series = rng.normal(size=(CURVES, n + 50))
    for t in range(1, n + 50):
        series[:, t] += 0.8 * series[:, t - 1]
    return series[:, 50:] / series[:, 50:].std()


def coverage(n, r, step, lag, make, gaps):
    """Shares within one and two sigma, and of ambiguous pixels."""
    rng = np.random.default_rng(12)
    curves, level = smooth(rng, n + 100), np.sqrt(1 / r - 1)
    a, b = (cube(curves[:, start : start + n] + level * make(rng, n)) for start in (50, 50 - lag))
    for one in (a, b):
        one.data[rng.random(n) < gaps] = np.nan
    a, b = (one if step == 4 else one.resample_time(step * u.min) for one in (a, b))
    error = np.abs(lag_of(a, b, refine="parabolic") - 240 * lag)
    lazy = a.lag_uncertainty(b, trials=30, lag_bounds=TWO_HOURS)
    sigma = lazy.compute()
    assert lazy.ambiguous.shape == sigma.shape
    assert sigma.meta["ambiguous"] == sigma.ambiguous.sum()
    clear = ~sigma.ambiguous & np.isfinite(sigma.data)
    shares = [np.mean(error[clear] <= k * sigma.data[clear]) for k in (1, 2)] + [sigma.ambiguous.mean()]
    print("{:.0%} within one sigma, {:.0%} within two, {:.0%} ambiguous".format(*shares))
    return shares


def white(rng, n):
    return rng.normal(size=(CURVES, n))


@pytest.mark.parametrize(
    ("n", "r", "step", "lag", "make", "gaps"),
    [
        (180, 0.8, 4, 5, white, 0),
        (180, 0.8, 4, -5, red, 0.1),
        (180, 0.94, 0.8, -4, white, 0),
        (180, 0.94, 8, 3, white, 0.1),
        (180, 0.9, 1.6, 7, red, 0),
        (360, 0.8, 4, -6, white, 0.1),
        (180, 0.99, 4, 3, red, 0),
    ],
)
def test_two_thirds_of_the_lags_are_within_one_sigma(n, r, step, lag, make, gaps):
    """Also with gaps, and on grids that are finer or coarser than the frames, of 4 min."""
    one, two, ambiguous = coverage(n, r, step, lag, make, gaps)
    assert 0.6 <= one <= 0.76
    assert 0.9 <= two <= 0.98
    assert ambiguous <= 0.05


@pytest.mark.parametrize("r", [0.6, 0.8, 0.99])
@pytest.mark.parametrize(
    ("step", "lag", "make", "gaps"), [(4, 5, red, 0.1), (4, -3, white, 0), (8, -6, red, 0), (1.6, 4, red, 0)]
)
def test_sigmas_of_short_light_curves_are_not_too_small(r, step, lag, make, gaps):
    one, two, ambiguous = coverage(60, r, step, lag, make, gaps)
    assert one >= 0.6
    assert two >= 0.88
    assert ambiguous <= 0.05


def test_there_is_no_uncertainty_where_there_is_no_lag():
    a, b = pair(smooth(np.random.default_rng(3), 400), 18, 180)
    sigma = a.lag_uncertainty(b, trials=5, lag_bounds=[-1, 1] * u.hour).compute()
    assert np.isnan(sigma.data).mean() > 0.9
    kept = a.lag_uncertainty(b, trials=5, lag_bounds=[-1, 1] * u.hour, at_bounds="keep").compute()
    assert np.isfinite(kept.data).all()


# ---- chance, for bursts


@pytest.mark.parametrize("decay", [4, 10])
@pytest.mark.parametrize("lazy", [False, True])
def test_bursts_are_compared_with_distant_pixels(decay, lazy):
    rng = np.random.default_rng(13)
    kernel = np.exp(-np.arange(60) / decay)
    a, b = (
        cube(
            np.array(
                [
                    np.convolve(one, kernel)[60:240]
                    for one in (rng.random((CURVES, 300)) < 0.015) * rng.pareto(2, (CURVES, 300))
                ]
            )
            + 0.02 * rng.normal(size=(CURVES, 180))
        )
        for _ in "ab"
    )
    options = {"surrogates": "pixels", "trials": 60, "lag_bounds": TWO_HOURS}
    whole = a.false_alarm_probability(b, **options).compute().data
    assert 0.01 < np.mean(whole <= 0.05) < 0.1
    if lazy:
        a, b = (one._new_instance(data=da.from_array(one.data, chunks=(60, 7, 18))) for one in (a, b))
        np.testing.assert_array_equal(a.false_alarm_probability(b, **options).compute().data, whole)
    related = TimeLagCube.from_array(a.data + 0 * b.data, REGION, a.times) if not lazy else a
    assert np.median(a.false_alarm_probability(related, **options).compute().data) < 0.05


def test_few_pixels_have_none_that_are_distant():
    a, b = (cube(smooth(np.random.default_rng(seed), 60))[:, :4, :5] for seed in (1, 2))
    with pytest.raises(ValueError, match="has 4 x 5 only; use surrogates='phase'"):
        a.false_alarm_probability(b, surrogates="pixels")


# ---- several channels and windows


@pytest.mark.parametrize("cut", [slice(0, 60), slice(80, None), slice(20, 100)])
def test_a_short_channel_does_not_shorten_pairs_that_it_is_not_in(cut):
    from sunpy_heliocloud import time_lag_pairs

    curves = smooth(np.random.default_rng(14), 400)
    channels = [cube(curves[:, start : start + 160]) for start in (120, 117, 113)]
    channels[1] = channels[1][cut]
    for one, wavelength in zip(channels, (211, 193, 171), strict=True):
        one.meta["wavelength"] = wavelength * u.AA
    lags, correlations = time_lag_pairs(channels, lag_bounds=[-1, 1] * u.hour, at_bounds="keep")
    short = channels[1].times.size
    assert {key: lag.meta["planes"] for key, lag in lags.items()} == {
        "211-193": short,
        "211-171": 160,
        "193-171": short,
    }
    assert lags["193-171"].meta["start"].isot == channels[1].times[0].isot
    lags, correlations = dask.compute(lags, correlations)
    for key, true in (("211-193", 720), ("211-171", 1680), ("193-171", 960)):
        assert np.median(lags[key].data) == true


@pytest.mark.parametrize(("window", "left"), [(50 * 240, 30), ([50 * 240, 40 * 240], 10), (179 * 240, 1)])
def test_planes_after_the_last_whole_window_are_named(window, left):
    a, b = pair(smooth(np.random.default_rng(15), 400), 3, 180)
    with pytest.warns(SunpyUserWarning, match=f"last {left} of 180 planes"):
        a.time_lag(b, window=window * u.s, lag_bounds=[-1, 1] * u.hour)
