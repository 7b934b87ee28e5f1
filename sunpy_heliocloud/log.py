"""The package's lines in the log of sunpy."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sunpy import log

__all__ = ["info", "silent"]


def info(message: str) -> None:
    """
    Write a line to the log of sunpy, once.

    drms, which `sunpy.net` imports, sets up a handler of the root logger that would print the line a second time.

    Parameters
    ----------
    message
        The line.
    """

    def is_another(record: logging.LogRecord) -> bool:
        return record.msg is not message

    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    repeating = [one for one in logging.getLogger().handlers if getattr(one, "stream", None) in console]
    for handler in repeating:
        handler.addFilter(is_another)
    try:
        log.info(message)
    finally:
        for handler in repeating:
            handler.removeFilter(is_another)


@contextmanager
def silent() -> Iterator[None]:
    """Drop what sunpy logs in this thread: of thousands of headers it would be as many equal lines."""
    thread = threading.get_ident()

    def is_of_another(record: logging.LogRecord) -> bool:
        return record.thread != thread

    log.addFilter(is_of_another)
    try:
        yield
    finally:
        log.removeFilter(is_of_another)
