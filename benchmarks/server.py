"""
An S3 server that counts what it is asked for, in processes of its own.

``python server.py FOLDER LATENCY`` serves the folders of a folder as buckets until its standard input ends. The
server is rclone; in front of it a relay passes bytes on and counts them, at 1 ms a megabyte for whoever reads.
"""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Server", "Traffic", "serve"]

PIECE = 2**18


class Traffic(NamedTuple):
    """Requests so far, and bytes of all answers, their heads included."""

    requests: int
    bytes: int

    def __sub__(self, before: "Traffic") -> "Traffic":
        return Traffic(self.requests - before.requests, self.bytes - before.bytes)


class Server(NamedTuple):
    """Where to find a server that runs. To be passed to other processes."""

    endpoint_url: str
    counter_port: int

    def traffic(self) -> Traffic:
        """What the server has done since it was started."""
        with socket.create_connection(("127.0.0.1", self.counter_port)) as connection:
            return Traffic(*json.loads(connection.makefile().read()))


@contextmanager
def serve(folder: Path, latency: float = 0.0) -> Iterator[Server]:
    """Serve the folders of a folder as buckets, holding back every request for some seconds."""
    process = subprocess.Popen(
        [sys.executable, __file__, folder, str(latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the S3 server did not start; it ended with {process.wait()}")
        yield Server(*json.loads(line))
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


class _Relay:
    """Passes requests to the S3 server, each after a while, and answers back."""

    def __init__(self, s3_port: int, latency: float):
        self.s3_port = s3_port
        self.latency = latency
        self.requests = 0
        self.bytes = 0

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        s3_reader, s3_writer = await asyncio.open_connection("127.0.0.1", self.s3_port, limit=PIECE)
        await asyncio.gather(self._pass_requests(reader, s3_writer), self._pass_answers(s3_reader, writer))

    async def tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer whoever connects with the counts."""
        writer.write(json.dumps([self.requests, self.bytes]).encode())
        await writer.drain()
        writer.close()

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Who only reads sends no bodies: a request is a head. The stream ends in an incomplete one, of no bytes.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                await asyncio.sleep(self.latency)
                writer.write(request)
        writer.close()

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE):
                self.bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        writer.close()


async def _main(folder: str, latency: float) -> None:
    rclone = shutil.which("rclone", path=Path(sys.executable).parent) or "rclone"
    options = ["--addr", "127.0.0.1:0", "--read-only", "--config", ""]
    s3 = await asyncio.create_subprocess_exec(
        rclone, "serve", "s3", *options, folder, stderr=asyncio.subprocess.PIPE
    )
    try:
        relay = _Relay(await _port(s3.stderr), latency)
        log = asyncio.create_task(s3.stderr.read())  # Else rclone would stop once the pipe is full.
        front = await asyncio.start_server(relay.relay, "127.0.0.1", 0, limit=PIECE)
        counter = await asyncio.start_server(relay.tell, "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (front, counter)]
        print(json.dumps([f"http://127.0.0.1:{ports[0]}", ports[1]]), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        s3.terminate()
        await s3.wait()
        await log


async def _port(log: asyncio.StreamReader) -> int:
    """Wait until rclone says which port it has got."""
    said = ""
    while line := (await log.readline()).decode():
        if found := re.search(r"Starting s3 server on .*:(\d+)", line):
            return int(found[1])
        said += line
    raise RuntimeError(f"rclone ended without serving: {said}")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], float(sys.argv[2])))
