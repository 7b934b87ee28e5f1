"""Cards of headers, beside what astropy makes of them."""

import math
import warnings

import numpy as np

from astropy.io import fits

from fuzz import corpus
from fuzz.fits_mutations import header_damaged, header_spans
from fuzz.outcome import Outcome, finding

__all__ = ["HeaderTarget"]


class HeaderTarget:
    """The header of an image, read by our parser and by astropy's."""

    def __init__(self, headers: str | None) -> None:
        self._texts = []
        for name, file in corpus.fits_files(headers).items():
            if name[-2:] != "gz":
                self._texts += [file[begin:end] for begin, end in header_spans(file)]

    def good(self) -> bytes:
        return self._texts[0]

    def start(self, rng: np.random.Generator) -> bytes:
        return self._texts[rng.integers(len(self._texts))]

    def mutate(self, rng: np.random.Generator, case: bytes) -> bytes:
        return header_damaged(rng, case)

    def show(self, case: bytes) -> None:
        for i in range(0, len(case), 80):
            print(case[i : i + 80])

    def run(self, case: bytes) -> Outcome:
        from sunpy_heliocloud.io.fits_header import parse_header

        text = case.decode("ascii", "replace")
        end = next((i for i in range(0, len(text), 80) if text[i : i + 80].rstrip() == "END"), len(text))
        text = text[:end]
        try:
            ours = parse_header(text)
        except ValueError as error:
            return Outcome("clear error", str(error))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = fits.Header.fromstring(text)
            for card in theirs.cards:
                try:
                    keyword, value = card.keyword.strip().upper(), card.value
                except (ValueError, fits.VerifyError, OverflowError):
                    continue
                if keyword in ("", "COMMENT", "HISTORY", "CONTINUE", "END") or theirs.count(card.keyword) > 1:
                    continue
                if isinstance(value, fits.card.Undefined):
                    value = None
                if keyword not in ours:
                    return finding("lost card", f"{keyword}: {card.image!r}")
                if not _equal(ours[keyword], value):
                    return finding(
                        "other value", f"{keyword}: {ours[keyword]!r}; astropy: {value!r}; {card.image!r}"
                    )
        return Outcome("equal")


def _equal(ours: object, theirs: object) -> bool:
    if (
        isinstance(ours, float)
        and isinstance(theirs, (int, float))
        and math.isnan(ours)
        and math.isnan(theirs)
    ):
        return True
    return type(ours) is type(theirs) and ours == theirs
