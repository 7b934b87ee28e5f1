"""A HelioCloud on this machine: an S3 server that logs requests and has faults on demand."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from threading import Lock
from xml.etree import ElementTree

import astropy.units as u

from sunpy_heliocloud.arguments import file_path, shown
from .arguments import content, repetitions, span, text, whole
from .documents import REGISTRY_KEY, registry
from .faults import Answer, Fault, error_answer, half_of
from .s3 import Endpoint, run, serve

__all__ = ["LocalServer", "LoggedRequest"]


@dataclass(frozen=True)
class LoggedRequest:
    """
    One logged request.

    Attributes
    ----------
    method
        ``"GET"``, ``"HEAD"``, ``"PUT"``, ...
    key
        Key of the object in the bucket; empty for requests to the bucket itself, such as listings.
    byte_range
        The ``Range`` header, or None for a request of the whole object.
    status
        HTTP status of the answer.
    bytes_sent
        Length of the answer's body.

    Examples
    --------
    >>> server.log[-1].method  # doctest: +SKIP
    'GET'
    """

    method: str
    key: str
    byte_range: str | None
    status: int
    bytes_sent: int


class LocalServer:
    """
    An S3 server on a free port of this machine, in threads of this process, for as long as a ``with`` block.

    Inside the block the environment variables ``AWS_ENDPOINT_URL_S3`` and ``ROOT_CATALOG_REGISTRY_URL``
    point to it, so that all requests to HelioCloud go to this server instead. Servers do not
    share objects, and several can run at the same time. The server keeps objects in memory, or in temporary
    files if they are larger than 5 MB; they are gone when the block ends.

    Parameters
    ----------
    bucket
        Name of the bucket that the server starts with.
    latency
        Time that every answer is held back, as a distant server would.

    Attributes
    ----------
    endpoint_url : str
        What to give to S3 clients, for example ``http://127.0.0.1:41807``.
    url : str
        The bucket, ``s3://gov-nasa-hdrl-data1/``.
    registry_url : str
        Where the registry of buckets is, over http.
    log : list of LoggedRequest
        Every request since the start or the last `reset`, uploads included. An answer is logged before it is
        sent, so that the log is complete when the client has its bytes.

    Raises
    ------
    ImportError
        If moto is not installed.

    Notes
    -----
    The server is `moto <https://docs.getmoto.org>`__. Objects written with `storage_options` can be read by
    anybody, as in the real bucket.

    Examples
    --------
    >>> from sunpy_heliocloud.simulation import LocalServer
    >>> with LocalServer() as server:  # doctest: +SKIP
    ...     server.upload("a_folder")
    ...     server.reset()
    ...     ...
    ...     print(server.requests, server.bytes_sent)
    """

    def __init__(self, *, bucket: str = "gov-nasa-hdrl-data1", latency: u.Quantity[u.s] = 0 * u.s):
        self.bucket = text("bucket", bucket, "gov-nasa-hdrl-data1")
        self.latency = span("latency", latency, "20 * u.ms")
        self.url = f"s3://{bucket}/"
        self.log: list[LoggedRequest] = []
        self._faults: list[Fault] = []
        self._lock = Lock()
        self._endpoint: Endpoint | None = None

    def __enter__(self) -> "LocalServer":
        with contextlib.ExitStack() as stack:
            self._endpoint = stack.enter_context(serve(self._answer))
            self.endpoint_url = self._endpoint.url
            self.registry_url = f"{self.endpoint_url}/{self.bucket}/{REGISTRY_KEY}"
            stack.enter_context(
                _environment(
                    AWS_ENDPOINT_URL_S3=self.endpoint_url,
                    ROOT_CATALOG_REGISTRY_URL=self.registry_url,
                )
            )
            self._request("PUT")
            stack.callback(self._remove_bucket)
            self.reset()
            self._running = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.close()

    @property
    def storage_options(self) -> dict:
        """
        Options with which `s3fs.S3FileSystem` may write to the server; the objects are publicly readable.

        Examples
        --------
        >>> server.storage_options["endpoint_url"].startswith("http://127.0.0.1")
        True
        """
        return {
            "endpoint_url": self.endpoint_url,
            "key": "simulation",
            "secret": "simulation",
            "s3_additional_kwargs": {"ACL": "public-read"},
        }

    def _request(self, method: str, key: str = "", data: bytes = b"") -> bytes:
        if self._endpoint is None:
            raise RuntimeError("the server runs in a with block only: with LocalServer() as server: ...")
        return self._endpoint.request(method, f"/{self.bucket}/{key}", data)

    @property
    def requests(self) -> int:
        """
        Number of requests since the start or the last `reset`.

        Examples
        --------
        >>> server.requests >= 0
        True
        """
        return len(self.log)

    @property
    def bytes_sent(self) -> int:
        """
        Bytes of all answers' bodies since the start or the last `reset`.

        Examples
        --------
        >>> server.bytes_sent >= 0
        True
        """
        return sum(request.bytes_sent for request in self.log)

    def reset(self) -> None:
        """
        Empty the log, and with it the counts. Faults and objects stay.

        Examples
        --------
        >>> server.reset()
        >>> server.requests
        0
        """
        self.log = []

    def write(self, key: str, data: bytes) -> str:
        """
        Put one object into the bucket, or another one in its place.

        Parameters
        ----------
        key
            Its key, such as ``"catalog.json"``.
        data
            Its bytes.

        Returns
        -------
        str
            Its ``s3://`` URL.

        Examples
        --------
        >>> server.write("a/note.txt", b"text")
        's3://gov-nasa-hdrl-data1/a/note.txt'
        """
        text("key", key, "catalog.json")
        content("data", data)
        self._request("PUT", key, data)
        return f"{self.url}{key}"

    def read(self, key: str) -> bytes:
        """
        The content of an object. The request is logged like all others.

        Parameters
        ----------
        key
            Its key.

        Returns
        -------
        bytes
            Its bytes.

        Raises
        ------
        OSError
            If there is no such object.

        Examples
        --------
        >>> url = server.write("a/note.txt", b"text")
        >>> server.read("a/note.txt")
        b'text'
        """
        return self._request("GET", text("key", key, "catalog.json"))

    def clear(self) -> None:
        """
        Remove all objects, latency and faults, and empty the log.

        Examples
        --------
        >>> server.clear()  # doctest: +SKIP
        """
        self.heal()
        self.latency = 0 * u.s
        while keys := self._keys():
            for key in keys:
                self._request("DELETE", key)
        self.reset()

    def upload(self, folder: str | os.PathLike) -> None:
        """
        Serve a local folder as the bucket: the path of a file below the folder becomes its key.

        A registry that names this bucket is written if the folder has none.

        Parameters
        ----------
        folder
            The folder.

        Raises
        ------
        NotADirectoryError
            If there is no such folder.

        Examples
        --------
        >>> server.upload("a_folder")  # doctest: +SKIP
        """
        folder = file_path("folder", folder, "a_folder")
        if not folder.is_dir():
            raise NotADirectoryError(
                f"{folder} is not a folder: expected one to serve as the bucket {self.bucket}"
            )
        for path in folder.rglob("*"):
            if path.is_file():
                self.write(path.relative_to(folder).as_posix(), path.read_bytes())
        if not (folder / REGISTRY_KEY).exists():
            self.write(REGISTRY_KEY, json.dumps(registry(self.url), indent=1).encode())

    def fail(
        self,
        pattern: str,
        *,
        status: int = 503,
        times: int | None = 1,
        after: int = 0,
        methods: tuple[str, ...] = ("GET",),
    ) -> None:
        """
        Answer the next reads of some objects with an error.

        Parameters
        ----------
        pattern
            Which keys, as a glob: ``"*.fits"``, ``"catalog.json"``, ``"*"``; ``""`` for listings of the bucket.
        status
            HTTP status to answer with.
        times
            How many reads fail; None for all of them. Clients repeat what failed: s3fs gives up after 5
            answers of 500 and after 25 of 503, which takes it most of a minute; at 403 and 404 it does at
            once.
        after
            How many reads go well before.
        methods
            The methods that are regarded as a read. Clients may request an object's size first: ``("GET",
            "HEAD")`` fails that too.

        Examples
        --------
        >>> url = server.write("a/note.txt", b"text")
        >>> server.fail("a/note.txt", status=503, times=2)
        >>> server.heal()
        """
        if not 400 <= whole("status", status) < 600:
            raise ValueError(f"status is {status}, but has to be one of an error, from 400 to 599")
        self._fault(pattern, times, after, lambda answer: error_answer(status), methods)

    def truncate(self, pattern: str, *, times: int | None = 1, after: int = 0) -> None:
        """
        Break off the next answers in the middle of their bodies, as a lost connection does.

        Parameters
        ----------
        pattern
            Which keys, as a glob.
        times
            How many answers break off; None for all of them.
        after
            How many go well before.

        Examples
        --------
        >>> server.truncate("a/note.txt", times=1)  # doctest: +SKIP
        """
        self._fault(pattern, times, after, lambda answer: half_of(*answer()))

    def replace(self, key: str, data: bytes, *, after: int = 1) -> None:
        """
        Exchange an object between two reads of it.

        Parameters
        ----------
        key
            Its key.
        data
            What it holds from then on.
        after
            How many reads still see the old one.

        Examples
        --------
        >>> server.replace("a/note.txt", b"other")  # doctest: +SKIP
        """

        content("data", data)

        def act(answer: Callable[[], Answer]) -> Answer:
            self.write(key, data)
            return answer()

        self._fault(key, 1, after, act)

    def _fault(
        self, pattern: str, times: int | None, after: int, act: Callable, methods: tuple[str, ...] = ("GET",)
    ) -> None:
        if pattern != "":
            text("pattern", pattern, "*.fits")
        if isinstance(methods, str) or not all(isinstance(method, str) for method in methods):
            raise TypeError(
                f"methods are {shown(methods)}, but have to be several texts, such as ('GET', 'HEAD')"
            )
        self._faults.append(Fault(pattern, methods, repetitions(times), whole("after", after), act))

    def heal(self) -> None:
        """
        Answer well from now on: whatever `fail`, `truncate` and `replace` have ordered is off.

        Examples
        --------
        >>> server.heal()
        """
        with self._lock:
            self._faults.clear()

    def _answer(self, environ: dict, start_response: Callable, application: Callable) -> Iterable[bytes]:
        """Answer one request: apply latency and faults, and log it."""
        log = self.log  # a request that is answered after a reset began before it
        method = environ["REQUEST_METHOD"]
        key = environ["PATH_INFO"].removeprefix("/").partition("/")[2]
        time.sleep(self.latency.to_value(u.s))
        with self._lock:
            fault = next((fault for fault in self._faults if fault.strikes(method, key)), None)

        def answer() -> Answer:
            return run(application, environ)

        status, headers, body = fault.act(answer) if fault else answer()
        if method == "HEAD":
            body = b""
        code = int(status.split()[0])
        log.append(LoggedRequest(method, key, environ.get("HTTP_RANGE"), code, len(body)))
        start_response(status, headers)
        return [body]

    def _remove_bucket(self) -> None:
        """Moto would keep it as long as the process."""
        self.clear()
        self._request("DELETE")

    def _keys(self) -> list[str]:
        """Of the first page of objects."""
        listing = ElementTree.fromstring(self._request("GET"))  # noqa: S314, since it is our own server
        return [str(key.text) for key in listing.iterfind("{*}Contents/{*}Key")]


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables, and put back what was there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
