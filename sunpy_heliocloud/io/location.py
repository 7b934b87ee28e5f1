"""
Parsing and checks of all URLs: an object in S3, an HTTP address, or a local path.

Catalogues, indexes, headers and caches are text from outside. Each URL is parsed into its parts, and requests
use only a URL built from these parts. Other syntax that has a meaning in `fsspec`, `s3fs` or `aiohttp`
therefore has no effect.
"""

import ipaddress
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote_to_bytes, urlsplit

from sunpy_heliocloud.text import inert

__all__ = [
    "HTTPLocation",
    "LocalLocation",
    "Location",
    "LocationError",
    "S3Location",
    "given_location",
    "is_private",
    "remote_location",
    "trust_of",
    "trusted_origins",
]

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_LONGEST_KEY = 1024  # bytes, the limit of S3
_LONGEST_URL = 8192
# C0 and C1, the delete character, halves of surrogate pairs, separators of lines.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
# Query parameters that messages show; all others may be a signature or a token.
_SHOWN_PARAMETERS = {"", "list-type", "max-keys", "prefix", "delimiter"}
_EXPECTED = "expected s3://bucket/key or https://host/path"
# Names that resolve to this machine or network only.
_PRIVATE_NAMES = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home.arpa")


class LocationError(ValueError):
    """A URL is refused; the message has the URL and the expected form."""


@dataclass(frozen=True, slots=True)
class S3Location:
    """
    An object of a bucket; an empty key is the whole bucket.

    Parameters
    ----------
    bucket
        Name of the bucket.
    key
        Key of the object, with all characters unchanged.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def shown(self) -> str:
        """The URL for messages."""
        return inert(self)

    def at(self, endpoint: str | None) -> "HTTPLocation":
        """
        The HTTP address of the object, for programs without S3 support.

        Parameters
        ----------
        endpoint
            URL of the S3 server; `None` is Amazon's.
        """
        path = f"/{quote(self.key, safe='/~')}"
        if endpoint:
            server = given_location(endpoint)
            if not isinstance(server, HTTPLocation):
                raise LocationError(
                    f"The S3 endpoint is {inert(endpoint)!r}: expected https://host or http://host"
                )
            return replace(server, path=f"{server.path.rstrip('/')}/{self.bucket}{path}")
        # Names with dots or capitals do not fit the certificate of *.s3.amazonaws.com.
        if re.fullmatch(r"[a-z0-9-]{1,63}", self.bucket):
            return HTTPLocation("https", f"{self.bucket}.s3.amazonaws.com", None, path)
        return HTTPLocation("https", "s3.amazonaws.com", None, f"/{self.bucket}{path}")


@dataclass(frozen=True, slots=True)
class HTTPLocation:
    """
    A file on a web server.

    Parameters
    ----------
    scheme
        ``"https"`` or ``"http"``.
    host
        In lower case; an IPv6 address without brackets.
    port
        `None` for the default port of the scheme.
    path
        Quoted, with a slash at the beginning.
    query
        Quoted; empty if there is none.
    may_be_private
        Whether the host may be this machine or in its network. Only the caller may name such hosts.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str = ""
    may_be_private: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.origin}{self.path}{'?' if self.query else ''}{self.query}"

    def __repr__(self) -> str:
        # A query may contain a signature.
        return f"{type(self).__name__}({self.shown!r})"

    @property
    def shown(self) -> str:
        """The URL for messages: without a query, which may contain a signature."""
        names = {part.partition("=")[0] for part in self.query.split("&")}
        query = self.query if names <= _SHOWN_PARAMETERS else "…"
        return inert(f"{self.origin}{self.path}{'?' if query else ''}{query}")

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port is None else f':{self.port}'}"


@dataclass(frozen=True, slots=True)
class LocalLocation:
    """
    A file of this machine, which only the caller may name.

    Parameters
    ----------
    path
        Absolute.
    """

    path: str

    def __str__(self) -> str:
        return self.path

    def is_within(self, path: str) -> bool:
        """Whether the path is this file or folder, or in it, after resolving symbolic links."""
        inside, outside = os.path.realpath(self.path), os.path.realpath(path)
        return inside == outside or inside.startswith(os.path.join(outside, ""))

    @property
    def shown(self) -> str:
        """The URL for messages."""
        return inert(self)


type Location = S3Location | HTTPLocation | LocalLocation


def remote_location(url: str, trusted: Collection[str] = ()) -> Location:
    """
    The location of a URL in a catalogue, an index or a listing.

    Parameters
    ----------
    url
        ``s3://bucket/key`` or ``https://host/path``.
    trusted
        Origins and absolute paths that the caller has named. Origins (scheme, host and port), in addition
        to those of `trusted_origins`, may be private and may use http. These files, and files below these folders, are
        accepted.

    Returns
    -------
    S3Location, HTTPLocation or LocalLocation

    Raises
    ------
    LocationError
        For any other scheme, a chain of URLs, a local path, user info, control characters, segments ``..``, and
        addresses of this machine or its network.
    """
    location = _parsed(url)
    if isinstance(location, LocalLocation):
        if any(os.path.isabs(path) and location.is_within(path) for path in trusted):
            return location
        raise LocationError(f"{inert(url)!r} names a file of this machine: {_EXPECTED}")
    if isinstance(location, S3Location):
        return location
    if location.origin in trusted or location.origin in trusted_origins():
        return replace(location, may_be_private=True)
    if location.scheme != "https":
        raise LocationError(f"{location.shown!r} is not encrypted: {_EXPECTED}")
    if is_private(location.host):
        raise LocationError(f"{location.shown!r} is an address of this machine or its network: {_EXPECTED}")
    return location


def given_location(url: str | os.PathLike) -> Location:
    """
    The location of a URL that the caller names, which may also be a local file, a private host or http.

    Parameters
    ----------
    url
        ``s3://bucket/key``, ``https://host/path``, ``http://host/path`` or a path; ``~`` is the home folder,
        and an absolute path may begin with ``file://``.

    Returns
    -------
    S3Location, HTTPLocation or LocalLocation

    Raises
    ------
    LocationError
        If the URL is refused.
    """
    location = _parsed(os.fspath(url))
    return replace(location, may_be_private=True) if isinstance(location, HTTPLocation) else location


def trust_of(named: Location) -> frozenset[str]:
    """The ``trusted`` argument of `remote_location` after the caller has named a bucket, server or folder."""
    match named:
        case HTTPLocation():
            return frozenset({named.origin})
        case LocalLocation(path):
            return frozenset({path})
    return frozenset()


def trusted_origins() -> set[str]:
    """Scheme, host and port of the servers in the environment variables."""
    named = (os.environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "ROOT_CATALOG_REGISTRY_URL"))
    locations = (_parsed(url) for url in named if url)
    return {location.origin for location in locations if isinstance(location, HTTPLocation)}


def is_private(host: str) -> bool:
    """
    Whether a host is this machine, or in its network, by its name or address.

    Parameters
    ----------
    host
        A name, or an address without brackets.

    Notes
    -----
    Names that resolve to such addresses are refused when the connection is made.
    """
    name = host.rstrip(".").casefold()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        is_number = re.fullmatch(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*", name)  # 127.1, 0x7f000001
        return bool(is_number) or "." not in name or name.endswith(tuple(f".{end}" for end in _PRIVATE_NAMES))
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return not address.is_global or address.is_multicast or (mapped is not None and not mapped.is_global)


def _parsed(url: str) -> Location:
    if not isinstance(url, str) or not url:
        raise LocationError(f"{inert(url)!r} has no key or path: {_EXPECTED}")
    _refuse_long(url)
    if _CONTROL.search(url):
        raise LocationError(f"{inert(url)!r} has control characters: {_EXPECTED}")
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _local(url)
    if "::" in scheme or re.search(r"::[A-Za-z][A-Za-z0-9+.-]*://", rest):
        raise LocationError(f"{inert(url)!r} is a chain of URLs: {_EXPECTED}")
    match scheme.casefold():
        case "s3":
            return _s3(rest, url)
        case "http" | "https":
            return _http(url)
        case "file" if rest.startswith("/"):
            return _local(os.fsdecode(unquote_to_bytes(rest)))
    raise LocationError(f"{inert(url)!r} has the scheme {inert(scheme)!r}: {_EXPECTED}")


def _s3(rest: str, url: str) -> S3Location:
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or bucket.startswith("xn--"):
        raise LocationError(f"{inert(url)!r} has no name of a bucket: expected s3://bucket/key")
    if len(key.encode()) > _LONGEST_KEY:
        raise LocationError(f"{inert(url)!r} has a key of over {_LONGEST_KEY} bytes, which S3 does not have")
    _refuse_dots(key, url)
    return S3Location(bucket, key)


def _http(url: str) -> HTTPLocation:
    if "\\" in url:
        raise LocationError(f"{inert(url)!r} has a backslash: {_EXPECTED}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise LocationError(f"{inert(url)!r} is no URL ({inert(e)}): {_EXPECTED}") from e
    if "@" in parts.netloc:
        # The message omits the URL, which may contain a password.
        raise LocationError(
            f"A URL of {inert(host)} has user info (name@): give credentials as storage_options"
        )
    if not host or not _is_host(host, in_brackets="[" in parts.netloc):
        raise LocationError(f"{inert(url)!r} has no name of a host: {_EXPECTED}")
    if "#" in url:
        raise LocationError(f"{inert(url)!r} has a fragment, which is not part of a request: write %23 for #")
    decoded = unquote_to_bytes(parts.path).decode("utf-8", "replace")
    if _CONTROL.search(decoded) or "\\" in decoded:
        raise LocationError(f"{inert(url)!r} has control characters or backslashes: {_EXPECTED}")
    _refuse_dots(decoded, url)
    if port == {"http": 80, "https": 443}[parts.scheme]:
        port = None
    path, query = (quote(part, safe="%/:@!$&'()*+,;=~?") for part in (parts.path or "/", parts.query))
    location = HTTPLocation(parts.scheme, host.casefold(), port, path, query)
    _refuse_long(str(location))
    return location


def _local(path: str) -> LocalLocation:
    if "\0" in path or re.match(r"[A-Za-z][A-Za-z0-9+.-]+::", path):
        raise LocationError(
            f"{inert(path)!r} is neither a path nor a URL: expected s3://, https:// or a path"
        )
    return LocalLocation(os.path.abspath(os.path.expanduser(path)))


def _refuse_long(url: str) -> None:
    if len(url) > _LONGEST_URL:
        raise LocationError(f"{inert(url)!r} is too long: expected at most {_LONGEST_URL} characters")


def _refuse_dots(path: str, url: str) -> None:
    """Refuse segments that lead to another folder."""
    if any(part in (".", "..") for part in path.split("/")):
        raise LocationError(f"{inert(url)!r} has a segment '.' or '..': expected the whole name")


def _is_host(host: str, *, in_brackets: bool) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.rstrip(".").split(".")
        return not in_brackets and len(host) <= 253 and all(map(_is_label, labels))
    return "%" not in host  # the zone of an IPv6 address has a meaning on this machine only


def _is_label(label: str) -> bool:
    if not _HOST_LABEL.fullmatch(label):
        return False
    try:
        return not label.casefold().startswith("xn--") or bool(label.encode("ascii").decode("idna"))
    except (UnicodeError, OverflowError):  # of numbers that no letter has
        return False
