"""Tables whose cells and names come from catalogues and headers."""

from collections.abc import Iterator
from typing import Any

from astropy.table import QTable, TableFormatter

from sunpy_heliocloud.text import shown_url

__all__ = ["InertFormatter", "InertTable"]


class InertFormatter(TableFormatter):
    """Formats cells and names for terminals and pages by `~sunpy_heliocloud.text.shown_url`."""

    def _pformat_col_iter(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        # astropy has no public hook for cells, but formats of columns, which would also change what is written to files.
        return map(shown_url, super()._pformat_col_iter(*args, **kwargs))


class InertTable(QTable):
    """
    A `~astropy.table.QTable` that shows text of others harmless and shortened.

    Only the display differs, in terminals and notebooks: values, columns and files written from the table have
    the text as it is.
    """

    TableFormatter = InertFormatter
