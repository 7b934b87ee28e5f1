"""A gate: a port in front of a server, which can be shut for a while."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

__all__ = ["Gate", "gate"]


class Gate:
    """
    Passes on what comes to a port of its own.

    Parameters
    ----------
    url
        Of the server.
    """

    def __init__(self, url: str) -> None:
        behind = urlsplit(url)
        self._behind = behind.hostname, behind.port
        self._port = 0
        self.open()
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Take connections."""
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections, and break those that there are."""
        for one in [self._listener, *self._connections]:
            with contextlib.suppress(OSError):  # it is closed
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _listen(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the gate is shut
            while True:
                ours, _ = listener.accept()
                theirs = socket.create_connection(self._behind)
                self._connections += ours, theirs
                for pair in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def gate(url: str) -> Iterator[Gate]:
    """A gate, for as long as a ``with`` block."""
    made = Gate(url)
    try:
        yield made
    finally:
        made.shut()
