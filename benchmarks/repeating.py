"""
An S3 server that has as many frames as one likes: a few files over and over, each with another time in its header.

``python repeating.py LATENCY FILE...`` serves ``s3://frames/<number>.fits`` until its standard input ends. It keeps the
files in memory and does little, so that what is measured is the reader.
"""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

__all__ = ["counts", "serve_repeatedly"]

CADENCE = timedelta(seconds=12)
START = datetime(2018, 1, 1)
TIMES = re.compile(rb"(?:T_OBS   |DATE-OBS)= '([^']{19,})'")


@contextmanager
def serve_repeatedly(files: Sequence[Path], latency: float = 0.0) -> Iterator[str]:
    """Serve files over and over, and hold back each answer for some seconds. Gives the endpoint's URL."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(latency), *map(str, files)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def counts(endpoint_url: str) -> tuple[int, int]:
    """Requests so far, and bytes of all answers, their heads included."""
    host, port = endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /counts HTTP/1.1\r\n\r\n")
        requests, size = json.loads(connection.makefile().readlines()[-1])
    return requests, size


class _File:
    """A file whose header can be given another time."""

    def __init__(self, path: Path):
        self.content = path.read_bytes()
        self.times = [found.span(1) for found in TIMES.finditer(self.content, 0, 65536)]

    def part(self, number: int, start: int, stop: int) -> bytes:
        part = self.content[start:stop]
        if start == 0:
            stamp = (START + number * CADENCE).isoformat(timespec="milliseconds").encode()
            for first, last in self.times:
                part = part[:first] + stamp[: last - first].ljust(last - first) + part[last:]
        return part


class _Server:
    def __init__(self, files: Sequence[_File], latency: float):
        self.files = files
        self.latency = latency
        self.requests = 0
        self.bytes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                if request.startswith(b"GET /counts"):
                    writer.write(
                        b"HTTP/1.1 200 OK\r\n\r\n%s" % json.dumps([self.requests, self.bytes]).encode()
                    )
                    break
                answer = self._answer(request)
                self.requests += 1
                self.bytes += len(answer)
                if self.latency:
                    await asyncio.sleep(self.latency)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, request: bytes) -> bytes:
        number = int(re.match(rb"GET /frames/(\d+)\.fits", request)[1])
        file = self.files[number % len(self.files)]
        etag, size = b'"%d"' % number, len(file.content)
        if b"If-None-Match: %s" % etag in request:
            return b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n" % etag
        first, last = map(int, re.search(rb"Range: bytes=(\d+)-(\d+)", request).groups())
        part = file.part(number, first, min(last + 1, size))
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\nETag: %s\r\n\r\n"
        return head % (len(part), first, first + len(part) - 1, size, etag) + part


async def _main(latency: float, paths: Sequence[str]) -> None:
    server = _Server([_File(Path(path)) for path in paths], latency)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(float(sys.argv[1]), sys.argv[2:]))
