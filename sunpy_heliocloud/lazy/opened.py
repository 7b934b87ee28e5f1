"""Files, opened: of each the one image of which sunpy makes a Map, and its header."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.frame import Frame
from sunpy_heliocloud.io.open import open_frames
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.files import File
from sunpy_heliocloud.lazy.jobs import job
from sunpy_heliocloud.lazy.left_out import LeftOut
from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.problems import problems
from sunpy_heliocloud.text import shown_url

__all__ = ["opened"]


def opened(
    files: Sequence[File], accesses: Sequence[Access], hdu: int | str | None, left_out: LeftOut
) -> tuple[list[Frame], HeaderColumns]:
    """The images of files and their headers."""
    urls, sizes = [file.url for file in files], [file.size for file in files]
    images: list[Frame] = []
    headers = [HeaderColumns.from_headers([])]
    rest = iter(urls)
    maps: dict[Any, Any] = {}
    with job("Reading headers", total=len(urls), unit="file") as reading:
        for batch in open_frames(urls, accesses, sizes, hdu):
            some = list(islice(rest, len(batch)))
            results, batch_headers = _checked(some, batch, maps)
            good = [result for result in results if not isinstance(result, ReadError)]
            left_out.record(some, results)
            images += [image for image, _ in good]
            headers.append(batch_headers[np.array([number for _, number in good], dtype=int)])
            reading.advance(len(batch))
    return images, HeaderColumns.concatenate(headers)


def _checked(urls: Sequence[str], batch: Sequence[Any], maps: dict) -> tuple[list[Any], HeaderColumns]:
    """
    Of each file the one image of which sunpy makes a Map, with the number of its header, or an error; and the headers.

    Masks without coordinates are none; of several images the caller has to choose.
    """
    candidates = [
        [] if isinstance(result, ReadError) else (result if isinstance(result, list) else [result])
        for result in batch
    ]
    headers = HeaderColumns.from_headers([header for images in candidates for _, header, *_ in images])
    found = enumerate(problems(headers, maps))
    results: list[Any] = []
    for url, result, images in zip(urls, batch, candidates, strict=True):
        numbers, reasons = zip(*(next(found) for _ in images), strict=True) if images else ((), ())
        good = [i for i, reason in enumerate(reasons) if reason is None]
        if isinstance(result, ReadError):
            results.append(result)
        elif not good:
            results.append(
                ReadError(f"The header of {shown_url(url)} cannot be used: {shown_url(reasons[0])}")
            )
        elif len(good) > 1:
            there = ", ".join(str(result[i]) for i in good)
            results.append(
                ReadError(
                    f"{shown_url(url)} has {len(good)} images: {there}; choose one by number or name, such as "
                    f"LazyMapSequence(..., hdu={result[good[0]].number})"
                )
            )
        else:
            results.append((images[good[0]][0], numbers[good[0]]))
    return results, headers
