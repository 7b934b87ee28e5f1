"""One page of a listing of S3."""

import re
from typing import Self
from xml.etree import ElementTree

__all__ = ["ListingPage"]


class ListingPage:
    """
    The keys and sizes in a page, parsed from its XML without building a tree.

    Attributes
    ----------
    objects : list
        Keys and sizes.
    token : str
        Token for the request of the next page; empty on the last.
    """

    def __init__(self, prefix: str) -> None:
        self.objects: list[tuple[str, int]] = []
        self.token = ""
        self._prefix = prefix
        self._depth = 0
        self._text: list[str] = []
        self._fields: dict[str, str] = {}

    @classmethod
    def of(cls, data: bytes, prefix: str) -> Self:
        """
        Read a page.

        Parameters
        ----------
        data
            XML.
        prefix
            The requested prefix of the keys.

        Raises
        ------
        ValueError
            If it is no listing, or lists something else.
        """
        # Without a DOCTYPE there are no entities to expand, and elements are not kept.
        page = cls(prefix)
        parser = ElementTree.XMLParser(target=page)  # noqa: S314
        try:
            parser.feed(data)
            parser.close()
        except (ElementTree.ParseError, LookupError) as e:  # the latter for an encoding that there is not
            raise ValueError(f"damaged or incomplete: {e}") from e
        return page

    # What the parser calls.

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse a DOCTYPE, which could define entities."""
        raise ValueError("it has a DOCTYPE")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if self._depth == 0 and _name(tag) != "ListBucketResult":
            raise ValueError(f"expected ListBucketResult, found {_name(tag)}")
        self._depth += 1
        self._text = []

    def data(self, text: str) -> None:
        """Go on with the text of an element."""
        self._text.append(text)

    def end(self, tag: str) -> None:
        """End an element."""
        self._depth -= 1
        match _name(tag):
            case "Key" | "Size" as name if self._depth == 2:
                self._fields[name] = "".join(self._text)
            case "Contents" if self._depth == 1:
                self.objects.append(self._object())
                self._fields = {}
            case "NextContinuationToken" if self._depth == 1:
                self.token = "".join(self._text)
        self._text = []

    def _object(self) -> tuple[str, int]:
        key, size = self._fields.get("Key", ""), self._fields.get("Size", "")
        if not key or not key.startswith(self._prefix):
            raise ValueError(f"it lists {key!r}, which does not begin with {self._prefix!r}")
        if not re.fullmatch("[0-9]{1,18}", size):
            raise ValueError(f"{key!r} has the size {size!r}: expected a number of bytes")
        return key, int(size)


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
