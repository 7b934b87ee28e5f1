"""What goes wrong with a request to a server."""

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
    A server has refused.

    Parameters
    ----------
    location
        What was asked for.
    status
        Of HTTP.
    code
        What S3 calls it; empty if it is another server.
    retry_after
        Seconds after which the server wants to be asked again.
    """

    def __init__(self, location: Any, status: int, code: str = "", retry_after: float = 0.0) -> None:
        super().__init__(f"the server answered {status}{' ' if code else ''}{code}")
        self.location, self.status, self.code, self.retry_after = location, status, code, retry_after

    def __reduce__(self) -> tuple:
        return type(self), (self.location, self.status, self.code, self.retry_after)


class MissingError(StatusError, FileNotFoundError):
    """A server says that there is no such thing."""


class SlowServerError(TimeoutError):
    """A server did not answer, or sent next to nothing, for as long as `limits` allow."""


class RedirectError(OSError):
    """A server has sent the request to a place that is not followed."""


class WrongAnswerError(OSError):
    """An answer is not what was asked for: another range, another length, a page."""


def status_error(location: Any, status: int, code: str = "", retry_after: float = 0.0) -> StatusError:
    """The error for a refusal; a bucket that does not exist is no missing file."""
    kind = MissingError if status in (404, 410) and code != "NoSuchBucket" else StatusError
    return kind(location, status, code, retry_after)
