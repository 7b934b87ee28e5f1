"""moto's S3 as a WSGI application on a free port, with buckets of each server's own."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from threading import Thread

from .faults import Answer

__all__ = ["run", "serve"]


@contextlib.contextmanager
def serve(answer: Callable[[dict, Callable, Callable], Iterable[bytes]]) -> Iterator[str]:
    """Run moto's S3 behind ``answer`` on a free port; gives the endpoint's URL."""
    try:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
    except ImportError as e:
        raise ImportError('The local server needs moto: pip install "sunpy_heliocloud[demo]"') from e

    class QuietRequestHandler(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """No line on the terminal for each request: there are thousands of requests."""

    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
        return answer(environ, start_response, moto)

    server = ThreadedWSGIServer("127.0.0.1", 0, application, handler=QuietRequestHandler)
    # Closing the server would otherwise wait for every connection that a client keeps open.
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
