"""Time-outs and limits for data from servers and files, in one place."""

from dataclasses import dataclass, fields

__all__ = ["LimitError", "Limits", "limits"]


class LimitError(ValueError):
    """
    Data from outside exceed a limit; the message names the limit and how to raise it.

    Examples
    --------
    >>> limits.check("header_cards", 10**9, "the header has 1000000000 cards")
    Traceback (most recent call last):
        ...
    sunpy_heliocloud.bounds.LimitError: ...
    """


@dataclass
class Limits:
    """
    Time-outs, and limits of numbers and sizes.

    ``sunpy_heliocloud.limits`` is the instance in use. Its attributes can be set, in the process that
    searches and opens files; workers only need the first two.

    Attributes
    ----------
    patience : float
        Seconds. The time-out to the first byte of a response. A response with a rate below `slowest` over two
        thirds of this time is also a time-out. A request is not retried later than twice this time after the
        first attempt. Every request ends within four times this time: two minutes by default.
    slowest : float
        Lowest rate of a response, in bytes a second.
    requests : int
        Requests at the same time, of all workers of a cluster together; a second request beside a slow one comes on top.
        By default, 0, each process has its own limit, 64. Set it in the process that computes; tasks take it along.
    document_bytes : int
        Of a registry, a catalogue, a description of columns or a page of a listing.
    buckets : int
        Buckets of a registry.
    datasets : int
        Data sets of a catalogue.
    index_bytes : int
        Of an index, unpacked.
    index_rows : int
        Rows of an index.
    files : int
        Files that one search finds, or one sequence opens.
    head_bytes : int
        First bytes of a file, with its headers and the table of tiles, that are read to find its image.
    header_cards : int
        Cards of all headers of a file up to its image.
    hdus : int
        HDUs of a file up to its image.
    tiles : int
        Tiles of a compressed image.
    image_pixels : int
        Pixels of an image.
    file_bytes : int
        Of a file that can only be read whole, unpacked.
    store_bytes : int
        Of a document of a store of a cube.

    Examples
    --------
    >>> from sunpy_heliocloud import limits
    >>> limits.patience
    30.0
    """

    patience: float = 30.0
    slowest: float = 1000.0
    requests: int = 0
    document_bytes: int = 16 * 2**20
    buckets: int = 100
    datasets: int = 50_000
    index_bytes: int = 2**27
    index_rows: int = 2_000_000
    files: int = 2_000_000
    head_bytes: int = 64 * 2**20
    header_cards: int = 20_000
    hdus: int = 100
    tiles: int = 2**20
    image_pixels: int = 2**29
    file_bytes: int = 2**32
    store_bytes: int = 2**28

    def __setattr__(self, name: str, value: float) -> None:
        known = [one.name for one in fields(self)]
        if name not in known:
            raise AttributeError(f"there is no limit {name!r}; expected one of {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
            raise ValueError(f"the limit {name} is {value!r}, but has to be a number, from 0")
        super().__setattr__(name, value)

    def check(self, name: str, value: float, what: str) -> None:
        """
        Raise an error if a value exceeds a limit.

        Parameters
        ----------
        name
            Name of the limit.
        value
            The value.
        what
            The subject of the message: "The catalogue s3://bucket/catalog.json", for example.

        Raises
        ------
        LimitError
            If the value exceeds the limit.

        Examples
        --------
        >>> limits.check("header_cards", 100, "the header has 100 cards")
        """
        bound = getattr(self, name)
        if value > bound:
            raise LimitError(
                f"{what} has {value:,} {name.rpartition('_')[2]}, and at most {bound:,} are taken. If you trust it, "
                f"raise the bound: sunpy_heliocloud.limits.{name} = {value}"
            )


limits = Limits()
