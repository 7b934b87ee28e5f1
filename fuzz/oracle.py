"""
What astropy makes of a file, asked in a process of its own: its C code may end that.

``python -m fuzz.oracle`` is that process. It reads files from its standard input and writes pixels.
"""

import contextlib
import gzip
import io
import os
import re
import resource
import select
import struct
import subprocess
import sys
from functools import cache

import numpy as np

from fuzz.fits_mutations import header_spans

__all__ = ["Oracle", "oracle"]

PATIENCE = 30  # s
MEMORY = 3 * 2**30


class Oracle:
    """astropy's reading of files, by a process that is started again when it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def pixels(self, file: bytes) -> np.ndarray | str:
        """The first two-dimensional image of a file; or why there is none."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fuzz.oracle"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # A sanitizer of our kernels takes more memory than the oracle has.
                env={name: value for name, value in os.environ.items() if name != "LD_PRELOAD"},
            )
        try:
            self._process.stdin.write(struct.pack("<q", len(file)) + file)
            self._process.stdin.flush()
            kind, size = struct.unpack("<?q", self._read(9))
            answer = self._read(size)
        except (OSError, EOFError) as error:
            return f"crash: {type(error).__name__} {self.close()}"
        return np.load(io.BytesIO(answer), allow_pickle=False) if kind else answer.decode()

    def close(self) -> int | None:
        """End the process; its exit status."""
        if self._process is None:
            return None
        self._process.kill()
        code = self._process.wait()
        with contextlib.suppress(OSError):  # what it has not read any more
            self._process.stdin.close()
        self._process.stdout.close()
        self._process = None
        return code

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), min(size, 65536))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


@cache
def oracle() -> Oracle:
    """One for all kinds of inputs that this process runs."""
    return Oracle()


def _first_image(file: bytes) -> np.ndarray:
    from astropy.io import fits

    if file[:2] == b"\x1f\x8b":
        file = gzip.decompress(file)
    # Unsigned integers would lose their BLANK.
    with fits.open(io.BytesIO(file), memmap=False, uint=False) as hdus:
        for hdu in hdus:
            if hdu.is_image and hdu.header.get("NAXIS") == 2:
                stored_as, blank = hdu.header["BITPIX"], hdu.header.get("BLANK")
                pixels = np.array(hdu.data)
                # Images of floats whose missing pixels have the value of BLANK are read as missing ones.
                if stored_as < 0 and isinstance(blank, int) and not isinstance(blank, bool):
                    pixels[pixels == blank] = np.nan
                return pixels
    raise ValueError("no image")


def _despite_flaws(file: bytes) -> np.ndarray:
    """The image, also of a file with what astropy takes amiss although it has nothing to do with pixels."""
    try:
        return _first_image(file)
    except OverflowError:
        # A BLANK that no pixel can have.
        return _first_image(file.replace(b"BLANK   =", b"NOBLANK ="))
    except ValueError:
        # Letters in comments, for example, that are not those of FITS.
        for begin, end in header_spans(file):
            file = file[:begin] + re.sub(rb"[^ -~]", b"?", file[begin:end]) + file[end:]
        return _first_image(file)


def main() -> None:
    import warnings

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    answers = sys.stdout.buffer
    while length := sys.stdin.buffer.read(8):
        file = sys.stdin.buffer.read(struct.unpack("<q", length)[0])
        try:
            with contextlib.redirect_stdout(sys.stderr):
                image = _despite_flaws(file)
                saved = io.BytesIO()
                np.save(saved, image)
            answer, kind = saved.getvalue(), True
        except Exception as error:  # noqa: BLE001  astropy raises anything on damaged files
            answer, kind = f"{type(error).__name__}: {error}"[:500].encode("utf-8", "replace"), False
        answers.write(struct.pack("<?q", kind, len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
