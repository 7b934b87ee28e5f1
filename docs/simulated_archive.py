"""The archive that the gallery and the tutorial are built with: eight hours of a simulated Sun, in a bucket on this machine."""

import functools
import logging
import os
import tempfile
import time
from typing import Any

from sunpy_heliocloud.simulation import LocalServer, write_bucket

# Frames that are missing, and frames of which a third is missing, as in a good day of the real archive.
GAPS, BAD_QUALITY = (38, 39, 40, 41, 93), (20, 71)
SIZE: dict[str, Any] = {"n_frames": 120, "shape": (625, 625), "gaps": GAPS, "bad_quality": BAD_QUALITY}
CHANNELS = (94, 335, 211, 193, 171, 131)


@functools.cache
def start() -> LocalServer:
    """Paint the images once, and serve them until this process ends."""
    # Neither the cache nor the indexes of real searches take part.
    os.environ["SUNPY_HELIOCLOUD_CACHE"] = tempfile.mkdtemp(prefix="sunpy-heliocloud-docs-")
    # drms, which sunpy's Fido imports, prints messages of all packages once more.
    logging.getLogger("sunpy").propagate = False
    began = time.time()
    server = LocalServer().__enter__()
    write_bucket(server.url, channels=CHANNELS, **SIZE, storage_options=server.storage_options)
    print(f"The simulated images took {time.time() - began:.0f} s.")
    return server
