"""A dask-gateway server on loopback, as a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask

__all__ = ["local_gateway"]

CONFIG = """
from dask_gateway_server.options import Float, Integer, Options, String

c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.address = "127.0.0.1:{private}"
c.Proxy.address = "127.0.0.1:{public}"
c.SimpleAuthenticator.password = "loopback"
c.ClusterConfig.scheduler_cmd = ["dask", "scheduler"]
c.ClusterConfig.worker_cmd = ["dask", "worker"]
c.ClusterConfig.cluster_max_workers = 2
# As that of a HelioCloud, whose workers are containers.
c.Backend.cluster_options = Options(
    String("image", default="anything"),
    Integer("worker_cores", default=1, min=1, max=1),
    Float("worker_memory", default=1, min=1, max=8),
    handler=lambda options: {{"worker_cores": options.worker_cores, "worker_memory": f"{{options.worker_memory}} G"}},
)
"""


@contextmanager
def local_gateway(folder: Path) -> Iterator[None]:
    """A server with its files in a folder; ``Gateway()`` connects to it."""
    private, public = free_port(), free_port()
    config, log = folder / "gateway_config.py", folder / "gateway.log"
    config.write_text(CONFIG.format(private=private, public=public))
    scripts = Path(sys.executable).parent
    with log.open("w") as output:
        server = subprocess.Popen(
            [scripts / "dask-gateway-server", "--config", config],
            cwd=folder,
            env=os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{public}"
    auth = {"type": "basic", "kwargs": {"username": "tester", "password": "loopback"}}
    try:
        wait_for(address, server, log)
        with dask.config.set({"gateway.address": address, "gateway.auth": auth}):
            yield
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    """Until the server answers and its proxy knows it."""
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/health"):
            return
        time.sleep(0.1)
    raise TimeoutError(f"the gateway did not answer within 30 s:\n{log.read_text()}")
