"""Frames that could not be read and became NaN: told at the end of a job, and whenever somebody asks."""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping

from sunpy.util.exceptions import SunpyUserWarning

from sunpy_heliocloud.caller import Place
from sunpy_heliocloud.lazy.reports import losses
from sunpy_heliocloud.log import printed_once
from sunpy_heliocloud.text import shown_url

__all__ = ["LostFrameWarning", "lost_frames", "warn_of_losses"]

_LONGEST = 1000  # characters of a reason
_MOST_REASONS = 3
_DETAILS = re.compile(r" \([^()]*\)")
_LONG_NUMBERS = re.compile(r"\d{4,}")


class LostFrameWarning(SunpyUserWarning):
    """
    Frames could not be read; their pixels are NaN, or they are left out.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", sunpy_heliocloud.LostFrameWarning)  # doctest: +SKIP
    """


def lost_frames(urls: Iterable[str], since: int) -> dict[str, str]:
    """
    Which of these frames were lost when they were computed last, and why.

    Parameters
    ----------
    urls
        Of the frames.
    since
        The `sunpy_heliocloud.lazy.reports.next_number` from which losses count: a file may have been mended.

    Returns
    -------
    dict
        Reasons by URL, as this process and the workers of its pools and clusters have found them.
    """
    return losses(urls, since)


def warn_of_losses(lost: Mapping[str, str], place: Place) -> None:
    """
    Warn once of all frames that were lost in a job.

    Parameters
    ----------
    lost
        Reasons by URL.
    place
        The line that has started the job.
    """
    if not lost:
        return
    reasons = Counter(_without_url(reason, url) for url, reason in lost.items())
    if len(lost) == 1:
        message = f"A frame is NaN, since errors='mask': {shown_url(next(iter(lost.values())), _LONGEST)}"
    else:
        counts = [f"{count:,} × {reason}" for reason, count in reasons.most_common(_MOST_REASONS)]
        if len(reasons) > _MOST_REASONS:
            counts.append(f"{len(reasons) - _MOST_REASONS} other reasons")
        message = (
            f"{len(lost):,} frames are NaN, since errors='mask' (.status lists them): {'; '.join(counts)}. One of them "
            f"is {shown_url(next(iter(lost)))}"
        )
    filename, line = place
    with printed_once():
        warnings.warn_explicit(message, LostFrameWarning, filename, line)


def _without_url(reason: str, url: str) -> str:
    """The cause at the end of a reason, without numbers of bytes: many frames may share it."""
    shown = shown_url(url)
    _, found, cause = reason.partition(shown)
    cause = (cause.lstrip(": ,") if found else reason).replace(shown, "…")
    cause = _DETAILS.sub("", cause).rstrip(".")
    return shown_url(_LONG_NUMBERS.sub("…", cause), _LONGEST)
