"""The simulated frames that the job is done on."""

from pathlib import Path

from job import CADENCE, Job, first_time

from sunpy_heliocloud.simulation import write_bucket

__all__ = ["simulate"]

HOT, COOL = 193, 171


def simulate(folder: Path, frames: int, shape: tuple[int, int]) -> Job:
    """
    Write the frames of both channels, unless an earlier run has.

    Parameters
    ----------
    folder
        A bucket is a folder in this one.
    frames
        Of each channel.
    shape
        Of a frame, in pixels.

    Returns
    -------
    Job
    """
    bucket = f"frames-{frames}-{shape[0]}x{shape[1]}"
    if not (folder / bucket).exists():
        unfinished = folder / f"{bucket}-unfinished"
        print(
            f"Simulating {2 * frames} frames of {shape[0]}x{shape[1]} pixels in {folder / bucket}", flush=True
        )
        write_bucket(
            str(unfinished),
            channels=(HOT, COOL),
            start=first_time(frames),
            n_frames=frames,
            cadence=CADENCE,
            shape=shape,
            processes=2 if max(shape) > 1000 else 1,
        )
        unfinished.rename(folder / bucket)
    for path in (folder / bucket).rglob("*.fits"):
        path.read_bytes()  # From now on it is in the memory of the operating system, for the first run as for the last.
    return Job(*(_urls(folder, bucket, channel) for channel in (HOT, COOL)))


def _urls(folder: Path, bucket: str, channel: int) -> tuple[str, ...]:
    paths = sorted((folder / bucket).glob(f"sdo/aia/*/{channel:04d}/*.fits"))
    return tuple(f"s3://{path.relative_to(folder).as_posix()}" for path in paths)
