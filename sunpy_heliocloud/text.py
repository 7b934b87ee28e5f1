"""Text from outside, made harmless for display; numbers of things in words."""

import re

__all__ = ["inert", "many", "shown_url", "without_secrets"]

LONGEST = 300
_WEB_ADDRESS = re.compile(
    r"(https?://)(?:[^\s/?#]*@)?([^\s?'\"<>]*)(\?[^\s'\"<>]*(?<![.:,;)]))?", re.IGNORECASE
)


def inert(text: object, longest: int = LONGEST) -> str:
    """
    Text from a catalogue, file or server, made harmless for messages, logs, tables, terminals and pages.

    Control and format characters, and the ``<`` that begins a tag of HTML, become Python's escapes, since
    sunpy puts messages into pages unchanged. Long texts are shortened.

    Parameters
    ----------
    text
        Anything; its `str` is shown.
    longest
        Largest number of characters of the text.

    Returns
    -------
    str
        One line of printable characters.

    Examples
    --------
    >>> from sunpy_heliocloud.text import inert
    >>> inert("<script>\\x1b[2J")
    '\\\\x3cscript>\\\\x1b[2J'
    """
    text = str(text)
    shown = text[:longest]
    if not (shown.isascii() and shown.isprintable() and "<" not in shown):
        shown = "".join(map(_escaped, shown))
    return shown if len(text) <= longest else f"{shown}… ({len(text)} characters)"


def many(number: int, noun: str) -> str:
    """
    A number of things, in words.

    Parameters
    ----------
    number, noun
        How many of what.

    Examples
    --------
    >>> from sunpy_heliocloud.text import many
    >>> many(1, "frame"), many(2, "frame")
    ('1 frame', '2 frames')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shown_url(text: object, longest: int = LONGEST) -> str:
    """
    A URL, or a text with URLs, for display: `inert`, and without parts that may be secret.

    Parameters
    ----------
    text, longest
        As for `inert`.

    Returns
    -------
    str
        Queries of web addresses, which may contain signatures, are ``?…``. User info is left out. Keys of S3
        are complete.

    Examples
    --------
    >>> from sunpy_heliocloud.text import shown_url
    >>> shown_url("https://example.org/a.fits?token=secret")
    'https://example.org/a.fits?…'
    """
    return inert(without_secrets(str(text)), longest)


def without_secrets(text: str) -> str:
    """
    A text with the web addresses in it as `shown_url` shows them; all else is unchanged.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    str
    """
    return _WEB_ADDRESS.sub(_without_secrets, text)


def _without_secrets(address: re.Match) -> str:
    scheme, rest, query = address.groups()
    return f"{scheme}{rest}{'?…' if query else ''}"


def _escaped(character: str) -> str:
    if character == "<":
        return "\\x3c"
    if not character.isprintable():
        return character.encode("unicode_escape").decode("ascii")
    return character
