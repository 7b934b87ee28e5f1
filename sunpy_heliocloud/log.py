"""The package's lines in the log of sunpy."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sunpy import log

__all__ = ["info", "printed_once", "silent", "warnings_only"]


def info(message: str) -> None:
    """
    Write a line to the log of sunpy, once.

    Parameters
    ----------
    message
        The line.
    """
    with printed_once():
        log.info(message)


@contextmanager
def printed_once() -> Iterator[None]:
    """
    Print what sunpy logs in this thread, warnings too, once.

    drms, which `sunpy.net` imports, sets up a handler of the root logger that would print each line a second time.
    """
    thread = threading.get_ident()

    def is_another(record: logging.LogRecord) -> bool:
        return record.name != log.name or record.thread != thread

    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    repeating = [one for one in logging.getLogger().handlers if getattr(one, "stream", None) in console]
    for handler in repeating:
        handler.addFilter(is_another)
    try:
        yield
    finally:
        for handler in repeating:
            handler.removeFilter(is_another)


@contextmanager
def warnings_only(name: str) -> Iterator[None]:
    """
    Drop the information of a logger for which nobody has chosen a level.

    The handler of drms, see `printed_once`, would print that of all packages.

    Parameters
    ----------
    name
        Of the logger.
    """
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(level or logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


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
