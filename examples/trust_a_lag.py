"""
How far to trust a lag
======================

Light curves of known lag, and what correlations, edges, trends, chance, noise and resampling make of them.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.dates import ConciseDateFormatter
from scipy.ndimage import gaussian_filter1d

import astropy.units as u

import sunpy.map

from sunpy_heliocloud import LazyMapSequence, TimeLagCube, time_lag_pairs
from sunpy_heliocloud.simulation import SimulatedSun

sun, side = SimulatedSun(noise=False), 20
region = sunpy.map.Map(*sun.frame(171, sun.time, shape=(side, side)))
rng = np.random.default_rng(0)
bounds, bins = [-2, 2] * u.hour, np.arange(-7320, 7321, 240)


def cube(curves, cadence=240.0):
    """400 light curves (curve, time) as a cube."""
    times = sun.time + np.arange(curves.shape[1]) * cadence * u.s
    return TimeLagCube.from_array(
        curves.T.reshape(-1, side, side), region, times
    )


def lags(a, b, **options):
    return (
        a.time_lag(b, **{"lag_bounds": bounds, "at_bounds": "keep"} | options)
        .compute()
        .data.ravel()
    )


def histogram(title, **found):
    """How often each lag is found."""
    _, axes = plt.subplots()
    for name, values in found.items():
        axes.hist(values, bins, histtype="step", label=name)
    axes.set(title=title, xlabel="time lag [s]", ylabel="light curves")
    axes.legend()


# %%
# Random walks with a lag of 2400 s: divided by all times, the correlation has its maximum nearer to zero.
walk = np.cumsum(rng.normal(size=(side**2, 220)), axis=1)
a, b = cube(walk[:, 20:200]), cube(walk[:, 10:190])
histogram(
    "The pull towards zero",
    overlap=lags(a, b),
    tapered=lags(a, b, overlap_normalized=False),
)
# %%
# Lags of 4320 s that are searched within an hour pile up at the edge. By default they are NaN.
smooth = gaussian_filter1d(rng.normal(size=(side**2, 5000)), 5, axis=1)
smooth /= smooth.std()
a, b = cube(smooth[:, 118:298]), cube(smooth[:, 100:280])
histogram(
    "A maximum at the edge is no lag",
    keep=lags(a, b, lag_bounds=[-1, 1] * u.hour),
)
# %%
# A hump that both channels share, beside a lag of 2400 s.
hump = 3 * np.sin(np.pi * np.linspace(0, 1, 180))
a, b = cube(smooth[:, 110:290] + hump), cube(smooth[:, 100:280] + hump)
histogram(
    "What channels share",
    plain=lags(a, b),
    detrended=lags(a, b, detrend=3 * u.hour),
)
# %%
# Unrelated light curves: the probabilities are spread evenly, and 5 % are below 0.05.
a, b = cube(smooth[:, 100:280]), cube(smooth[:, 2000:2180])
chance = (
    a.false_alarm_probability(b, trials=50, lag_bounds=bounds)
    .compute()
    .data.ravel()
)
plt.figure()
plt.hist(chance, np.linspace(0, 1, 21), histtype="step")
plt.title("Chance")
plt.xlabel("false-alarm probability of unrelated light curves")
plt.ylabel("light curves")
# %%
# Errors in units of the uncertainty, beside a normal distribution.
a, b = (
    cube(smooth[:, i : i + 180] + 0.5 * rng.normal(size=(side**2, 180)))
    for i in (105, 100)
)
sigma = (
    a.lag_uncertainty(b, trials=40, lag_bounds=bounds).compute().data.ravel()
)
error = (lags(a, b, refine="parabolic") - 1200) / sigma
x = np.linspace(-4, 4, 100)
plt.figure()
plt.hist(error, 30, range=(-4, 4), density=True, histtype="step")
plt.plot(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))
plt.title("Errors and their uncertainty")
plt.xlabel("error / uncertainty")
plt.ylabel("probability density")
# %%
# 12-second frames on a grid of 4 minutes: means, and two frames of twenty. The lag is 600 s.
fast = gaussian_filter1d(rng.normal(size=(side**2, 3900)), 60, axis=1)
fast /= fast.std()
pair = [
    cube(fast[:, i : i + 3600] + 0.5 * rng.normal(size=(side**2, 3600)), 12.0)
    for i in (150, 100)
]
means, two_frames = (
    lags(
        *(one.resample_time(4 * u.min, method=method) for one in pair),
        refine="parabolic",
    )
    for method in ("mean", "linear")
)
_, axes = plt.subplots()
for values, name in ((means, "mean"), (two_frames, "linear")):
    axes.hist(values, np.arange(300, 901, 20), histtype="step", label=name)
axes.set(
    title="Resampling averages", xlabel="time lag [s]", ylabel="light curves"
)
axes.legend()

# %%
# A Sun that only rotates, with structures of a pixel, whose channels have nothing but
# photon noise of their own: interpolation leaves moiré that both share, and with it lags
# of zero and of the period of the moiré.
static = SimulatedSun(counts=0.0, variability=0.0)
frames = {
    channel: [
        static.frame(
            channel, static.time + hour * u.hour, 200 * u.s, shape=(312, 312)
        )
        for hour in np.linspace(-6, 6, 73)
    ]
    for channel in (193, 171)
}
sequences = [
    LazyMapSequence(some).to_cube(normalize=False) for some in frames.values()
]
disk = sunpy.map.Map(*frames[171][36])
middle = disk.submap([144, 144] * u.pix, top_right=[167, 167] * u.pix)
found = {}
for algorithm in ("adaptive", "interpolation"):
    pair = [
        one.derotate_to(middle, algorithm=algorithm).resample_time(10 * u.min)
        for one in sequences
    ]
    found[algorithm] = lags(*pair)
_, axes = plt.subplots()
for name, values in found.items():
    axes.hist(values, np.arange(-7500, 7501, 600), histtype="step", label=name)
axes.set(title="What derotation leaves", xlabel="time lag [s]", ylabel="pixels")
axes.legend()
# %%
# A channel of two hours does not shorten the pairs that it is not in.
curves = smooth[:, :180]
channels = {
    name: TimeLagCube.from_array(
        curves[:, :planes].T.reshape(-1, side, side),
        sunpy.map.Map(*sun.frame(int(name), sun.time, shape=(side, side))),
        sun.time + np.arange(planes) * 240 * u.s,
    )
    for name, planes in (("211", 180), ("193", 180), ("171", 30))
}
pairs, _ = time_lag_pairs(list(channels.values()), lag_bounds=[-20, 20] * u.min)
_, axes = plt.subplots(figsize=(6.4, 2.4))
for name, one in pairs.items():
    start, stop = (one.meta[key].datetime64 for key in ("start", "stop"))
    axes.plot([start, stop], [name, name], lw=8, solid_capstyle="butt")
axes.xaxis.set_major_formatter(
    ConciseDateFormatter(axes.xaxis.get_major_locator())
)
axes.set(title="Times that each pair compares", xlabel="time (UTC)")
plt.show()

# sphinx_gallery_thumbnail_number = 5
