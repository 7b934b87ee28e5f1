"""
Wrong arguments are errors when they are given, and messages say the value, what is expected, and the remedy.

The list of functions comes from the package: a new one needs its wrong arguments here. Run as a script, this file prints
the table of all messages.
"""

import inspect
import re
import traceback
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ndcube import NDCube

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

import sunpy.map
from sunpy.net import attrs as a

import sunpy_heliocloud
from helpers import no_compute
from sunpy_heliocloud import (
    LagCube,
    LagMap,
    LazyMapSequence,
    TimeLagCube,
    aligned_cubes,
    net,
    simulation,
    time_lag_pairs,
)
from sunpy_heliocloud.simulation import LocalServer, SimulatedBucket, SimulatedSun, write_bucket
from sunpy_heliocloud.text import inert

PACKAGE = Path(sunpy_heliocloud.__file__).parent

# Calls by function. What is wrong is marked by `bad`, so that the message can be searched for it. Unknown keywords are
# tried of every function besides.
WRONG = {
    "LazyMapSequence": [
        "LazyMapSequence(bad(''))",
        "LazyMapSequence(bad(None))",
        "LazyMapSequence(bad(5))",
        "LazyMapSequence(bad({'url': 'a.fits'}))",
        "LazyMapSequence(bad('/nowhere/at/all.fits'))",
        "LazyMapSequence(bad(Table({'address': ['a.fits']})))",
        "LazyMapSequence([bad(3.5), 'a.fits'])",
        "LazyMapSequence(bad('ftp://host/a.fits'))",
        "LazyMapSequence(maps, errors=bad('ignore'))",
        "LazyMapSequence(maps, errors=bad(None))",
        "LazyMapSequence(maps, hdu=bad(-1))",
        "LazyMapSequence(maps, hdu=bad(1.5))",
        "LazyMapSequence(maps, storage_options=bad('anon'))",
        "LazyMapSequence(maps, storage_options=bad(['key']))",
    ],
    "LazyMapSequence.nearest": [
        "seq.nearest(bad('yesterday'))",
        "seq.nearest(bad(['2018-05-29', '2018-05-30']))",
        "seq.nearest(bad(None))",
        "seq.nearest(bad(np.nan))",
        "seq.nearest(bad(3 * u.min))",
        "seq.nearest(bad(''))",
        "seq.nearest(bad('2018-13-29'))",
        "seq.nearest(bad({}))",
        "empty.nearest('2018-05-29')",
    ],
    "LazyMapSequence.between": [
        "seq.between(bad('yesterday'), '2018-05-30')",
        "seq.between('2018-05-29', bad('tomorrow'))",
        "seq.between(bad('2018-05-30'), bad('2018-05-29'))",
        "seq.between('2018-05-29', bad(None))",
        "seq.between(bad(np.nan), '2018-05-30')",
        "seq.between(bad(['2018-05-29', '2018-05-30']), '2018-05-30')",
        "seq.between('2018-05-29', bad(2 * u.hour))",
        "seq.between(bad({}), '2018-05-30')",
        "seq.between(bad('2018-05-29T25:00'), '2018-05-30')",
    ],
    "LazyMapSequence.select": [
        "seq.select(qualty=0)",
        "seq.select(exptime=bad((3, 1)))",
        "seq.select(exptime=bad((1, 2, 3)))",
        "seq.select(exptime=bad(2 * u.s))",
        "seq.select(exptime=bad((1 * u.s, 3 * u.s)))",
        "seq.select(exptime=bad(np.nan))",
        "seq.select(exptime=bad((np.nan, 3)))",
        "seq.select(exptime=bad(len))",
        "seq.select(exptime=bad(None))",
        "seq.select(exptime=bad((1,)))",
        "seq.select(bad('quality=0'))",
    ],
    "LazyMapSequence.update_headers": [
        "seq.update_headers(bad(None))",
        "seq.update_headers(bad({'EXPTIME': 1}))",
        "seq.update_headers(bad('EXPTIME'))",
        "seq.update_headers(lambda header: bad(None))",
        "seq.update_headers(lambda header: bad(5))",
        "seq.update_headers(lambda header: {**header, 'NAXIS1': bad(5)})",
        "seq.update_headers(lambda header: {**header, 'COLOUR': bad([1, 2])})",
        "seq.update_headers(lambda header: {**header, 'CDELT1': bad(1 * u.kg)})",
        "seq.update_headers(lambda: bad({}))",
    ],
    "LazyMapSequence.apply": [
        "seq.apply(bad(None))",
        "seq.apply(bad(2))",
        "seq.apply(bad('square'))",
        "seq.apply(np.zeros(bad((20, 30))))",
        "seq.apply(lambda data, header: data, pointwise=bad('yes'))",
        "seq.apply(lambda data, header: data, pointwise=bad(None))",
        "seq.apply(lambda data, header: data, header=bad({'EXPTIME': 1}))",
        "seq.apply(lambda data, header: data, header=bad('EXPTIME'))",
        "seq.apply(lambda data, header: data, header=lambda header: bad(7))",
        "seq.apply(bad([abs]))",
    ],
    "LazyMapSequence.to_cube": [
        "seq.to_cube(normalize=bad('yes'))",
        "seq.to_cube(normalize=bad(None))",
        "seq.to_cube(saturation=bad('high'))",
        "seq.to_cube(saturation=bad(-5))",
        "seq.to_cube(saturation=bad(np.nan))",
        "seq.to_cube(saturation=bad(0))",
        "seq.to_cube(saturation=bad(5 * u.m))",
        "seq.to_cube(saturation=bad([1, 2]))",
        "seq.to_cube(saturation=bad({}))",
        "empty.to_cube()",
        "both.to_cube()",
    ],
    "LazyMapSequence.derotate_to": [
        "seq.derotate_to(bad(None))",
        "seq.derotate_to(bad('map.fits'))",
        "seq.derotate_to(bad(seq))",
        "seq.derotate_to(bad(np.zeros((3, 4))))",
        "seq.derotate_to(ref, normalize=bad('no'))",
        "seq.derotate_to(ref, saturation=bad('high'))",
        "seq.derotate_to(ref, algorithm=bad('nearest'))",
        "seq.derotate_to(ref, rotation_model=bad('solid'))",
        "seq.derotate_to(ref, height=bad(5 * u.s))",
        "seq.derotate_to(ref, order=1)",
        "empty.derotate_to(ref)",
        "seq.derotate_to(bad(days_off))",
    ],
    "LazyMapSequence.estimate": [
        "seq.estimate(bad(None))",
        "seq.estimate(bad('map.fits'))",
        "seq.estimate(bad(5))",
        "seq.estimate(bad(seq))",
        "seq.estimate(bad(cube))",
        "seq.estimate(bad([ref]))",
        "seq.estimate(bad(np.zeros((3, 4))))",
        "seq.estimate(bad(ref.wcs))",
        "seq.estimate(bad({}))",
        "seq.estimate()",
    ],
    "TimeLagCube.from_array": [
        "TimeLagCube.from_array(bad(np.zeros((5, 4, 4))), ref, times[:5])",
        "TimeLagCube.from_array(bad(np.zeros((4, 4))), ref, times[:5])",
        "TimeLagCube.from_array(planes, bad('map.fits'), times[:5])",
        "TimeLagCube.from_array(planes, bad(None), times[:5])",
        "TimeLagCube.from_array(planes, ref, bad(times[:4]))",
        "TimeLagCube.from_array(planes, ref, bad(times[4::-1]))",
        "TimeLagCube.from_array(planes, ref, bad('yesterday'))",
        "TimeLagCube.from_array(planes, ref, bad(np.arange(5) * u.m))",
        "TimeLagCube.from_array(planes, ref, times[:5], unit=bad('counts a second'))",
        "TimeLagCube.from_array(planes * u.DN, ref, times[:5], unit=bad(u.m))",
        "TimeLagCube.from_array(planes, ref, times[:5], meta=bad('AIA'))",
        "TimeLagCube.from_array(bad(np.full((5, 20, 30), 'a')), ref, times[:5])",
        "TimeLagCube.from_array(bad(None), ref, times[:5])",
        "TimeLagCube.from_array(bad(planes * 1j), ref, times[:5])",
    ],
    "TimeLagCube.derotate_to": [
        "cube.derotate_to(bad('map.fits'))",
        "cube.derotate_to(bad(None))",
        "cube.derotate_to(bad(cube))",
        "cube.derotate_to(bad(days_off))",
        "cube.derotate_to(ref, algorithm=bad('nearest'))",
        "cube.derotate_to(ref, algorithm=bad(None))",
        "cube.derotate_to(ref, kernel_width=bad(-1))",
        "cube.derotate_to(ref, kernel_width=bad('wide'))",
        "cube.derotate_to(ref, sample_region_width=bad(np.nan))",
        "cube.derotate_to(ref, algorithm='interpolation', order=bad(2))",
        "cube.derotate_to(ref, algorithm='interpolation', order=bad('linear'))",
        "cube.derotate_to(ref, kernel='hann')",
        "cube.derotate_to(ref, rotation_model=bad('solid'))",
        "cube.derotate_to(ref, rotation_model=bad(None))",
        "cube.derotate_to(ref, screen=bad('spherical'))",
        "cube.derotate_to(ref, height=bad(5 * u.s))",
        "cube.derotate_to(ref, height=bad(5))",
        "cube.derotate_to(ref, height=bad(np.nan * u.Mm))",
        "cube.derotate_to(ref, height=bad(-800 * u.Mm))",
        "cube.derotate_to(ref, height=bad([1, 2] * u.Mm))",
        "cube.derotate_to(ref, dtype=bad('int16'))",
        "cube.derotate_to(ref, dtype=bad('float'))[0].derotate_to(bad(5))",
        "cube.derotate_to(ref, dtype=bad('number'))",
    ],
    "TimeLagCube.write_maps": [
        "derotated.write_maps(bad(None))",
        "derotated.write_maps(bad(5))",
        "derotated.write_maps(bad(''))",
        "derotated.write_maps(bad(['maps']))",
        "derotated.write_maps(bad({}))",
        "derotated.write_maps(bad(existing))",
        "derotated.write_maps(bad('s3://b/maps'))",
        "derotated.write_maps(folder, overwrite=bad('yes'))",
        "derotated.write_maps(folder, overwrite=bad(None))",
        "derotated.write_maps(folder, overwrite=bad(2))",
    ],
    "TimeLagCube.crop": [
        "derotated.crop(bad(5), bad(6))",
        "derotated.crop(bad('left'), bad('right'))",
        "derotated.crop(bad('2019-05-29'), bad('2019-05-30'))",
        "derotated.crop(bad(corner), bad(5 * u.arcsec))",
        "derotated.crop(far, far)",
        "derotated.crop((bad(times[0]), corner), (times[1], corner))",
        "derotated.crop(bad({}))",
        "derotated.crop(bad([1, 2]), bad([3, 4]))",
        "derotated.crop(bad(np.nan), bad(np.nan))",
    ],
    "TimeLagCube.save": [
        "small.save(bad(None))",
        "small.save(bad(5))",
        "small.save(bad(''))",
        "small.save(bad({}))",
        "small.save(bad(['store']))",
        "small.save(bad(np.nan))",
        "small.save(bad(' '))",
        "small.save(bad(existing))",
        "small.save(bad('ftp://127.0.0.1:1/store'))",
        "small.save(bad('https://127.0.0.1:1/store'))",
        "small.save(bad('gopher://host/store'))",
        "small.save(bad('s3://bucket'))",
        "small.save(store, resume=bad('yes'))",
        "small.save(store, resume=bad(None))",
        "small.save(store, resume=bad(1))",
        "small.save(store, storage_options=bad('anon'))",
        "small.save(store, storage_options=bad(['key']))",
    ],
    "TimeLagCube.load": [
        "TimeLagCube.load(bad(None))",
        "TimeLagCube.load(bad(5))",
        "TimeLagCube.load(bad(''))",
        "TimeLagCube.load(bad({}))",
        "TimeLagCube.load(bad(['store']))",
        "TimeLagCube.load(bad('/nowhere/at/all.zarr'))",
        "TimeLagCube.load(bad(np.nan))",
        "TimeLagCube.load(bad(small))",
        "TimeLagCube.load(bad(' '))",
        "TimeLagCube.load(bad(existing))",
        "TimeLagCube.load(bad('ftp://127.0.0.1:1/store'))",
        "TimeLagCube.load(bad('gopher://host/store'))",
        "TimeLagCube.load(store, storage_options=bad('anon'))",
    ],
    "TimeLagCube.difference": [
        "derotated.difference(bad(0))",
        "derotated.difference(bad(-1))",
        "derotated.difference(bad(1.5))",
        "derotated.difference(bad('one'))",
        "derotated.difference(bad(12))",
        "derotated.difference(bad(None))",
        "derotated.difference(bad(True))",
        "derotated.difference(base=bad(99))",
        "derotated.difference(base=bad('yesterday'))",
        "derotated.difference(base=bad(np.zeros((3, 3))))",
        "derotated.difference(bad(2), base=0)",
        "cube.difference()",
    ],
    "TimeLagCube.resample_time": [
        "derotated.resample_time()",
        "derotated.resample_time(bad(4))",
        "derotated.resample_time(bad(1 * u.us))",
        "derotated.resample_time(bad(4 * u.m))",
        "derotated.resample_time(bad(-4 * u.min))",
        "derotated.resample_time(bad(0 * u.s))",
        "derotated.resample_time(bad(np.nan * u.s))",
        "derotated.resample_time(bad(np.inf * u.s))",
        "derotated.resample_time(bad('often'))",
        "derotated.resample_time(bad([1, 2] * u.min))",
        "derotated.resample_time(bad(30 * u.day))",
        "derotated.resample_time(4 * u.min, times=bad(times))",
        "derotated.resample_time(times=bad(5))",
        "derotated.resample_time(times=bad(times[::-1]))",
        "derotated.resample_time(times=bad(times[0]))",
        "derotated.resample_time(4 * u.min, start=bad('yesterday'))",
        "derotated.resample_time(4 * u.min, start=bad('2018-05-30'))",
        "derotated.resample_time(4 * u.min, start=bad(times[5]), stop=bad(times[1]))",
        "derotated.resample_time(4 * u.min, stop=bad(5))",
        "derotated.resample_time(4 * u.min, method=bad('spline'))",
        "derotated.resample_time(4 * u.min, method=bad(3))",
        "derotated.resample_time(4 * u.min, max_gap=bad(-1 * u.s))",
        "derotated.resample_time(4 * u.min, max_gap=bad(5))",
        "derotated.resample_time(4 * u.min, max_gap=bad(5 * u.kg))",
        "derotated.resample_time(4 * u.min, max_gap=bad(np.nan * u.s))",
        "cube.resample_time(4 * u.min)",
    ],
    "TimeLagCube.rebin": [
        "derotated.rebin(bad(2))",
        "derotated.rebin(bad((2, 2)))",
        "derotated.rebin(bad((1, 7, 1)))",
        "derotated.rebin(bad((1, 0, 1)))",
        "derotated.rebin(bad((1, -2, 1)))",
        "derotated.rebin(bad((1, 1.5, 1)))",
        "derotated.rebin(bad('half'))",
        "derotated.rebin(bad(None))",
        "derotated.rebin(bad((1, 100, 1)))",
        "derotated.rebin((1, 2, 2), bad('mean'))",
        "derotated.rebin((1, 2, 2), bad(None))",
        "cube.rebin((2, 1, 1))",
    ],
    "TimeLagCube.explode_along_axis": [
        "derotated.explode_along_axis(bad(3))",
        "derotated.explode_along_axis(bad(-4))",
        "derotated.explode_along_axis(bad('time'))",
        "derotated.explode_along_axis(bad(None))",
        "derotated.explode_along_axis(bad(0.5))",
        "derotated.explode_along_axis(bad([0]))",
        "derotated.explode_along_axis(bad((0, 1)))",
        "derotated.explode_along_axis(bad(np.nan))",
        "derotated.explode_along_axis(bad(slice(2)))",
        "derotated.explode_along_axis()",
    ],
    "TimeLagCube.reproject_to": [
        "derotated.reproject_to(bad('map.fits'))",
        "derotated.reproject_to(bad(None))",
        "derotated.reproject_to(bad(5))",
        "derotated.reproject_to(bad(ref))",
        "derotated.reproject_to(bad(np.zeros((3, 4))))",
        "derotated.reproject_to({})",
        "derotated.reproject_to(derotated.wcs, algorithm=bad('nearest'))",
        "derotated.reproject_to(derotated.wcs, algorithm=bad(None))",
        "derotated.reproject_to(bad([derotated.wcs]))",
    ],
    "TimeLagCube.plot": [
        "small.plot(data_unit=bad('m'))",
        "small[0].plot(data_unit=bad(u.kg))",
        "small[0].plot(cmap=bad('rainbows'))",
        "small[0].plot(norm=bad('square'))",
        "small[0].plot(vmin=bad(np.nan))",
        "small[0].plot(vmax=bad(5 * u.kg))",
        "small[0].plot(vmax=bad('high'))",
        "small[0].plot(vmin=bad(3), vmax=bad(1))",
        "small[0].plot(colorbar=bad('right'))",
        "small[0].plot(limb=bad('yes'))",
        "small[0].plot(grid=bad(15))",
        "small[0].plot(clip_interval=bad((99, 1)))",
        "small[0].plot(axes=bad('all'))",
        "small[:, 1, 1].plot(axes=bad('all'))",
    ],
    "datasets": [
        "datasets(bad(None))",
        "datasets(bad(171))",
        "datasets(bad(['aia']))",
        "datasets(bad(b'aia'))",
        "datasets(bad({}))",
        "datasets(bad(171 * u.AA))",
        "datasets('aia', bucket=bad('my-bucket'))",
        "datasets('aia', bucket=bad(5))",
        "datasets('aia', bucket=bad('ftp://host/'))",
        "datasets('aia', bucket=bad(['s3://b/']))",
        "datasets('aia', bucket=bad(''))",
    ],
    "TimeLagCube.time_lag": [
        "resampled.time_lag(bad(None))",
        "resampled.time_lag(bad(5))",
        "resampled.time_lag(bad(np.zeros(3)))",
        "resampled.time_lag(bad('193'))",
        "resampled.time_lag(bad(shorter_grid))",
        "resampled.time_lag(bad(cube))",
        "resampled.time_lag(other, lag_bounds=bad([-6, 6]))",
        "resampled.time_lag(other, lag_bounds=[6, -6] * u.min)",
        "resampled.time_lag(other, lag_bounds=bad([-6, 6] * u.m))",
        "resampled.time_lag(other, lag_bounds=bad(6 * u.min))",
        "resampled.time_lag(other, lag_bounds=bad([np.nan, 6] * u.min))",
        "resampled.time_lag(other, lag_bounds=bad('wide'))",
        "resampled.time_lag(other, min_overlap=bad(-0.1))",
        "resampled.time_lag(other, min_overlap=bad(2))",
        "resampled.time_lag(other, min_overlap=bad(np.nan))",
        "resampled.time_lag(other, min_overlap=bad('half'))",
        "resampled.time_lag(other, detrend=bad('cubic'))",
        "resampled.time_lag(other, detrend=bad(-5 * u.min))",
        "resampled.time_lag(other, overlap_normalized=bad('yes'))",
        "resampled.time_lag(other, at_bounds=bad('clip'))",
        "resampled.time_lag(other, dtype=bad('int16'))",
        "resampled.time_lag(other, min_correlation=bad('high'))",
        "resampled.time_lag(other, min_correlation=bad(np.nan))",
        "resampled.time_lag(other, min_correlation=bad(7))",
        "resampled.time_lag(other, refine=bad('spline'))",
        "resampled.time_lag(other, window=bad(5))",
        "resampled.time_lag(other, window=bad(-1 * u.hour))",
    ],
    "TimeLagCube.max_cross_correlation": [
        "resampled.max_cross_correlation(bad(None))",
        "resampled.max_cross_correlation(bad(5))",
        "resampled.max_cross_correlation(bad(np.zeros(3)))",
        "resampled.max_cross_correlation(bad('193'))",
        "resampled.max_cross_correlation(bad(shorter_grid))",
        "resampled.max_cross_correlation(bad(cube))",
        "resampled.max_cross_correlation(other, lag_bounds=bad([-6, 6]))",
        "resampled.max_cross_correlation(other, lag_bounds=[6, -6] * u.min)",
        "resampled.max_cross_correlation(other, lag_bounds=bad([-6, 6] * u.m))",
        "resampled.max_cross_correlation(other, lag_bounds=bad(6 * u.min))",
        "resampled.max_cross_correlation(other, lag_bounds=bad([np.nan, 6] * u.min))",
        "resampled.max_cross_correlation(other, lag_bounds=bad('wide'))",
        "resampled.max_cross_correlation(other, min_overlap=bad(-0.1))",
        "resampled.max_cross_correlation(other, min_overlap=bad(2))",
        "resampled.max_cross_correlation(other, min_overlap=bad(np.nan))",
        "resampled.max_cross_correlation(other, min_overlap=bad('half'))",
        "resampled.max_cross_correlation(other, detrend=bad('cubic'))",
        "resampled.max_cross_correlation(other, detrend=bad(-5 * u.min))",
        "resampled.max_cross_correlation(other, overlap_normalized=bad('yes'))",
        "resampled.max_cross_correlation(other, at_bounds=bad('clip'))",
        "resampled.max_cross_correlation(other, dtype=bad('int16'))",
        "resampled.max_cross_correlation(other, window=bad(5 * u.m))",
    ],
    "TimeLagCube.cross_correlation": [
        "resampled.cross_correlation(bad(None))",
        "resampled.cross_correlation(bad(5))",
        "resampled.cross_correlation(bad(np.zeros(3)))",
        "resampled.cross_correlation(bad('193'))",
        "resampled.cross_correlation(bad(shorter_grid))",
        "resampled.cross_correlation(bad(cube))",
        "resampled.cross_correlation(other, lag_bounds=bad([-6, 6]))",
        "resampled.cross_correlation(other, lag_bounds=[6, -6] * u.min)",
        "resampled.cross_correlation(other, lag_bounds=bad([-6, 6] * u.m))",
        "resampled.cross_correlation(other, lag_bounds=bad(6 * u.min))",
        "resampled.cross_correlation(other, lag_bounds=bad([np.nan, 6] * u.min))",
        "resampled.cross_correlation(other, lag_bounds=bad('wide'))",
        "resampled.cross_correlation(other, min_overlap=bad(-0.1))",
        "resampled.cross_correlation(other, min_overlap=bad(2))",
        "resampled.cross_correlation(other, min_overlap=bad(np.nan))",
        "resampled.cross_correlation(other, min_overlap=bad('half'))",
        "resampled.cross_correlation(other, detrend=bad('cubic'))",
        "resampled.cross_correlation(other, detrend=bad(-5 * u.min))",
        "resampled.cross_correlation(other, overlap_normalized=bad('yes'))",
        "resampled.cross_correlation(other, at_bounds=bad('clip'))",
        "resampled.cross_correlation(other, dtype=bad('int16'))",
    ],
    "TimeLagCube.lag_uncertainty": [
        "resampled.lag_uncertainty(bad(None))",
        "resampled.lag_uncertainty(bad(5))",
        "resampled.lag_uncertainty(bad(np.zeros(3)))",
        "resampled.lag_uncertainty(bad('193'))",
        "resampled.lag_uncertainty(bad(shorter_grid))",
        "resampled.lag_uncertainty(bad(cube))",
        "resampled.lag_uncertainty(other, lag_bounds=bad([-6, 6]))",
        "resampled.lag_uncertainty(other, lag_bounds=[6, -6] * u.min)",
        "resampled.lag_uncertainty(other, lag_bounds=bad([-6, 6] * u.m))",
        "resampled.lag_uncertainty(other, lag_bounds=bad(6 * u.min))",
        "resampled.lag_uncertainty(other, lag_bounds=bad([np.nan, 6] * u.min))",
        "resampled.lag_uncertainty(other, lag_bounds=bad('wide'))",
        "resampled.lag_uncertainty(other, trials=bad(0))",
        "resampled.lag_uncertainty(other, trials=bad(-5))",
        "resampled.lag_uncertainty(other, trials=bad(1.5))",
        "resampled.lag_uncertainty(other, trials=bad('many'))",
        "resampled.lag_uncertainty(other, seed=bad('one'))",
        "resampled.lag_uncertainty(other, seed=bad(-1))",
    ],
    "TimeLagCube.false_alarm_probability": [
        "resampled.false_alarm_probability(bad(None))",
        "resampled.false_alarm_probability(bad(5))",
        "resampled.false_alarm_probability(bad(np.zeros(3)))",
        "resampled.false_alarm_probability(bad('193'))",
        "resampled.false_alarm_probability(bad(shorter_grid))",
        "resampled.false_alarm_probability(bad(cube))",
        "resampled.false_alarm_probability(other, lag_bounds=bad([-6, 6]))",
        "resampled.false_alarm_probability(other, lag_bounds=[6, -6] * u.min)",
        "resampled.false_alarm_probability(other, lag_bounds=bad([-6, 6] * u.m))",
        "resampled.false_alarm_probability(other, lag_bounds=bad(6 * u.min))",
        "resampled.false_alarm_probability(other, lag_bounds=bad([np.nan, 6] * u.min))",
        "resampled.false_alarm_probability(other, lag_bounds=bad('wide'))",
        "resampled.false_alarm_probability(other, surrogates=bad('noise'))",
        "resampled.false_alarm_probability(other, surrogates=bad(None))",
        "resampled.false_alarm_probability(other, trials=bad(0))",
        "resampled.false_alarm_probability(other, trials=bad(1.5))",
        "resampled.false_alarm_probability(other, trials=bad('many'))",
        "resampled.false_alarm_probability(other, seed=bad('one'))",
    ],
    "LagMap.plot": [
        "lag.plot(cmap=bad('rainbows'))",
        "lag.plot(vmin=bad(5 * u.kg))",
        "lag.plot(norm=bad('square'))",
        "lag.plot(data_unit=bad('kg'))",
        "lag.plot(data_unit=bad(u.m))",
        "lag.plot(axes=bad(5))",
        "lag.plot(limb=bad('yes'))",
        "lag.plot(grid=bad(15))",
    ],
    "LagMap.plot_histogram": [
        "lag.plot_histogram(bins=bad(-5))",
        "lag.plot_histogram(bins=bad('few'))",
        "lag.plot_histogram(bins=bad(0))",
        "lag.plot_histogram(bins=bad(1.5))",
        "lag.plot_histogram(bins=bad([3, 1, 2]))",
        "lag.plot_histogram(bin_width=bad(5 * u.kg))",
        "lag.plot_histogram(range=bad((5, 1)))",
        "lag.plot_histogram(color=bad('colourless'))",
        "lag.plot_histogram(weights=bad('all'))",
    ],
    "LagMap.read": [
        "LagMap.read(bad('/nowhere/lag.fits'))",
        "LagMap.read(bad('lag.txt'))",
        "LagMap.read(bad(None))",
        "LagMap.read(bad(5))",
        "LagMap.read(bad(''))",
        "LagMap.read(bad('/nowhere/lag.asdf'))",
        "LagMap.read(bad(lag))",
        "LagMap.read(bad(['lag.fits']))",
        "LagMap.read(bad('s3://b/lag.fits'))",
        "LagMap.read(bad({}))",
    ],
    "LagMap.write": [
        "lag.write(bad('lag.txt'))",
        "lag.write(bad('lag'))",
        "lag.write(bad(None))",
        "lag.write(bad(5))",
        "lag.write(bad('/nowhere/at/all/lag.fits'))",
        "lag.write(bad(''))",
        "lag.write(bad(existing))",
        "lag.write(bad(['lag.fits']))",
        "lag.write(bad({}))",
        "lag.write('lag.fits', overwrite=bad('yes'))",
    ],
    "LagMap.rebin": [
        "lag.rebin(bad(2))",
        "lag.rebin(bad((2,)))",
        "lag.rebin(bad((7, 1)))",
        "lag.rebin(bad((0, 1)))",
        "lag.rebin(bad((-2, 1)))",
        "lag.rebin(bad((1.5, 1)))",
        "lag.rebin(bad('half'))",
        "lag.rebin(bad(None))",
        "lag.rebin(bad((100, 1)))",
        "lag.rebin((2, 2), bad('mean'))",
    ],
    "TimeLagCube.animate": [
        "resampled.animate(fps=bad(0))",
        "resampled.animate(fps=bad('fast'))",
        "resampled.animate(clip_interval=bad((99, 1)))",
        "resampled.animate(limb=bad('yes'))",
        "resampled.animate(grid=bad(15))",
        "resampled.animate(vmin=bad(np.nan))",
        "resampled[3].animate()",
    ],
    "TimeLagCube.save_movie": [
        "resampled.save_movie(bad(5))",
        "resampled.save_movie(bad(None))",
        "resampled.save_movie(bad(folder + '/movie.avi'))",
        "resampled.save_movie(bad(folder + '/nowhere/movie.gif'))",
        "resampled.save_movie(bad('s3://bucket/movie.gif'))",
        "resampled.save_movie(folder + '/movie.gif', fps=bad(-1))",
        "resampled.save_movie(folder + '/movie.gif', dpi=bad('high'))",
        "resampled.save_movie(folder + '/movie.gif', overwrite=bad('yes'))",
        "resampled.save_movie(folder + '/movie.gif', clip_interval=bad(5))",
        "resampled[3].save_movie(folder + '/movie.gif')",
    ],
    "TimeLagCube.time_distance": [
        "resampled.time_distance(bad('limb'))",
        "resampled.time_distance(bad(None))",
        "resampled.time_distance(bad([corner, corner]))",
        "resampled.time_distance(bad(corner))",
        "resampled.time_distance(SkyCoord([corner, corner]))",
        "resampled.time_distance(SkyCoord([far, far]))",
        "resampled.time_distance(SkyCoord([corner, centre]), width=bad(5))",
        "resampled.time_distance(SkyCoord([corner, centre]), width=bad(-5 * u.arcsec))",
        "resampled.time_distance(SkyCoord([corner, centre]), width=bad(5 * u.s))",
        "resampled.time_distance(SkyCoord([corner, centre]), width=bad('wide'))",
        "resampled.time_distance(SkyCoord([corner, centre]), width=bad([5, 6] * u.arcsec))",
        "resampled[3].time_distance(SkyCoord([corner, centre]))",
        "cube.time_distance(SkyCoord([corner, centre]))",
    ],
    "CorrelationCube.plot": [
        "correlations[:, 1, 1].plot(uncertainty=bad('yes'))",
        "correlations[:, 1, 1].plot(significance=bad(5))",
        "correlations[:, 1, 1].plot(significance=bad('high'))",
        "correlations[:, 1, 1].plot(significance=bad(np.nan))",
        "correlations[:, 1, 1].plot(trials=bad(0))",
        "correlations[:, 1, 1].plot(seed=bad('random'))",
        "correlations[:, 1, 1].plot(axes=bad('all'))",
        "correlations[3].plot(axes=bad('all'))",
        "correlations[3].plot(colorbar=bad('right'))",
    ],
    "LagMapCollection.plot": [
        "lags.plot(cmap=bad('rainbows'))",
        "lags.plot(data_unit=bad('kg'))",
        "lags.plot(norm=bad('square'))",
        "lags.plot(vmin=bad(5 * u.kg))",
        "lags.plot(data_unit=bad(5))",
        "lags.plot(cmap=bad(5))",
        "lags.plot(vmax=bad(5 * u.m))",
    ],
    "LagMapCollection.plot_histograms": [
        "lags.plot_histograms(bins=bad(-5))",
        "lags.plot_histograms(bins=bad('few'))",
        "lags.plot_histograms(bins=bad(0))",
        "lags.plot_histograms(bins=bad([3, 1, 2]))",
        "lags.plot_histograms(range=bad((5, 1)))",
        "lags.plot_histograms(color=bad('colourless'))",
        "lags.plot_histograms(bins=bad(1.5))",
        "lags.plot_histograms(bins=bad(None))",
        "lags.plot_histograms(range=bad('wide'))",
        "lags.plot_histograms(weights=bad('all'))",
    ],
    "LagMap.explode_along_axis": [
        "lag.explode_along_axis(bad(2))",
        "lag.explode_along_axis(bad(-3))",
        "lag.explode_along_axis(bad('x'))",
        "lag.explode_along_axis(bad(None))",
        "lag.explode_along_axis(bad(0.5))",
        "lag.explode_along_axis(bad([0]))",
        "lag.explode_along_axis(bad((0, 1)))",
        "lag.explode_along_axis(bad(np.nan))",
        "lag.explode_along_axis(bad(slice(2)))",
    ],
    "LagMap.reproject_to": [
        "lag.reproject_to(bad('map.fits'))",
        "lag.reproject_to(bad(None))",
        "lag.reproject_to(bad(5))",
        "lag.reproject_to(bad(ref))",
        "lag.reproject_to(bad(np.zeros((3, 4))))",
        "lag.reproject_to(lag.wcs, algorithm=bad('nearest'))",
        "lag.reproject_to(bad([lag.wcs]))",
    ],
    "aligned_cubes": [
        "aligned_cubes(bad(None), ref, cadence=4 * u.min)",
        "aligned_cubes(bad(5), ref, cadence=4 * u.min)",
        "aligned_cubes(empty, ref, cadence=4 * u.min)",
        "aligned_cubes(both, bad(None), cadence=4 * u.min)",
        "aligned_cubes(both, bad('map.fits'), cadence=4 * u.min)",
        "aligned_cubes(both, ref, cadence=bad(4))",
        "aligned_cubes(both, ref, cadence=bad(1 * u.us))",
        "aligned_cubes(both, ref, cadence=bad(4 * u.m))",
        "aligned_cubes(both, ref, cadence=bad(-4 * u.min))",
        "aligned_cubes(both, ref, cadence=bad(np.nan * u.s))",
        "aligned_cubes(both, ref, cadence=bad('often'))",
        "aligned_cubes(both, ref, cadence=None)",
        "aligned_cubes(both, ref)",
        "aligned_cubes(both, bad(days_off), cadence=4 * u.min)",
    ],
    "time_lag_pairs": [
        "time_lag_pairs(bad(resampled))",
        "time_lag_pairs(bad([resampled]))",
        "time_lag_pairs([])",
        "time_lag_pairs(bad(None))",
        "time_lag_pairs(bad(5))",
        "time_lag_pairs(bad([resampled, 5]))",
        "time_lag_pairs(bad([resampled, resampled]))",
        "time_lag_pairs(bad('aia'))",
        "time_lag_pairs([resampled, other], order=bad([171, 304]))",
        "time_lag_pairs([resampled, other], order=bad([171, 171]))",
        "time_lag_pairs([resampled, other], order=bad('hot'))",
        "time_lag_pairs([resampled, other], order=bad([171 * u.kg, 193 * u.AA]))",
        "time_lag_pairs([resampled, other], min_correlation=bad('high'))",
        "time_lag_pairs([resampled, other], refine=bad('spline'))",
        "time_lag_pairs([resampled, other], lag_bounds=[6, -6] * u.min)",
        "time_lag_pairs([resampled, other], lag_bounds=bad([-6, 6]))",
        "time_lag_pairs([resampled, other], min_overlap=bad(2))",
        "time_lag_pairs([resampled, shorter_grid])",
    ],
    "HelioCloudClient.search": [
        "client.search()",
        "client.search(day, bad(5))",
        "client.search(day, bad('AIA'))",
        "client.search(bad('2018-05-29'), dataset)",
        "client.search(day)",
        "client.search(dataset)",
        "client.search(day, dataset, a.Level(1))",
        "client.search(day, dataset, a.Sample(bad(0) * u.s))",
        "client.search(day, dataset, a.Sample(bad(-5) * u.s))",
        "client.search(day, dataset, a.Sample(bad(np.nan) * u.s))",
        "client.search(a.Time(Time('2018-05-29', scale='local'), Time('2018-05-30', scale='local')), dataset)",
        "client.search(day, bad(None))",
    ],
    "HelioCloudClient.fetch": [
        "client.fetch(bad(None), path='{file}', downloader=downloader)",
        "client.fetch(bad(5), path='{file}', downloader=downloader)",
        "client.fetch(table, path=bad('{nothing}'), downloader=downloader)",
        "client.fetch(table, path=bad('{'), downloader=downloader)",
        "client.fetch(table, path=bad(None), downloader=downloader)",
        "client.fetch(table, path=bad(5), downloader=downloader)",
        "client.fetch(table, path='{file}', downloader=bad(None))",
        "client.fetch(table, path='{file}', downloader=downloader, max_splits=bad(0))",
        "client.fetch(table, path='{file}', downloader=downloader, max_splits=bad('many'))",
        "client.fetch(table, path='{file}', downloader=downloader, max_splits=bad(1.5))",
    ],
    "HelioCloudResponse.write_manifest": [
        "table.write_manifest(bad(None))",
        "table.write_manifest(bad(5))",
        "table.write_manifest(bad('/nowhere/at/all/files.csv'))",
        "table.write_manifest(bad('/nowhere/at/all/files.txt'))",
        "table.write_manifest(bad(['files.csv']))",
        "table.write_manifest(bad({}))",
        "table.write_manifest(bad(''))",
        "table.write_manifest(bad(folder))",
        "table.write_manifest()",
        "table.write_manifest(bad(2.5))",
    ],
    "Dataset": [
        "a.heliocloud.Dataset(bad(''))",
        "a.heliocloud.Dataset(bad('  '))",
        "a.heliocloud.Dataset(bad(171))",
        "a.heliocloud.Dataset(bad(None))",
        "a.heliocloud.Dataset(bad(['AIA']))",
        "a.heliocloud.Dataset(bad(b'AIA'))",
        "a.heliocloud.Dataset(bad({}))",
        "a.heliocloud.Dataset(bad(171 * u.AA))",
        "a.heliocloud.Dataset(bad(np.nan))",
        "a.heliocloud.Dataset()",
    ],
    "Bucket": [
        "a.heliocloud.Bucket(bad(''))",
        "a.heliocloud.Bucket(bad('my-bucket'))",
        "a.heliocloud.Bucket(bad('s3://'))",
        "a.heliocloud.Bucket(bad('ftp://host/'))",
        "a.heliocloud.Bucket(bad(None))",
        "a.heliocloud.Bucket(bad(5))",
        "a.heliocloud.Bucket(bad(['s3://b/']))",
        "a.heliocloud.Bucket(bad('~/folder'))",
        "a.heliocloud.Bucket(bad('file:///tmp'))",
        "a.heliocloud.Bucket(bad({}))",
        "a.heliocloud.Bucket()",
    ],
    "Lookup": [
        "a.heliocloud.Lookup(bad('guess'))",
        "a.heliocloud.Lookup(bad(''))",
        "a.heliocloud.Lookup(bad(None))",
        "a.heliocloud.Lookup(bad(5))",
        "a.heliocloud.Lookup(bad(['index']))",
        "a.heliocloud.Lookup(bad({}))",
        "a.heliocloud.Lookup(bad(True))",
        "a.heliocloud.Lookup(bad('Index'))",
        "a.heliocloud.Lookup(bad(b'index'))",
        "a.heliocloud.Lookup()",
    ],
    "SimulatedSun": [
        "SimulatedSun(bad('yesterday'))",
        "SimulatedSun(time=bad(5))",
        "SimulatedSun(longitude=bad(8))",
        "SimulatedSun(longitude=bad(8 * u.s))",
        "SimulatedSun(latitude=bad('north'))",
        "SimulatedSun(radius=bad(np.nan * u.deg))",
        "SimulatedSun(counts=bad(-1))",
        "SimulatedSun(variability=bad('much'))",
        "SimulatedSun(rotation_model=bad('fast'))",
        "SimulatedSun(seed=bad(-1))",
        "SimulatedSun(seed=bad(1.5))",
        "SimulatedSun(noise=bad('no'))",
    ],
    "SimulatedSun.frame": [
        "sun.frame(bad(172), '2018-05-29')",
        "sun.frame(bad('171'), '2018-05-29')",
        "sun.frame(bad([171]), '2018-05-29')",
        "sun.frame(171, bad('yesterday'))",
        "sun.frame(171, bad(None))",
        "sun.frame(171, '2018-05-29', bad(2))",
        "sun.frame(171, '2018-05-29', bad(2 * u.m))",
        "sun.frame(171, '2018-05-29', bad(-2 * u.s))",
        "sun.frame(171, '2018-05-29', shape=bad(50))",
        "sun.frame(171, '2018-05-29', shape=bad((50, 0)))",
        "sun.frame(171, '2018-05-29', shape=bad((50, 40, 3)))",
        "sun.frame(171, '2018-05-29', shape=(50, 40), quality=bad('bad'))",
    ],
    "SimulatedSun.true_lag": [
        "sun.true_lag(bad(172), 193, ref)",
        "sun.true_lag(171, bad(None), ref)",
        "sun.true_lag(171, bad('193'), ref)",
        "sun.true_lag(171, 193, bad(None))",
        "sun.true_lag(171, 193, bad('map'))",
        "sun.true_lag(171, 193, bad(planes))",
        "sun.true_lag(171, 193, bad(cube))",
        "sun.true_lag(171, 193, ref, within=bad(5))",
        "sun.true_lag(171, 193, ref, within=bad(5 * u.s))",
        "sun.true_lag(171, 193, ref, within=bad('far'))",
    ],
    "SimulatedSun.region_center": [
        "sun.region_center(bad('yesterday'))",
        "sun.region_center(bad(5))",
        "sun.region_center(bad(3 * u.min))",
        "sun.region_center(bad(np.nan))",
        "sun.region_center(bad(''))",
        "sun.region_center(bad({}))",
        "sun.region_center(bad('2018-13-01'))",
        "sun.region_center(bad(ref))",
        "sun.region_center(bad(['2018-05-29', '2018-05-30']))",
    ],
    "SimulatedSun.at_time": [
        "sun.at_time(bad(None), '2018-05-29')",
        "sun.at_time(bad(5), '2018-05-29')",
        "sun.at_time(bad(5 * u.arcsec), '2018-05-29')",
        "sun.at_time(bad('centre'), '2018-05-29')",
        "sun.at_time(bad(ref), '2018-05-29')",
        "sun.at_time(corner, bad('yesterday'))",
        "sun.at_time(corner, bad(None))",
        "sun.at_time(corner, bad(5))",
        "sun.at_time(corner, bad(4 * u.min))",
    ],
    "SimulatedSun.light_curve": [
        "sun.light_curve(bad('yesterday'))",
        "sun.light_curve(bad(5))",
        "sun.light_curve(bad(None))",
        "sun.light_curve(bad(3 * u.min))",
        "sun.light_curve(bad(np.nan))",
        "sun.light_curve(bad({}))",
        "sun.light_curve(bad('2018-13-01'))",
        "sun.light_curve(bad(['now', 'later']))",
        "sun.light_curve(bad(ref))",
    ],
    "LocalServer": [
        "LocalServer(bucket=bad(''))",
        "LocalServer(bucket=bad(None))",
        "LocalServer(bucket=bad(5))",
        "LocalServer(latency=bad(5))",
        "LocalServer(latency=bad(-1 * u.s))",
        "LocalServer(latency=bad(1 * u.m))",
        "LocalServer(latency=bad('slow'))",
        "LocalServer(latency=bad(np.nan * u.s))",
        "LocalServer('bucket')",
    ],
    "LocalServer.write": [
        "local.write(bad(None), b'x')",
        "local.write(bad(''), b'x')",
        "local.write(bad(5), b'x')",
        "local.write('key', bad('text'))",
        "local.write('key', bad(None))",
        "local.write('key', bad(5))",
        "local.write('key', bad(['x']))",
        "local.write('key', bad({}))",
        "local.write('key')",
    ],
    "LocalServer.read": [
        "local.read(bad(None))",
        "local.read(bad(''))",
        "local.read(bad(5))",
        "local.read()",
    ],
    "LocalServer.upload": [
        "local.upload(bad(None))",
        "local.upload(bad(''))",
        "local.upload(bad(5))",
        "local.upload(bad('/nowhere/at/all'))",
        "local.upload(bad(existing))",
        "local.upload(bad(['folder']))",
        "local.upload(bad('s3://bucket/key'))",
        "local.upload(bad({}))",
        "local.upload()",
    ],
    "LocalServer.fail": [
        "local.fail(bad(None))",
        "local.fail(bad(5))",
        "local.fail('*', status=bad(200))",
        "local.fail('*', status=bad('503'))",
        "local.fail('*', times=bad(0))",
        "local.fail('*', times=bad('always'))",
        "local.fail('*', after=bad(-1))",
        "local.fail('*', methods=bad('GET'))",
        "local.fail('*', methods=bad([1, 2]))",
    ],
    "LocalServer.truncate": [
        "local.truncate(bad(None))",
        "local.truncate(bad(5))",
        "local.truncate('*', times=bad(0))",
        "local.truncate('*', times=bad('always'))",
        "local.truncate('*', times=bad(1.5))",
        "local.truncate('*', after=bad(-1))",
        "local.truncate('*', after=bad(None))",
        "local.truncate()",
    ],
    "LocalServer.replace": [
        "local.replace(bad(None), b'x')",
        "local.replace(bad(5), b'x')",
        "local.replace('key', bad('text'))",
        "local.replace('key', bad(None))",
        "local.replace('key', bad([1]))",
        "local.replace('key', b'x', after=bad(-1))",
        "local.replace('key', b'x', after=bad('one'))",
        "local.replace('key', b'x', after=bad(1.5))",
    ],
    "SimulatedBucket.urls": [
        "bucket.urls(bad(172))",
        "bucket.urls(bad('171'))",
        "bucket.urls(bad(None))",
        "bucket.urls(bad([171]))",
        "bucket.urls(bad(171 * u.AA))",
        "bucket.urls(bad(np.nan))",
        "bucket.urls(bad({}))",
        "bucket.urls(bad(17.1))",
        "bucket.urls()",
    ],
    "write_bucket": [
        "write_bucket(bad(None))",
        "write_bucket(bad(''))",
        "write_bucket(bad(5))",
        "write_bucket(folder, bad('sun'))",
        "write_bucket(folder, channels=bad(171))",
        "write_bucket(folder, channels=bad([172]))",
        "write_bucket(folder, channels=bad('171'))",
        "write_bucket(folder, start=bad('yesterday'))",
        "write_bucket(folder, n_frames=bad(0))",
        "write_bucket(folder, n_frames=bad(1.5))",
        "write_bucket(folder, cadence=bad(4))",
        "write_bucket(folder, cadence=bad(0 * u.s))",
        "write_bucket(folder, cadence=bad(4 * u.m))",
        "write_bucket(folder, shape=bad(50))",
        "write_bucket(folder, exposure=bad(-1 * u.s))",
        "write_bucket(folder, exposure_jitter=bad(1))",
        "write_bucket(folder, time_offsets=bad({}))",
        "write_bucket(folder, time_jitter=bad('some'))",
        "write_bucket(folder, gaps=bad(-0.1))",
        "write_bucket(folder, gaps=bad('few'))",
        "write_bucket(folder, bad_quality=bad(2.5))",
        "write_bucket(folder, storage_options=bad('anon'))",
        "write_bucket(folder, processes=bad(0))",
    ],
    "limits": [
        "set_limit(patience=bad(-1))",
        "set_limit(patience=bad('long'))",
        "set_limit(patience=bad(np.nan))",
        "set_limit(files=bad(None))",
        "set_limit(file=5)",
    ],
}

# Of sunpy and ndcube, or without arguments of their own.
NOT_WALKED = {
    "HelioCloudClient.register_values": "no arguments",
    "HelioCloudClient": "no arguments",
    "HelioCloudResponse": "astropy's",
    "TimeLagCube": "ndcube's; made by to_cube and from_array",
    "LagMap": "ndcube's; made by time_lag",
    "LagCube": "ndcube's; made by time_lag",
    "CorrelationCube": "ndcube's; made by cross_correlation",
    "LagMapCollection": "ndcube's; made by time_lag_pairs",
    "CubeCollection": "ndcube's; made by aligned_cubes",
    "refresh_datasets": "no arguments",
    "CatalogError": "an error",
    "LoggedRequest": "made by the server",
    "SimulatedBucket": "made by write_bucket",
    "CorrelationCube.at_lags": "called by cross_correlation, with arrays",
    "LagCube.of_windows": "called by time_lag, with arrays",
}


def public_functions():
    """Functions, classes and methods of the public modules that have arguments."""
    for module in (sunpy_heliocloud, net, simulation):
        for name in module.__all__:
            item = getattr(module, name)
            if inspect.isclass(item):
                yield name, item
                for method in (one for one in dir(item) if not one.startswith("_")):
                    owner = next(base for base in item.__mro__ if method in vars(base))
                    function = getattr(item, method)
                    if owner.__module__.startswith("sunpy_heliocloud") and inspect.isroutine(function):
                        yield f"{name}.{method}", function
            elif inspect.isroutine(item):
                yield name, item


def has_arguments(function):
    if isinstance(function, type) and issubclass(function, Exception):
        return False
    return any(name != "self" for name in inspect.signature(function).parameters)


# What classes inherit from one another is walked for one of them; the rest is called by dask and by the package.
_INHERITED = {
    "compute",
    "crop",
    "load",
    "peek",
    "save",
    "explode_along_axis",
    "fill_masked",
    "from_results",
    "plot",
    "rebin",
    "reproject_to",
    "to",
    "with_marks",
    "with_origin",
}


def test_every_public_function_with_arguments_is_walked():
    needed = {name for name, function in public_functions() if has_arguments(function)}
    missing = {
        name
        for name in needed - WRONG.keys() - NOT_WALKED.keys()
        if name.rpartition(".")[2] not in _INHERITED
    }
    assert not missing
    assert all(len(calls) >= 4 for name, calls in WRONG.items() if name != "limits")


# ---- what the calls are made with


def maps(channel, n=12):
    for i in range(n):
        counts, header = SUN.frame(channel, SUN.time + (4 * i - 24) * u.min, shape=(20, 30))
        header = {key: header[key] for key in header if key not in ("", "COMMENT", "HISTORY", "BLANK")}
        yield sunpy.map.Map(counts.astype("f4"), header)


SUN = SimulatedSun(noise=False)


def surroundings(folder):
    """What the calls may name."""
    of_171, of_193 = list(maps(171)), list(maps(193))
    seq, hot = LazyMapSequence(of_171), LazyMapSequence(of_193)
    ref = of_171[6]
    cube = seq.to_cube()
    derotated = cube.derotate_to(ref)
    resampled = derotated.resample_time(4 * u.min)
    other = hot.derotate_to(ref).resample_time(4 * u.min)
    lag = other.time_lag(resampled, at_bounds="keep").compute()
    later = dict(ref.meta) | {"date-obs": "2018-09-29T18:00:00", "t_obs": "2018-09-29T18:00:00"}
    (folder / "lag.fits").write_bytes(b"")
    rows = net.HelioCloudResponse({"URL": ["s3://b/a.fits"], "Size": [1] * u.Mbyte})
    rows["Start time"] = rows["End time"] = Time(["2018-05-29"])
    import parfive

    def set_limit(**values):
        for name, value in values.items():
            setattr(sunpy_heliocloud.limits, name, value)

    return {
        "LagCube": LagCube, "LagMap": LagMap, "LazyMapSequence": LazyMapSequence, "SkyCoord": SkyCoord,
        "Table": Table, "Time": Time, "TimeLagCube": TimeLagCube, "a": a, "aligned_cubes": aligned_cubes,
        "both": LazyMapSequence([*of_171, *of_193]), "client": net.HelioCloudClient(),
        "correlations": other.cross_correlation(resampled), "corner": ref.bottom_left_coord, "centre": ref.center, "cube": cube, "datasets": net.datasets,
        "dataset": a.heliocloud.Dataset("AIA"), "day": a.Time("2018-05-29", "2018-05-30"),
        "days_off": sunpy.map.Map(ref.data, later), "derotated": derotated, "downloader": parfive.Downloader(),
        "empty": seq[:0], "existing": str(folder / "lag.fits"), "folder": str(folder), "lag": lag,
        "LocalServer": LocalServer, "bucket": SimulatedBucket("b/", "", Table()), "local": LocalServer(), "sun": SUN, "write_bucket": write_bucket, "SimulatedSun": SimulatedSun,
        "lags": time_lag_pairs([resampled, other], at_bounds="keep")[0].compute(), "limits": sunpy_heliocloud.limits,
        "maps": of_171[:3], "np": np, "other": other, "far": SkyCoord(9000, 9000, unit=u.arcsec, frame=ref.coordinate_frame), "planes": np.zeros((5, 20, 30)), "ref": ref,
        "resampled": resampled, "seq": seq, "set_limit": set_limit, "shorter_grid": other[:, :5],
        "store": str(folder / "store.zarr"), "small": resampled[:2].compute(), "table": rows, "time_lag_pairs": time_lag_pairs, "times": seq.times, "u": u,
    }  # fmt: skip


def outcome(call, names):
    """The error of a call, and the values in it that are wrong."""
    wrong = []

    def bad(value):
        wrong.append(value)
        return value

    try:
        with warnings.catch_warnings(record=True) as caught, no_compute():
            warnings.simplefilter("always")
            eval(call, names | {"bad": bad})  # noqa: S307  the calls are above
    except Exception as error:  # noqa: BLE001  which one is what is tested
        return error, wrong
    return (caught[0].message if caught else None), wrong


def is_of_the_package(error):
    """Whether the package, or Python for a signature, has raised an error, and not what they have called."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return files[-1].startswith((str(PACKAGE), "<string>")) or "decorators" in files[-1]


def names_the_value(message, value):
    """Whether a message has a value, its shape, or its type."""
    forms = {
        repr(value),
        str(value),
        type(value).__name__,
        str(getattr(value, "isot", "")),
        str(getattr(value, "shape", ())),
    }
    forms |= {getattr(value, "__name__", ""), " ".join(repr(value).split())[:20], inert(repr(value), 40)[:40]}
    forms |= {part for part in forms if part}
    if isinstance(value, u.Quantity) and value.isscalar and value.unit.is_equivalent(u.s):
        forms |= {f"{value.to_value(u.s)} s"}
    if isinstance(value, u.Quantity):
        forms |= {str(value.unit)}
    if isinstance(value, (list, tuple)):
        forms |= {f"{len(value)} times"}
        forms |= {", ".join(map(str, value))}
    if isinstance(value, (list, tuple)) and any(names_the_value(message, one) for one in value):
        return True
    # What is said of these is said of their times, shapes or columns.
    is_described = isinstance(value, (NDCube, sunpy.map.GenericMap, LazyMapSequence, Table, Time))
    return is_described or any(form and " ".join(form.split()) in message for form in forms)


EXPECTS = re.compile(
    r"expect|must|has to|have to|needs|choose|use |such as|give |take|not from|but |is unknown|cannot|required|"
    r"is that of|derotate both|make it wider|the lags are|search found nothing|add | nor |frames come from|would start|swap the two|check the name|see |and not of|all outside|fails for|keeps its size|does not fit|"
    r"reprojects|real numbers|missing|positional|no option|already|exists|No such|is a directory|valid|convertible|share",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return surroundings(tmp_path_factory.mktemp("wrong"))


@pytest.fixture(autouse=True)
def _no_server(monkeypatch):
    """Nothing is asked of a registry before the arguments are checked."""
    monkeypatch.setenv("ROOT_CATALOG_REGISTRY_URL", "/nowhere/at/all.json")
    yield
    plt.close("all")


@pytest.mark.parametrize("function", WRONG)
def test_wrong_arguments_are_errors_when_they_are_given(function, names):
    problems = []
    for call in WRONG[function]:
        error, wrong = outcome(call, names)
        message = " ".join(str(error).split())
        if not isinstance(error, (ValueError, TypeError, LookupError, AttributeError, OSError, u.UnitsError)):
            problems.append(f"{call} is taken: {error!r}")
        elif not EXPECTS.search(message):
            problems.append(f"{call} says nothing of what is expected: {message[:200]}")
        elif (
            wrong
            and "keyword argument" not in message
            and not any(names_the_value(message, value) for value in wrong)
        ):
            problems.append(f"{call} does not name the value: {message[:200]}")
        elif not is_of_the_package(error) and not wrong:
            problems.append(f"{call} fails in what is called: {message[:200]}")
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("function", sorted(set(WRONG) - {"limits"}))
def test_unknown_keywords_are_errors_that_name_them(function, names):
    call = re.match(r"[\w.\[\]:, ]+?(?=\()", WRONG[function][0])[0]
    if re.search("plot|animate|save_movie", function) or function in FREE_KEYWORDS:
        return
    error, _ = outcome(f"{call}(colour_of_the_sky=1)", names)
    assert isinstance(error, (TypeError, ValueError, KeyError)), call
    assert re.search("colour_of_the_sky|missing .* argument", str(error), re.IGNORECASE), error


# They take any keyword, as sunpy's clients do.
FREE_KEYWORDS = {"HelioCloudClient.search"}


if __name__ == "__main__":
    import resource
    import tempfile

    import matplotlib

    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))

    matplotlib.use("Agg")
    names = surroundings(Path(tempfile.mkdtemp()))
    for function, calls in WRONG.items():
        print(f"\n{function}")
        for call in calls:
            error, wrong = outcome(call, names)
            mark = "!!" if error is None else "  " if is_of_the_package(error) else "->"
            text = " ".join(str(error).split())[:260]
            print(f"{mark} {call}\n      {type(error).__name__}: {text}")
