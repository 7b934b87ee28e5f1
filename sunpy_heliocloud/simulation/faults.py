"""Faults of the local server, for tests."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["Answer", "Fault", "error_answer", "half_of"]

# Status, headers and body.
type Answer = tuple[str, list[tuple[str, str]], bytes]

S3_ERRORS = {403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}


@dataclass
class Fault:
    """A fault of the next ``times`` matching reads, after ``after`` of them without a fault."""

    pattern: str
    methods: tuple[str, ...]
    times: int | None
    after: int
    act: Callable[[Callable[[], Answer]], Answer]

    def strikes(self, method: str, key: str) -> bool:
        if self.times == 0 or method not in self.methods or not fnmatchcase(key, self.pattern):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def error_answer(status: int) -> Answer:
    """The answer of S3 with an error."""
    code = S3_ERRORS.get(status, "Fault")
    body = f"<Error><Code>{code}</Code><Message>{status} on purpose</Message></Error>".encode()
    return f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))], body


def half_of(status: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
    """A response whose body is truncated in the middle."""
    return status, headers, body[: len(body) // 2]
