"""Errors of requests to a server."""

from typing import Any

__all__ = [
    "MissingError",
    "RedirectError",
    "SlowServerError",
    "StatusError",
    "WrongAnswerError",
    "status_error",
]


class StatusError(OSError):
    """
    A response with an error status.

    Parameters
    ----------
    location
        The requested location.
    status
        HTTP status.
    code
        S3 error code; empty for other servers.
    retry_after
        Seconds to wait before the next request, from the header Retry-After.
    """

    def __init__(self, location: Any, status: int, code: str = "", retry_after: float = 0.0) -> None:
        super().__init__(f"the server answered {status}{' ' if code else ''}{code}")
        self.location, self.status, self.code, self.retry_after = location, status, code, retry_after

    def __reduce__(self) -> tuple:
        return type(self), (self.location, self.status, self.code, self.retry_after)


class MissingError(StatusError, FileNotFoundError):
    """A response that says that the file does not exist."""


class SlowServerError(TimeoutError):
    """A time-out: no response, or too low a rate, for as long as `limits` allow."""


class RedirectError(OSError):
    """A redirect that is not followed."""


class WrongAnswerError(OSError):
    """A response that does not match the request: another byte range, another length, an HTML page."""


def status_error(location: Any, status: int, code: str = "", retry_after: float = 0.0) -> StatusError:
    """The error for an error status; a bucket that does not exist is not a missing file."""
    kind = MissingError if status in (404, 410) and code != "NoSuchBucket" else StatusError
    return kind(location, status, code, retry_after)
