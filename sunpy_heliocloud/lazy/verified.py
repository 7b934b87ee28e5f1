"""Files, compared with their checksums."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from astropy.table import Table

from sunpy_heliocloud.inert_table import InertTable
from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.checksums import verify_file
from sunpy_heliocloud.io.frame import FITSFrame, Frame
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.jobs import job
from sunpy_heliocloud.lazy.reports import GivenUpError, no_longer_wanted, wanted

__all__ = ["verified"]

_FILES_AT_ONCE = 8


def verified(images: Sequence[Frame], errors: str) -> Table:
    """A row a file: how many checksums it has, and which is wrong; with ``errors="raise"`` that is an error."""
    files = [image for image in images if isinstance(image, FITSFrame)]
    check, results = wanted(), []
    with job("Verifying files", total=len(files), unit="file") as verifying:
        pool = ThreadPoolExecutor(_FILES_AT_ONCE)
        try:
            for result in pool.map(partial(_verified, check), files):
                results.append(result)
                verifying.advance()
        except BaseException:
            no_longer_wanted()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    rows = []
    for frame, result in zip(files, results, strict=True):
        if isinstance(result, ReadError) and errors == "raise":
            raise result
        rows.append((frame.url, 0, str(result)) if isinstance(result, ReadError) else (frame.url, result, ""))
    return InertTable(rows=rows or None, names=("url", "checksums", "reason"), dtype=(str, int, str))


def _verified(check: Callable[[], None], frame: FITSFrame) -> int | ReadError:
    return attempt(
        f"Could not verify {frame.url}",
        lambda: verify_file(frame.url, frame.access, frame.version, check),
        passing=(GivenUpError,),
    )
