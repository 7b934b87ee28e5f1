"""Who asks for files, and of which S3 server: settled once, on the caller's machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sunpy_heliocloud.io.location import Location, given_location, remote_location, trusted_origins

__all__ = ["Access"]

_IDENTITY = frozenset({"anon", "key", "username", "secret", "password", "token", "profile", "session"})


@dataclass(frozen=True)
class Access:
    """
    How the files of one source are asked for; its `repr` shows no secrets.

    Parameters
    ----------
    endpoint
        URL of the S3 server; `None` is Amazon's.
    options
        For `s3fs.S3FileSystem`, credentials among them; empty for anonymous requests, which need no `s3fs`.
    is_given
        Whether the caller has named the files. Otherwise a catalogue has: they have to be remote, and credentials go
        to the endpoint or the bucket that the caller has named only.
    bucket
        The bucket that the caller has named, of files that a catalogue names.
    trusted
        Origins that may be private, besides those that the caller has named file by file.
    """

    endpoint: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    is_given: bool = True
    bucket: str = ""
    trusted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, storage_options: Mapping[str, Any] | None = None, **more: Any) -> Self:
        """
        What the caller's ``storage_options`` mean.

        The endpoint is read from ``AWS_ENDPOINT_URL_S3`` here, so that dask workers, which need not share the caller's
        environment, ask the server that the caller meant. Requests are anonymous unless something says who asks:
        credentials that lie in the environment are used with ``anon=False`` only.

        Parameters
        ----------
        storage_options
            For `s3fs.S3FileSystem`.
        **more
            The other attributes.

        Returns
        -------
        Access
        """
        options = dict(storage_options or {})
        client = dict(options.get("client_kwargs") or {})
        endpoint = options.pop("endpoint_url", None) or client.pop("endpoint_url", None)
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or None
        options = {name: value for name, value in options.items() if name != "client_kwargs"} | (
            {"client_kwargs": client} if client else {}
        )
        if not options.keys() & _IDENTITY:
            options["anon"] = True
        if options == {"anon": True}:
            options = {}
        trusted = trusted_origins() | set(more.pop("trusted", ()))
        return cls(endpoint, options, trusted=frozenset(trusted), **more)

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing tells the server who asks."""
        return not self.options

    @property
    def filesystem_options(self) -> dict[str, Any]:
        """Everything for `s3fs.S3FileSystem`."""
        endpoint = {"endpoint_url": self.endpoint} if self.endpoint else {}
        return {**(self.options or {"anon": True}), **endpoint}

    def signs_for(self, bucket: str) -> bool:
        """Whether requests to a bucket carry credentials, or other options of `s3fs`."""
        if self.is_anonymous:
            return False
        return self.is_given or self.endpoint is not None or bucket == self.bucket

    def locate(self, url: str) -> Location:
        """
        The gate for a URL of this source.

        Raises
        ------
        LocationError
            For what is not read: see `sunpy_heliocloud.io.location`.
        """
        return given_location(url) if self.is_given else remote_location(url, self.trusted)

    def __reduce__(self) -> tuple:
        return type(self), (self.endpoint, dict(self.options), self.is_given, self.bucket, self.trusted)
