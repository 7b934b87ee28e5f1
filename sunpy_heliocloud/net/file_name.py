"""Portable file names from text of a catalogue."""

import hashlib
import re
import unicodedata
from pathlib import Path

__all__ = ["allowed", "beside", "distinct", "folded", "safe_name", "shortened"]

LONGEST = 255  # bytes, the limit of nearly all file systems
LONGEST_SUFFIX = 20
UNSAFE = re.compile(r'[/\\:*?"<>|]')
# Control, format, surrogate, private and unassigned characters, and line separators: invisible or misleading.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Reserved names of Windows, with any suffix.
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)


def safe_name(text: str) -> str:
    """
    A text as the name of a file or folder.

    Parameters
    ----------
    text
        Anything.

    Returns
    -------
    str
        The text, with ``_`` for characters that some system refuses in names, and for a leading dot. It may
        be too long, see `shortened`.
    """
    name = "".join("_" if unicodedata.category(one) in UNSEEN else one for one in UNSAFE.sub("_", text))
    return allowed(re.sub(r"^\.", "_", name.lstrip()))


def allowed(name: str) -> str:
    """
    A name without forbidden characters at its ends, and different from names of devices.

    Parameters
    ----------
    name
        Of a file or folder.
    """
    name = re.sub(r"[\s.]+$", "", name) or "_"
    return f"_{name}" if RESERVED.fullmatch(name) else name


def shortened(name: str, whole: str) -> str:
    """
    A name of at most 255 bytes.

    Parameters
    ----------
    name
        A result of `safe_name`.
    whole
        Text that distinguishes it from names with the same beginning, such as a URL.

    Returns
    -------
    str
        The name. If it is too long: its beginning, a hash of ``whole``, and its suffix.
    """
    return name if len(name.encode()) <= LONGEST else distinct(name, whole)


def distinct(name: str, whole: str) -> str:
    """
    A reproducible name that differs from the same name with another ``whole``.

    Parameters
    ----------
    name, whole
        As for `shortened`.

    Returns
    -------
    str
        The name with a hash of ``whole`` before its suffix; at most 255 bytes.
    """
    mark = f"-{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"
    stem, suffix = _split(name)
    room = LONGEST - len(mark) - len(suffix.encode())
    return f"{stem.encode()[:room].decode(errors='ignore').rstrip('. ')}{mark}{suffix}"


def beside(path: Path) -> Path:
    """
    An unused path: the path itself, or the path with a number before its suffix.

    Parameters
    ----------
    path
        Path of a file that may exist.
    """
    stem, suffix = _split(path.name)
    number = 0
    while path.exists(follow_symlinks=False):
        number += 1
        mark = f".{number}{suffix}"
        path = path.with_name(
            f"{stem.encode()[: LONGEST - len(mark.encode())].decode(errors='ignore')}{mark}"
        )
    return path


def folded(path: Path) -> str:
    """A key that is equal for paths that some file system regards as the same."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _split(name: str) -> tuple[str, str]:
    """Stem and suffix, ``.fits.gz`` for instance; long suffixes are part of the stem."""
    found = re.search(r"(?<=.)(\.[A-Za-z0-9]+)?\.[A-Za-z0-9]+$", name)
    if found is None or len(found[0]) > LONGEST_SUFFIX:
        found = re.search(r"(?<=.)\.[A-Za-z0-9]{1,19}$", name)
    return (name, "") if found is None else (name[: found.start()], found[0])
