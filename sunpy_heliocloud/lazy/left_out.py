"""Frames that cannot be used, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from sunpy_heliocloud.io.attempt import attempt
from sunpy_heliocloud.io.frame import Frame
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.metadata.columns import HeaderColumns

__all__ = ["LeftOut"]

type Header = Mapping[str, Any]


@dataclass(frozen=True)
class LeftOut:
    """
    The frames that are left out of a sequence; all sequences that are made of one share it.

    Attributes
    ----------
    errors
        ``"raise"``: the first such frame is an error. ``"mask"``: they are recorded.
    reasons
        By URL.
    """

    errors: str
    reasons: dict[str, str] = field(default_factory=dict)

    def record(self, urls: Sequence[str], results: Sequence[Any]) -> None:
        """Record the frames that cannot be used; or raise the error of the first."""
        for url, result in zip(urls, results, strict=True):
            if isinstance(result, ReadError):
                if self.errors == "raise":
                    raise result
                self.reasons[url] = str(result)

    def ask_headers[T](
        self, ask: Callable[[Sequence[Header]], T], images: Sequence[Frame], headers: HeaderColumns
    ) -> tuple[T, np.ndarray]:
        """
        The results of a function for the headers, with their frames; frames whose header it cannot use are
        left out.

        Headers are checked when they are read, but sunpy uses more keywords than can be checked for each
        header.
        """
        try:
            return ask(headers), np.arange(len(images))
        except Exception as error:
            results = [
                attempt(f"The header of {image.url} cannot be used", partial(ask, headers[i : i + 1]))
                for i, image in enumerate(images)
            ]
            good = np.array([i for i, result in enumerate(results) if not isinstance(result, ReadError)], int)
            if len(good) == len(results):  # the cause is not a single frame
                raise error
        self.record([image.url for image in images], results)
        return ask(headers[good]), good
