"""
Connections to servers, kept open between requests; private addresses are refused unless the caller has named
them.
"""

import asyncio
import atexit
import errno
import socket
import urllib.request
from contextlib import suppress
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from sunpy_heliocloud.io.location import HTTPLocation, is_private
from sunpy_heliocloud.version import version

__all__ = ["proxy", "session"]

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, aiohttp.ClientSession]] = (
    WeakKeyDictionary()
)


def proxy(location: HTTPLocation) -> str | None:
    """The proxy of the environment or the system."""
    if urllib.request.proxy_bypass(location.host):
        return None
    return urllib.request.getproxies().get(location.scheme)


class _PublicResolver(AbstractResolver):
    """A resolver that accepts public addresses only, so that no connection goes into the caller's network."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [answer for answer in found if not is_private(answer["host"])]
        if not public:
            raise PermissionError(
                errno.EACCES,
                f"{host} is an address of this machine or its network, which only the caller may name",
            )
        return public

    async def close(self) -> None:
        await self._resolver.close()


def session(*, may_be_private: bool) -> aiohttp.ClientSession:
    """The session of this thread's event loop, with its open connections."""
    sessions = _sessions.setdefault(asyncio.get_running_loop(), {})
    if may_be_private not in sessions:
        resolver = aiohttp.ThreadedResolver() if may_be_private else _PublicResolver()
        sessions[may_be_private] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            # Each wait has its own time-out.
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            headers={"User-Agent": f"sunpy_heliocloud/{version}"},
        )
    return sessions[may_be_private]


@atexit.register
def _close() -> None:
    for loop, sessions in list(_sessions.items()):
        if not loop.is_running():
            continue
        for session in sessions.values():
            with suppress(TimeoutError, RuntimeError):
                asyncio.run_coroutine_threadsafe(session.close(), loop).result(timeout=1)
