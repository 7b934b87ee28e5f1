"""Whole files, opened as a sequence and read, beside what astropy makes of the same bytes."""

import shutil
import tempfile
import warnings
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fuzz import corpus
from fuzz.fits_mutations import CARD, file_damaged, header_damaged, header_spans, heap_damaged, table_damaged
from fuzz.mutations import damaged
from fuzz.oracle import oracle
from fuzz.outcome import Outcome, finding, is_inert, of_error

__all__ = ["FileTarget"]

_WAYS = {"header": header_damaged, "table": table_damaged, "heap": heap_damaged, "file": file_damaged}


class Case(NamedTuple):
    """A file, and what it was made of."""

    name: str
    data: bytes


class FileTarget:
    """
    A file in a sequence: alone with ``errors="raise"``, or between two good ones with ``errors="mask"``.

    Parameters
    ----------
    part
        What is damaged: ``"header"``, ``"table"``, ``"heap"``, or ``"file"`` for any of these and the whole.
    headers
        A folder of header texts, see `fuzz.corpus.fits_files`.
    """

    def __init__(self, part: str, headers: str | None) -> None:
        self._part = part
        self._files = corpus.fits_files(headers)
        if part == "table":
            self._files = {
                name: file for name, file in self._files.items() if name[:5] != "plain" and name[-2:] != "gz"
            }
        self._oracle = oracle()
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._url = str(self._folder / "damaged.fits")
        self._good = {}
        for name, minutes in (("before.fits", -10), ("after.fits", 10)):
            (self._folder / name).write_bytes(corpus.frame_file(minutes))
            self._good[str(self._folder / name)] = self._oracle.pixels(corpus.frame_file(minutes))
        self._intact = _intact(headers)

    def __del__(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def good(self) -> Case:
        return Case("RICE_1 i4", self._files["RICE_1 i4"])

    def start(self, rng: np.random.Generator) -> Case:
        names = list(self._files)
        name = names[rng.integers(len(names))]
        return Case(name, self._files[name])

    def mutate(self, rng: np.random.Generator, case: Case) -> Case:
        if case.data[:2] == b"\x1f\x8b":
            return case._replace(data=file_damaged(rng, case.data))
        way = damaged if rng.random() < 0.02 else _WAYS[self._part]
        return case._replace(data=way(rng, case.data))

    def show(self, case: Case) -> None:
        print(case.name, len(case.data), self._url, "mask" if _masks(case) else "raise")
        Path(self._url).write_bytes(case.data)
        intact = self._files[case.name]
        places = range(0, min(len(intact), len(case.data)), CARD)
        changed = [i for i in places if intact[i : i + CARD] != case.data[i : i + CARD]]
        for i in changed[:40]:
            print(i, intact[i : i + CARD], "->", case.data[i : i + CARD])
        print(len(changed), "pieces of 80 bytes differ")
        print("astropy:", self._oracle.pixels(case.data))

    def run(self, case: Case) -> Outcome:
        Path(self._url).write_bytes(case.data)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            outcome = self._read_masked(case) if _masks(case) else self._read(case)
        for warning in told:
            if (
                outcome.is_good
                and "sunpy_heliocloud" in str(warning.filename)
                and not is_inert(str(warning.message))
            ):
                return finding("not inert", f"warning {warning.message!s}")
        return outcome

    def _read(self, case: Case) -> Outcome:
        from sunpy_heliocloud import LazyMapSequence

        try:
            sequence = LazyMapSequence([self._url])
            pixels = sequence[0].data.compute(scheduler="synchronous")
            shown = _shown(sequence)
        except Exception as error:  # noqa: BLE001  of_error judges them
            outcome = of_error(error)
            if outcome.is_good and self._url not in str(error):
                return finding("no URL", f"{type(error).__name__}: {error}")
            return outcome
        return shown or self._compared(case, pixels)

    def _read_masked(self, case: Case) -> Outcome:
        """No error may come out of a sequence with ``errors="mask"``, and no other frame may suffer."""
        from sunpy_heliocloud import LazyMapSequence

        before, after = self._good
        sequence = LazyMapSequence([before, self._url, after], errors="mask")
        images = {
            url: sequence[i].data.compute(scheduler="synchronous") for i, url in enumerate(sequence.urls)
        }
        if shown := _shown(sequence):
            return shown
        for url, expected in self._good.items():
            if url not in images or not _same(images[url], expected):
                return finding("another frame suffers", f"{url}: {sequence.status}")
        lost = _status_of(sequence, self._url)
        if self._url not in images or np.isnan(images[self._url]).all():
            if lost:
                return Outcome("masked", lost) if is_inert(lost) else finding("not inert", lost)
            if self._url in images and _same(images[self._url], self._oracle.pixels(case.data)):
                return Outcome("equal")
            return finding("lost without a word", sequence.status)
        return self._compared(case, images[self._url])

    def _compared(self, case: Case, pixels: np.ndarray) -> Outcome:
        expected = self._oracle.pixels(case.data)
        if isinstance(expected, np.ndarray) and _same(pixels, expected):
            return Outcome("equal")
        if isinstance(expected, str):
            # astropy refuses some headers that are read here on purpose, such as those with a raw nan.
            healed = self._oracle.pixels(_with_headers_of(self._files[case.name], case.data))
            if _same(pixels, self._intact[case.name]) or _same(pixels, healed):
                return Outcome("equal", f"astropy: {expected}")
        shown = expected if isinstance(expected, str) else f"{expected.dtype} {expected.shape} {expected[:2]}"
        return finding(
            "other pixels", f"{case.name}: {pixels.dtype} {pixels.shape} {pixels[:2, :6]}; astropy: {shown}"
        )


@cache
def _intact(headers: str | None) -> dict[str, np.ndarray | str]:
    """What astropy reads of the files without damage."""
    return {name: oracle().pixels(file) for name, file in corpus.fits_files(headers).items()}


def _masks(case: Case) -> bool:
    return bool(zlib.crc32(case.data) & 1)


def _with_headers_of(intact: bytes, data: bytes) -> bytes:
    """The file with headers without damage, where they are as long."""
    spans = header_spans(intact)
    if spans == header_spans(data):
        for begin, end in spans:
            data = data[:begin] + intact[begin:end] + data[end:]
    return data


def _same(pixels: np.ndarray, expected: object) -> bool:
    if not isinstance(expected, np.ndarray) or pixels.shape != expected.shape:
        return False
    # Of float32, a scaling rounds in another order here than there.
    with np.errstate(all="ignore"):
        pixels, expected = pixels.astype("f8"), expected.astype("f8")
        return np.allclose(
            pixels, expected, rtol=1e-6, atol=1e-5 * np.nanmax(np.abs(expected), initial=0), equal_nan=True
        )


def _shown(sequence: Any) -> Outcome | None:
    """What is wrong with how a sequence shows itself."""
    texts = {"repr": repr(sequence), "status": str(sequence.status)}
    for name, text in texts.items():
        if not is_inert(text.replace("<LazyMapSequence", ""), lines=True):
            return finding("not inert", f"{name}: {text!r}")
    if hasattr(sequence, "_repr_html_"):
        page = sequence._repr_html_()
        if any(bad in page for bad in ("<script>alert", "<img src=x", "\x1b", "\x9b", "\u202e", "\0")):
            return finding("not inert", f"_repr_html_: {page!r}")
    if len(sequence):
        seconds = sequence.exposure_time
        if not sequence.times.isscalar and not np.isfinite(sequence.times.jd).all():
            return finding("no time", sequence.times)
        if seconds is not None and (seconds.value < 0).any():
            return finding("negative exposure", seconds)
    return None


def _status_of(sequence: Any, url: str) -> str:
    """Why a frame is lost; empty if it is not."""
    return " ".join(
        str(row["reason"]) for row in sequence.status if row["url"] == url and row["status"] != "ok"
    )
