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
        self._connections: list[socket.socket] = []
        self.open()
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Take connections."""
        self._is_open, self._connections = True, []
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def shut(self) -> None:
        """Refuse connections, and break those that there are."""
        self._is_open = False
        _end(self._listener)
        while self._threads:
            for one in list(self._connections):
                _end(one)
            self._threads[-1].join(timeout=0.1)
            self._threads = [one for one in self._threads if one.is_alive()]

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._listener:  # it is ended
            while self._is_open:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, ours: socket.socket) -> None:
        with contextlib.suppress(OSError), ours, socket.create_connection(self._behind) as theirs:
            self._connections += ours, theirs
            answers = threading.Thread(target=_pass_on, args=(theirs, ours), daemon=True)
            answers.start()
            _pass_on(ours, theirs)
            answers.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed
        one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def gate(url: str) -> Iterator[Gate]:
    """A gate, for as long as a ``with`` block."""
    made = Gate(url)
    try:
        yield made
    finally:
        made.shut()
