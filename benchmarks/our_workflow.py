"""The job by the public names of sunpy_heliocloud, as a user writes it."""

from collections.abc import Sequence

import numpy as np
from job import Job

from astropy.coordinates import SkyCoord

from sunpy.map import GenericMap

from sunpy_heliocloud import LazyMapSequence

# What a worker imports for the tasks that it is sent.
WORKER_MODULES = (
    "sunpy_heliocloud.lazy.tasks",
    "sunpy_heliocloud.lazy.light_curves",
    "sunpy_heliocloud.lazy.pencils",
    "s3fs",
)


def time_lag(job: Job, workers: Sequence[str] | None = None) -> np.ndarray:
    """Seconds by which 193 Å leads 171 Å."""
    frames_193, frames_171 = LazyMapSequence(job.hot), LazyMapSequence(job.cool)
    ref_map = region(frames_171.nearest(job.midpoint), job)
    cube_193, cube_171 = (
        frames.to_cube().derotate_to(ref_map).resample_time(job.cadence)
        for frames in (frames_193, frames_171)
    )
    # The definition of the other side, so that the results can be compared.
    lag = cube_193.time_lag(cube_171, lag_bounds=job.lag_bounds, overlap_normalized=False, at_bounds="keep")
    return lag.compute(workers=workers).data


def derotated(job: Job) -> np.ndarray:
    """The first frame of 193 Å as it enters the cube."""
    ref_map = region(LazyMapSequence(job.cool).nearest(job.midpoint), job)
    return LazyMapSequence(job.hot[:1]).to_cube().derotate_to(ref_map).compute().data[0]


def region(full_disk: GenericMap, job: Job) -> GenericMap:
    """The part of a map that holds the active region."""
    bottom_left = SkyCoord(*(job.center - job.width / 2), frame=full_disk.coordinate_frame)
    return full_disk.submap(bottom_left, width=job.width, height=job.width)
