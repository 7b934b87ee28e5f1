"""moto's S3 as a WSGI application on a free port, with buckets of each server's own."""

import contextlib
import functools
import io
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any
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
    """
    Run moto's S3 behind ``answer`` on a free port.

    Connections stay open for further requests, as those of S3 do.
    """
    try:
        from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
        from werkzeug.test import Client

        moto = _moto()
    except ImportError as e:
        raise ImportError('The local server needs moto: pip install "sunpy_heliocloud[demo]"') from e

    class RequestHandler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # head and body are sent together

        def run_wsgi(self) -> None:
            """Answer a request. werkzeug's method ends each connection, after a look for more of the body for 10 ms."""
            environ = self.make_environ()
            length = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
            sent = environ["wsgi.input"].read(length)
            environ |= {"wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent))}
            status, headers, body = _answer_of(application, environ)
            code, _, reason = status.partition(" ")
            self.send_response(int(code), reason)
            lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
            for name, value in headers if lengths else [*headers, ("Content-Length", str(len(body)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if self.command != "HEAD" and any(length > len(body) for length in lengths):  # truncated
                self.close_connection = True

        def handle_expect_100(self) -> bool:
            """Let a client that asks first send its body, at once."""
            is_expected = super().handle_expect_100()
            self.wfile.flush()
            return is_expected

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """No line on the terminal for each request: there are thousands of requests."""

    class Server(ThreadedWSGIServer):
        block_on_close = False

        def __init__(self) -> None:
            self._connections: set[socket.socket] = set()
            super().__init__("127.0.0.1", 0, application, handler=RequestHandler)

        def process_request(self, request: Any, client_address: Any) -> None:
            self._connections.add(request)
            super().process_request(request, client_address)

        def shutdown_request(self, request: Any) -> None:
            self._connections.discard(request)
            super().shutdown_request(request)

        def server_close(self) -> None:
            """End the connections that clients keep open, too."""
            super().server_close()
            for connection in list(self._connections):
                with contextlib.suppress(OSError):  # the client has ended it
                    connection.shutdown(socket.SHUT_RDWR)

    def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
        return answer(environ, start_response, moto)

    server = Server()
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
    """Status, headers and body of moto's answer."""
    return _answer_of(application, _in_own_bucket(environ))


def _answer_of(application: Callable, environ: dict) -> Answer:
    """Status, headers and body of a WSGI application's answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks = application(environ, lambda status, headers, *_: started.append((status, headers)))
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
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
