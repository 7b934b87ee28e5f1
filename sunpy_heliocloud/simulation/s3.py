"""moto's S3 as a WSGI application on a free port, with buckets of each server's own."""

import contextlib
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

from .faults import Answer

if TYPE_CHECKING:
    from werkzeug.test import Client

__all__ = ["Endpoint", "run", "serve"]


@dataclass(frozen=True)
class Endpoint:
    """A running server: its URL, and its requests to itself, which need neither a connection nor a library of clients."""

    url: str
    client: "Client"

    def request(self, method: str, path: str, data: bytes = b"") -> bytes:
        """
        The body of the answer.

        Raises
        ------
        OSError
            For an answer with an error.
        """
        with self.client.open(
            quote(path),
            method=method,
            base_url=self.url,
            data=data,
            headers={"x-amz-acl": "public-read"},
        ) as answer:
            if answer.status_code >= 400:
                raise OSError(
                    f"{method} {path} was answered by {answer.status}: {answer.get_data(as_text=True)}"
                )
            return answer.get_data()


@contextlib.contextmanager
def serve(answer: Callable[[dict, Callable, Callable], Iterable[bytes]]) -> Iterator[Endpoint]:
    """Run moto's S3 behind ``answer`` on a free port."""
    try:
        from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
        from werkzeug.test import Client

        moto = _moto()
    except ImportError as e:
        raise ImportError('The local server needs moto: pip install "sunpy_heliocloud[demo]"') from e

    class QuietRequestHandler(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """No line on the terminal for each request: there are thousands of requests."""

    def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
        return answer(environ, start_response, moto)

    server = ThreadedWSGIServer("127.0.0.1", 0, application, handler=QuietRequestHandler)
    # Closing the server would otherwise wait for every connection that a client keeps open.
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Endpoint(f"http://127.0.0.1:{server.server_port}", Client(application))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@functools.cache
def _moto() -> Callable:
    """
    Moto's S3, one for all servers of this process, as its buckets are.

    Without the application that tells moto's services apart, which takes as long as an answer.
    """
    from moto.server import create_backend_app

    return create_backend_app("s3")


def run(application: Callable, environ: dict) -> Answer:
    """Status, headers and body of a WSGI application's answer."""
    started = []
    chunks = application(
        _in_own_bucket(environ), lambda status, headers, *_: started.append((status, headers))
    )
    try:
        body = b"".join(chunks)
    finally:
        chunks.close()
    return *started[-1], body


def _in_own_bucket(environ: dict) -> dict:
    """Moto keeps one set of buckets for the whole process: every server gets its own, named by its port."""
    paths = {name: environ[name] for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI")}
    return {
        **environ,
        **{
            name: re.sub(r"^/([^/?]+)", rf"/\1-{environ['SERVER_PORT']}", path)
            for name, path in paths.items()
        },
    }
