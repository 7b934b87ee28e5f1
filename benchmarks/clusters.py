"""The cluster of a measured run."""

from distributed import LocalCluster

__all__ = ["local_cluster"]


def local_cluster(workers: int) -> LocalCluster:
    """Worker processes of one thread on this machine. Workers import this module, so it imports nothing else."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        memory_limit="8GB",
        dashboard_address="127.0.0.1:0",
        silence_logs="ERROR",
    )
