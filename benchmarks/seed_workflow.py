"""
The job as solar physicists write it today, with astropy, sunpy, reproject, ndcube, sunkit-image and dask.

The functions are those of a notebook that was published to show this, word for word where it still runs. What had
to be mended is marked with "Mended".
"""

from collections.abc import Sequence

import dask
import dask.array
import ndcube
import numpy as np
import sunkit_image.time_lag
from distributed import get_client
from job import Job
from reproject import reproject_adaptive
from scipy.interpolate import interp1d

import astropy.io.fits
import astropy.time
import astropy.units as u
import astropy.wcs
from astropy.coordinates import SkyCoord

import sunpy.map
from sunpy.coordinates import propagate_with_solar_surface

# What a worker imports for the tasks that it is sent: they are functions of this module.
WORKER_MODULES = ("seed_workflow", "s3fs")


def time_lag(job: Job, workers: Sequence[str] | None = None) -> np.ndarray:
    """Seconds by which 193 Å leads 171 Å."""
    ref_map = region(job)
    time_start, time_end = job.interval
    delta_time = time_end - time_start
    time_common = time_start + np.arange(0, delta_time.to_value("s"), job.cadence.to_value("s")) * u.s
    cube_171 = build_cutout_cube(job.cool, time_common, ref_map, workers)
    cube_193 = build_cutout_cube(job.hot, time_common, ref_map, workers)
    tl_193_171 = time_lag_by_block(
        cube_193.data, cube_171.data, (time_common - time_common[0]).to("s"), job.lag_bounds
    )
    return tl_193_171.compute(workers=workers)


def derotated(job: Job) -> np.ndarray:
    """The first frame of 193 Å as it enters the cube."""
    full_disk_map = map_from_delayed(get_data(job.hot[0]), get_header(job.hot[0]), np.int32)
    normalized_map = sunpy.map.Map(
        full_disk_map.data / full_disk_map.exposure_time.to_value("s"), full_disk_map.meta
    )
    return reproject_map(normalized_map, region(job).wcs).data.compute()


def region(job: Job) -> sunpy.map.GenericMap:
    with astropy.io.fits.open(
        job.cool[len(job.cool) // 2], use_fsspec=True, fsspec_kwargs={"anon": True}
    ) as hdul:
        header = hdul[1].header
        data = hdul[1].data
    ref_map_full_disk = sunpy.map.Map(data, header)
    ar_center = SkyCoord(Tx=job.center[0], Ty=job.center[1], frame=ref_map_full_disk.coordinate_frame)
    fov = (job.width, job.width)
    bottom_left = SkyCoord(
        Tx=ar_center.Tx - fov[0] / 2, Ty=ar_center.Ty - fov[1] / 2, frame=ref_map_full_disk.coordinate_frame
    )
    return ref_map_full_disk.submap(bottom_left, width=fov[0], height=fov[1])


def build_cutout_cube(file_urls, time_common, ref_map, workers):
    client = get_client()
    all_headers = client.gather(client.map(get_header, file_urls, workers=workers))
    full_disk_maps = [
        map_from_delayed(get_data(f), h, np.int32) for f, h in zip(file_urls, all_headers, strict=True)
    ]
    normalized_maps = [sunpy.map.Map(m.data / m.exposure_time.to_value("s"), m.meta) for m in full_disk_maps]
    reprojected_maps = [reproject_map(m, ref_map.wcs) for m in normalized_maps]
    time_maps = astropy.time.Time([m.date for m in normalized_maps])
    return stack_and_interpolate(
        reprojected_maps, (time_maps - time_common[0]).to("s"), (time_common - time_common[0]).to("s")
    )


def get_header(filename):
    with astropy.io.fits.open(
        filename, use_fsspec=True, fsspec_kwargs={"anon": True}, lazy_load_hdus=True
    ) as hdul:
        header = hdul[1].header
    return astropy.io.fits.Header(header)


@dask.delayed
def get_data(filename):
    with astropy.io.fits.open(filename, use_fsspec=True, fsspec_kwargs={"anon": True}) as hdul:
        data = hdul[1].data
    return data


def map_from_delayed(delayed_array, header, dtype):
    shape = (header["NAXIS2"], header["NAXIS1"])
    array = dask.array.from_delayed(delayed_array, shape, dtype=dtype)
    return sunpy.map.Map(array, header)


@dask.delayed
def reproject_array(input_array, input_wcs, target_wcs):
    with propagate_with_solar_surface():
        out_array = reproject_adaptive(
            (input_array, input_wcs),
            target_wcs,
            shape_out=target_wcs.array_shape,
            roundtrip_coords=False,
            return_footprint=False,
        )
    return out_array


def reproject_map(input_map, target_wcs):
    delayed_array = reproject_array(input_map.data, input_map.wcs, target_wcs)
    target_header = target_wcs.to_header()
    target_header["NAXIS1"] = target_wcs.array_shape[1]
    target_header["NAXIS2"] = target_wcs.array_shape[0]
    return map_from_delayed(delayed_array, target_header, input_map.data.dtype)


def stack_and_interpolate(cutouts, time_cutouts, time_common):
    # Stack data
    data_stacked = np.stack([c.data for c in cutouts], axis=0)
    # Rechunk along time axis
    data_stacked = data_stacked.rechunk(chunks=data_stacked.shape[:1] + (300, 300))

    # Interpolate to common time
    # Mended: interp1d was called with the new times before map_blocks had any data, and interpolated nothing.
    def interpolate(y):
        f_interp = interp1d(time_cutouts.to_value("s"), y, axis=0, kind="linear", fill_value="extrapolate")
        return f_interp(time_common.to_value("s"))

    data_interp = dask.array.map_blocks(
        interpolate,
        data_stacked,
        chunks=time_common.shape + data_stacked.chunks[1:],
        dtype=data_stacked.dtype,
        # Mended: else dask finds out what comes of it by calling interp1d with an empty array, which it refuses.
        meta=np.empty((0, 0, 0)),
    )
    # Add the time axis to our coordinate system
    combined_wcs = cutouts[0].wcs.to_header()
    combined_wcs["CTYPE3"] = "TIME"
    combined_wcs["CUNIT3"] = "s"
    combined_wcs["CDELT3"] = np.diff(time_common)[0].to_value("s")
    combined_wcs["CRPIX3"] = 1
    combined_wcs["CRVAL3"] = time_common[0].to_value("s")
    combined_wcs = astropy.wcs.WCS(combined_wcs)

    return ndcube.NDCube(data_interp, wcs=combined_wcs, unit=cutouts[0].unit, meta=cutouts[0].meta)


def time_lag_by_block(signal_a, signal_b, time, lag_bounds):
    # Mended: given dask arrays of several chunks, sunkit-image's time_lag fails in compute() (sunkit-image#276). It
    # is right on the arrays of one block, whose pixels it needs no others for.
    def of_block(a, b):
        return sunkit_image.time_lag.time_lag(a, b, time, lag_bounds).to_value("s")

    return dask.array.map_blocks(
        of_block, signal_a, signal_b, drop_axis=0, dtype=float, meta=np.empty((0, 0))
    )
