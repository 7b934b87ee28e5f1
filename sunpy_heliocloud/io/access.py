"""Credentials and S3 endpoint of requests, determined once, on the caller's machine."""

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
    Credentials and endpoint for the files of one source; `repr` shows no secrets.

    Parameters
    ----------
    endpoint
        URL of the S3 server; `None` is Amazon's.
    options
        Options of `s3fs.S3FileSystem`, including credentials. Empty for anonymous requests, which do not use
        `s3fs`.
    is_given
        Whether the caller has named the files. Otherwise a catalogue has named them: then they have to be
        remote, and credentials are sent only to the endpoint or the bucket that the caller has named.
    bucket
        The bucket that the caller has named, for files that a catalogue names.
    trusted
        Origins that may be private, in addition to those of files that the caller has named.
    """

    endpoint: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    is_given: bool = True
    bucket: str = ""
    trusted: frozenset[str] = frozenset()

    @classmethod
    def of(cls, storage_options: Mapping[str, Any] | None = None, **more: Any) -> Self:
        """
        The access that the caller's ``storage_options`` describe.

        The endpoint is read from ``AWS_ENDPOINT_URL_S3`` here: dask workers may have another environment than
        the caller. Requests are anonymous unless the options contain credentials; credentials in the
        environment are used only with ``anon=False``.

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
        """Whether requests contain no credentials."""
        return not self.options

    @property
    def filesystem_options(self) -> dict[str, Any]:
        """All options for `s3fs.S3FileSystem`."""
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
            If the URL is refused, see `sunpy_heliocloud.io.location`.
        """
        return given_location(url) if self.is_given else remote_location(url, self.trusted)

    def __reduce__(self) -> tuple:
        return type(self), (self.endpoint, dict(self.options), self.is_given, self.bucket, self.trusted)
