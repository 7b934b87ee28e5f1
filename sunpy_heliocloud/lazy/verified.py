"""Files, compared with their checksums."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tqdm.auto import tqdm

from astropy.table import Table

from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.checksums import verify_file
from sunpy_heliocloud.io.frame import FITSFrame, Frame
from sunpy_heliocloud.io.ranges import ReadError

__all__ = ["verified"]

_FILES_AT_ONCE = 8


def verified(images: Sequence[Frame], errors: str) -> Table:
    """A row a file: how many checksums it has, and which is wrong; with ``errors="raise"`` that is an error."""
    files = [image for image in images if isinstance(image, FITSFrame)]
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        found = pool.map(_verified, files)
        results = list(tqdm(found, total=len(files), desc="Verifying files", unit="file", delay=1))
    rows = []
    for frame, result in zip(files, results, strict=True):
        if isinstance(result, ReadError) and errors == "raise":
            raise result
        rows.append((frame.url, 0, str(result)) if isinstance(result, ReadError) else (frame.url, result, ""))
    return InertTable(rows=rows or None, names=("url", "checksums", "reason"), dtype=(str, int, str))


def _verified(frame: FITSFrame) -> int | ReadError:
    return attempt(
        f"Could not verify {frame.url}", lambda: verify_file(frame.url, frame.access, frame.version)
    )
