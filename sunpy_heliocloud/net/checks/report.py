"""The report of a check."""

import sys
from collections import Counter
from typing import TextIO

from sunpy_heliocloud.text import inert

__all__ = ["Report"]

# Of one kind in one document; more are counted.
_SHOWN = 10


class Report:
    """
    Departures from the specification, printed as compilers print theirs: ``URL:line: error: what``.

    Parameters
    ----------
    file
        Where they are printed; by default, the standard output.

    Attributes
    ----------
    errors, notes : int
        How many departures there are, and how many things worth knowing.
    unreadable : int
        Documents that could not be read at all.
    """

    def __init__(self, file: TextIO | None = None):
        self.errors = self.notes = self.unreadable = 0
        self._file = file
        self._kinds: Counter[tuple[str, str, str]] = Counter()

    def error(self, url: str, line: int | None, kind: str, what: str) -> None:
        """
        Something departs from the specification.

        Parameters
        ----------
        url
            Of the document.
        line
            Where in it, from 1.
        kind
            What such departures have in common.
        what
            It is.
        """
        self.errors += 1
        self._say("error", url, line, kind, what)

    def note(self, url: str, line: int | None, kind: str, what: str) -> None:
        """Something is allowed but worth knowing; arguments as for `error`."""
        self.notes += 1
        self._say("note", url, line, kind, what)

    def cannot_read(self, url: str, reason: object) -> None:
        """A document could not be read."""
        self.unreadable += 1
        self._say("unreadable", url, None, "unreadable", str(reason))

    def finish(self) -> int:
        """
        Print what was not shown, and a summary.

        Returns
        -------
        int
            The exit status: 0 if all is well, 1 if something departs from the specification, 2 if something could not
            be read.
        """
        for (url, level, kind), n in self._kinds.items():
            if n > _SHOWN:
                self._print(f"{inert(url)}: {level}: {n - _SHOWN} more of this kind: {kind}")
        self._print(
            f"{self.errors} errors, {self.notes} notes, {self.unreadable} documents that could not be read"
        )
        return 2 if self.unreadable else 1 if self.errors else 0

    def _say(self, level: str, url: str, line: int | None, kind: str, what: str) -> None:
        self._kinds[url, level, kind] += 1
        if self._kinds[url, level, kind] <= _SHOWN:
            place = inert(url) if line is None else f"{inert(url)}:{line}"
            self._print(f"{place}: {level}: {inert(what, 1000)}")

    def _print(self, text: str) -> None:
        file = self._file or sys.stdout
        # A terminal may not have all letters.
        print(
            text.encode(file.encoding or "utf-8", "backslashreplace").decode(file.encoding or "utf-8"),
            file=file,
        )
