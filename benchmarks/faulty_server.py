"""
A server of files whose faults are ordered, in a process of its own.

``python faulty_server.py`` reads orders from its standard input and answers each with a line of JSON: the counts so far.
It serves ``/NUMBER.fits``: images of a simulated kind, of which twelve have different pixels and each its own header.
"""

import asyncio
import io
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

__all__ = ["FAULTS", "FaultyServer", "serve"]

# Shares of all requests, in percent.
FAULTS = {"500": 5, "503": 5, "cut": 3, "reset": 3, "stall": 1}
IMAGES = 12
SIDE = 512


class FaultyServer:
    """The server's process, and orders to it."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{self.order()['port']}"

    def order(self, **faults: float) -> dict[str, Any]:
        """Set the shares of faults in percent, start to count anew, and give what was counted before."""
        self._process.stdin.write(json.dumps(faults) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def urls(self, frames: int) -> list[str]:
        """Of so many frames."""
        return [f"{self.url}/{i:05d}.fits" for i in range(frames)]


@contextmanager
def serve() -> Iterator[FaultyServer]:
    """A server, for as long as a ``with`` block."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield FaultyServer(process)  # it ends when its standard input is closed


# ---- within the server's process


@cache
def _pixels(number: int) -> Any:
    import numpy as np

    rng = np.random.default_rng(number)
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = 500 + 300 * np.sin(x / 30 + number) * np.cos(y / 40)
    return rng.poisson(np.maximum(waves, 1)).astype(np.int32)


@cache
def _file(number: int) -> bytes:
    import astropy.units as u
    from astropy.io import fits
    from astropy.time import Time

    time = Time("2018-05-29T00:00:00") + number * 12 * u.s
    hdu = fits.CompImageHDU(_pixels(number % IMAGES), compression_type="RICE_1")
    scale = 2400 / SIDE
    hdu.header.update(
        {
            "TELESCOP": "SDO/AIA", "INSTRUME": "AIA_3", "WAVELNTH": 171, "WAVEUNIT": "angstrom",
            "EXPTIME": 2.0, "DATE-OBS": time.isot, "T_OBS": (time + 1 * u.s).isot, "QUALITY": 0,
            "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
            "CDELT1": scale, "CDELT2": scale, "CRPIX1": SIDE / 2, "CRPIX2": SIDE / 2, "CRVAL1": 0.0, "CRVAL2": 0.0,
            "RSUN_REF": 696000000.0, "DSUN_OBS": 1.5e11, "HGLN_OBS": 0.0, "HGLT_OBS": 0.5, "CROTA2": 0.0,
        }
    )  # fmt: skip
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(content)
    return content.getvalue()


class _Server:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: dict[str, float] = {}
        self.chance = random.Random(1)  # noqa: S311  no secret

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                data = _file(int(first.split("/")[1].split(".")[0]))
                start, stop = headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")
                part = data[int(start) : int(stop or len(data)) + 1]
                fault = self._fault()
                self.counts["requests"] += 1
                self.counts[fault] += 1
                if fault in ("500", "503"):
                    writer.write(f"HTTP/1.1 {fault} Fault\r\nContent-Length: 0\r\n\r\n".encode())
                    continue
                if fault == "reset":
                    writer.transport.abort()
                    return
                if fault == "stall":
                    await reader.read()  # until the other side has had enough
                    return
                said = f"Content-Range: bytes {start}-{int(start) + len(part) - 1}/{len(data)}\r\n"
                said += f'Content-Length: {len(part)}\r\nETag: "{first.split()[1]}"\r\n'
                writer.write(f"HTTP/1.1 206 Partial Content\r\n{said}\r\n".encode())
                writer.write(part[: len(part) // 2] if fault == "cut" else part)
                await writer.drain()
                if fault == "cut":
                    return
        writer.close()

    def _fault(self) -> str:
        number = self.chance.uniform(0, 100)
        for fault, share in self.faults.items():
            number -= share
            if number < 0:
                return fault
        return "none"


async def _main() -> None:
    server = _Server()
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps({"port": port} | server.counts), flush=True)
        server.faults = json.loads(line)
        server.counts.clear()


if __name__ == "__main__":
    asyncio.run(_main())
