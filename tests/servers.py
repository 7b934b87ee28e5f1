"""Servers with faults, on loopback."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator

__all__ = ["answer", "raw_server"]


@contextlib.contextmanager
def raw_server(
    respond: Callable[[str, dict[str, str]], Iterable[bytes | float]],
) -> Iterator[tuple[str, list]]:
    """
    A server that sends what it is told, byte by byte.

    ``respond(path, headers)`` gives bytes to send and seconds to wait; the connection is closed after the last of them.
    Gives the server's URL and a list of what it was asked: paths and headers.
    """
    asked: list[tuple[str, dict[str, str]]] = []
    closing = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.settimeout(60)
        # What is sent in parts would wait 40 ms for the acknowledgement of the first.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                if not (more := connection.recv(65536)):
                    return
                head += more
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {
                name.casefold(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            path = first.split()[1]
            asked.append((path, headers))
            for part in respond(path, headers):
                if closing.is_set():
                    return
                if isinstance(part, bytes):
                    connection.sendall(part)
                else:
                    closing.wait(part)

    def listen() -> None:
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        # A thread that waits in accept while the socket is closed could take the connections of the next server.
        listener.settimeout(0.05)
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        finally:
            closing.set()
            thread.join()


def answer(status: str, body: bytes = b"", **headers: str) -> list[bytes]:
    """
    A complete HTTP response of a server that closes the connection; ``_`` in names of headers means ``-``.
    """
    lines = {"Content-Length": str(len(body)), "Connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return [f"HTTP/1.1 {status}\r\n{head}\r\n".encode(), body]
