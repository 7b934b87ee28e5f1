"""Addresses for the gate."""

import ipaddress
import re

import numpy as np

from fuzz.mutations import HOSTILE_URLS, text_damaged
from fuzz.outcome import Outcome, finding, is_inert

__all__ = ["URLTarget"]

_PARTS = (
    *(
        "s3",
        "https",
        "http",
        "file",
        "reference",
        "simplecache",
        "://",
        "::",
        ":",
        "/",
        "//",
        "\\",
        "@",
        "#",
        "?",
        "%",
    ),
    *(
        "%2e%2e",
        "..",
        ".",
        "bucket",
        "key.fits",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "0",
        "0x7f",
        "017700000001",
        "2130706433",
    ),
    *(
        "example.org",
        "a b",
        "é",
        "日本",
        "\u202e",
        "\0",
        "\n",
        "%00",
        "%0a",
        "user:pw",
        "169.254.169.254",
        ":443",
        ":80",
        ":0",
    ),
    *(
        "[fe80::1%25eth0]",
        "。",
        "ⓔxample.org",
        "xn--",
        "-",
        "_",
        "*",
        "{",
        "}",
        "[",
        "]",
        "S3",
        "HTTPS",
        "~",
        "&x=1",
        "+",
        ";",
    ),
)


class URLTarget:
    """Texts that may be URLs."""

    def good(self) -> str:
        return "s3://bucket/a b+c%20d#e?f"

    def start(self, rng: np.random.Generator) -> str:
        if rng.random() < 0.4:
            return HOSTILE_URLS[rng.integers(len(HOSTILE_URLS))]
        begin = ["s3://bucket/", "https://host.example/", "https://", "s3://", ""][rng.integers(5)]
        return begin + "".join(_PARTS[i] for i in rng.integers(len(_PARTS), size=int(rng.integers(1, 8))))

    def mutate(self, rng: np.random.Generator, case: str) -> str:
        if rng.random() < 0.5:
            at = int(rng.integers(len(case) + 1))
            return case[:at] + _PARTS[rng.integers(len(_PARTS))] + case[at + int(rng.integers(3)) :]
        return text_damaged(rng, case.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogateescape")[
            :20_000
        ]

    def show(self, case: str) -> None:
        print(ascii(case[:2000]))

    def run(self, case: str) -> Outcome:
        from yarl import URL

        from sunpy_heliocloud.io.location import (
            HTTPLocation,
            LocalLocation,
            LocationError,
            S3Location,
            given_location,
            remote_location,
        )

        results = []
        for gate in (remote_location, given_location):
            try:
                results.append(gate(case))
            except LocationError as error:
                if not is_inert(str(error)):
                    return finding("not inert", str(error))
                results.append(None)
        remote, given = results
        if remote is None:
            outcome = Outcome("clear error")
        elif remote != given:
            return finding("two gates disagree", f"{remote!r} {given!r}")
        else:
            outcome = Outcome("read")
        if given is None or isinstance(given, LocalLocation):
            return outcome
        again = given_location(str(given))
        if again != given:
            return finding("no round trip", f"{given!r} {again!r}")
        text = str(given)
        if re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text):
            return finding("control characters", repr(given))
        if isinstance(given, S3Location):
            # S3 does not know `..`, but servers and clients of http do.
            if not case.casefold().startswith("s3://") or _rest(case) != _rest(text):
                return finding("another key", repr(given))
            if {"..", "."} & set(given.key.split("/")):
                return finding("dots", repr(given))
            given = given.at(None)
        if isinstance(given, HTTPLocation):
            seen = URL(str(given), encoded=True)
            try:
                seen.host  # noqa: B018  decoding may fail
            except ValueError as error:
                return finding("the library refuses the host", f"{given!r} {error}")
            if seen.raw_host != given.host or seen.user or seen.password or seen.scheme != given.scheme:
                return finding("the library sees another host", f"{given!r} {seen!r}")
            if seen.raw_path != given.path or {"..", "."} & set(seen.path.split("/")):
                return finding("the library sees another path", f"{given!r} {seen.raw_path!r}")
            if remote is not None and _is_private(given.host):
                return finding("private host", repr(given))
        return outcome


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        import socket

        try:
            # What the C library takes for an address: 127.1, 0x7f.1, 2130706433.
            return not ipaddress.ip_address(socket.inet_aton(host)).is_global
        except OSError:
            return host.rstrip(".") == "localhost"


def _rest(url: str) -> str:
    return url.partition("://")[2].rstrip("/")
