"""A small HTTP server that answers what it is given, as an S3 server would."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from fuzz.corpus import BUCKET

__all__ = ["DocumentServer"]


class DocumentServer:
    """
    Serves documents on a free port of this machine, in threads.

    Attributes
    ----------
    documents : dict
        Bytes by path, such as ``"/bucket/catalog.json"``.
    listing : bytes
        Of any folder.
    """

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.listing = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are sent one after the other: the body would wait 40 ms for the acknowledgement of the head.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                outer._answer(self)

            do_HEAD = do_GET

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        is_listing = "list-type" in parse_qs(parts.query) and unquote(parts.path).strip("/") == BUCKET
        data = self.listing if is_listing else self.documents.get(unquote(parts.path))
        status, headers = 200, {"ETag": '"fixed"', "Accept-Ranges": "bytes"}
        if data is None:
            status, data = 404, b"<Error><Code>NoSuchKey</Code><Message>None</Message></Error>"
        elif wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", "")):
            begin, end = int(wanted[1]), int(wanted[2] or len(data)) + 1
            headers["Content-Range"] = f"bytes {begin}-{min(end, len(data)) - 1}/{len(data)}"
            status, data = 206, data[begin:end]
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(data)
