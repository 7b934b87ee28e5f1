"""Time lags of twelve hours, on workers that SLURM starts."""

from dask_jobqueue import SLURMCluster
from distributed import Client

import astropy.units as u
from astropy.coordinates import SkyCoord

from sunpy.net import Fido
from sunpy.net import attrs as a

from sunpy_heliocloud import LazyMapSequence, limits


def main() -> None:
    """Make two cubes, save each, and map the time lag between them."""
    found = Fido.search(
        a.Time("2018-05-29T12:00", "2018-05-30T00:00"),
        a.Wavelength(193 * u.angstrom) | a.Wavelength(171 * u.angstrom),
        a.heliocloud.Dataset("AIA"),
    )
    hot, cool = (LazyMapSequence(table, errors="mask") for table in found)
    reference = cool.nearest("2018-05-29T18:00")
    corner = SkyCoord(-375 * u.arcsec, 0 * u.arcsec, frame=reference.coordinate_frame)
    ref_map = reference.submap(corner, width=500 * u.arcsec, height=500 * u.arcsec)

    limits.requests = 200  # of all workers together, for the network of the institute
    cluster = SLURMCluster(
        queue="QUEUE",
        account="ACCOUNT",
        cores=8,
        processes=8,  # workers of one core each
        memory="32 GB",
        walltime="01:00:00",
        interface="ib0",
        local_directory="/SCRATCH",
    )
    with cluster, Client(cluster) as client:
        cluster.adapt(minimum=8, maximum=64)  # workers, eight to a job of SLURM
        client.wait_for_workers(1)
        cubes = {}
        for name, sequence in (("193", hot), ("171", cool)):
            cube = sequence.to_cube().derotate_to(ref_map)
            cube.save(f"cube_{name}")  # goes on where an earlier run was when its time was up
            cubes[name] = type(cube).load(f"cube_{name}").resample_time(4 * u.min)
        lag = cubes["193"].time_lag(cubes["171"], lag_bounds=[-6, 6] * u.h).compute()
        lag.write("lag_193_171.fits")


if __name__ == "__main__":
    main()
