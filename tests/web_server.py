"""A web server on loopback with responses from the test."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class WebServer(ThreadingHTTPServer):
    """
    Answers every GET and HEAD with the content of the path, or with the `default`, in ranges.

    Parameters
    ----------
    default
        Content of paths that have none in `contents`.

    Attributes
    ----------
    contents : dict
        By path, which begins with a slash, as it is requested.
    asked : list of str
        The paths of all requests.
    """

    daemon_threads = True

    def __init__(self, default: bytes = b"", handler: type[BaseHTTPRequestHandler] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler or Ranges)
        self.default, self.contents, self.asked = default, {}, []

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Ranges(BaseHTTPRequestHandler):
    """A handler that serves byte ranges; tests override methods to add faults."""

    protocol_version = "HTTP/1.1"
    # Head and body are sent one after the other: the body would wait 40 ms for the acknowledgement of the head.
    disable_nagle_algorithm = True

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def _serve(self, *, with_body: bool) -> None:
        self.server.asked.append(self.path)
        content = self.server.contents.get(self.path, self.server.default)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self.answer(200, content, {}, with_body=with_body)
            return
        start, stop = int(asked[1]), int(asked[2]) + 1 if asked[2] else len(content)
        if start >= len(content):
            self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"}, with_body=with_body)
            return
        part = content[start:stop]
        said = {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}"}
        self.answer(206, part, said, with_body=with_body)

    def answer(self, status: int, body: bytes, headers: dict[str, str], *, with_body: bool = True) -> None:
        """Send a response."""
        self.send_response(status)
        for name, value in {"ETag": '"1"', "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print no line on the terminal."""
