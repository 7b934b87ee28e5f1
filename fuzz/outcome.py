"""What may become of an input, and what counts as a finding."""

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["GOOD", "Outcome", "finding", "is_inert", "of_error"]

#: Good ends, in the order of the report's columns: an error that says what and where; a frame that is NaN or left
#: out, or a row that is, with a word; the same as astropy or as without the damage; read as it stands, where there is
#: nothing to compare with, and all invariants hold.
GOOD = ("clear error", "masked", "equal", "read")
LONGEST = 4000
_URL = re.compile(r"(s3|https?)://\S|/\S+\.fits")
_TAG = re.compile(r"<[A-Za-z/!?]")


@dataclass(frozen=True)
class Outcome:
    """
    What became of one input.

    Parameters
    ----------
    name
        One of `GOOD`, or the kind of a finding.
    detail
        The message of an error, or what is wrong.
    """

    name: str
    detail: str = ""

    @property
    def is_good(self) -> bool:
        return self.name in GOOD


def finding(name: str, detail: object = "") -> Outcome:
    """Something that must not happen."""
    return Outcome(name, str(detail)[:2000])


def is_inert(text: str, *, lines: bool = False) -> bool:
    """Whether a text may stand in a terminal and in a page as it is; a table has several lines."""
    if lines:
        text = text.replace("\n", "")
    # Blanks of other widths do no harm.
    printable = all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text)
    return printable and len(text) <= (250 * LONGEST if lines else LONGEST) and not _TAG.search(text)


def of_error(error: BaseException, *, allowed: tuple[str, ...] = ()) -> Outcome:
    """
    Judge an error by its message.

    Parameters
    ----------
    error
        What was raised.
    allowed
        How messages begin that need not name a URL, since they are of the query.
    """
    message, kind = str(error), type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            return finding("over 1 GB", f"{kind}: {message}")
        cause = cause.__cause__ or cause.__context__
    if not isinstance(error, (OSError, ValueError)):
        return finding("other error", f"{kind}: {message}")
    if not is_inert(message):
        return finding("not inert", f"{kind}: {message!r}")
    if not (_URL.search(message) or message.startswith(allowed or ("\0",))):
        return finding("no URL", f"{kind}: {message}")
    return Outcome("clear error", f"{kind}: {message}")
