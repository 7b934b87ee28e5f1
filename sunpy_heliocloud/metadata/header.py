"""A header as users' functions see it: a dictionary whose keywords may be written in any case."""

from collections.abc import Mapping
from typing import Any, Self

__all__ = ["AnyCaseHeader"]


class AnyCaseHeader(dict):
    """
    A dictionary with keywords in upper case, which finds them in any.

    Parameters
    ----------
    header
        Of keywords that differ in case only the last counts.
    """

    def __init__(self, header: Mapping[str, Any] | None = None) -> None:
        super().__init__((key.upper(), value) for key, value in (header or {}).items())

    def __getitem__(self, keyword: str) -> Any:
        return super().__getitem__(keyword.upper())

    def __setitem__(self, keyword: str, value: Any) -> None:
        super().__setitem__(keyword.upper(), value)

    def __delitem__(self, keyword: str) -> None:
        super().__delitem__(keyword.upper())

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and super().__contains__(keyword.upper())

    def get(self, keyword: str, default: Any = None) -> Any:
        return super().get(keyword.upper(), default)

    def pop(self, keyword: str, *default: Any) -> Any:
        return super().pop(keyword.upper(), *default)

    def setdefault(self, keyword: str, default: Any = None) -> Any:
        return super().setdefault(keyword.upper(), default)

    def update(self, *others: Any, **keywords: Any) -> None:
        super().update((key.upper(), value) for key, value in dict(*others, **keywords).items())

    def copy(self) -> Self:
        return type(self)(self)

    def __or__(self, other: Any) -> Self:
        return type(self)({**self, **AnyCaseHeader(other)})

    def __ror__(self, other: Any) -> Self:
        return type(self)({**AnyCaseHeader(other), **self})

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self
