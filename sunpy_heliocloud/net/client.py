"""The client that Fido asks."""

import os

import parfive

from sunpy.net import attrs as a
from sunpy.net.attr import and_
from sunpy.net.base_client import BaseClient, convert_row_to_table
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.net.attrs import Bucket, Dataset, Lookup
from sunpy_heliocloud.net.download import download
from sunpy_heliocloud.net.entry import PROVIDER, Entry
from sunpy_heliocloud.net.gate import RowGate
from sunpy_heliocloud.net.known_datasets import FAMILIES, known_datasets
from sunpy_heliocloud.net.response import HelioCloudResponse, response
from sunpy_heliocloud.net.search import find, warn_of_costs
from sunpy_heliocloud.net.walker import walker
from sunpy_heliocloud.text import shown_url

__all__ = ["HelioCloudClient"]


class HelioCloudClient(BaseClient):
    """
    Finds and downloads the data in NASA's HelioCloud.

    It answers queries that hold an ``a.heliocloud`` attr: `a.heliocloud.Dataset
    <sunpy_heliocloud.net.attrs.Dataset>` and ``a.Time`` are required; ``a.Wavelength``, ``a.Instrument``,
    ``a.Source``, ``a.Physobs``, ``a.Provider`` narrow the choice of data sets; ``a.Sample`` thins the files of each
    data set to the nearest to each point of a time grid that begins where ``a.Time`` does; `a.heliocloud.Bucket
    <sunpy_heliocloud.net.attrs.Bucket>` asks one bucket instead of all in the registry; `a.heliocloud.Lookup
    <sunpy_heliocloud.net.attrs.Lookup>` chooses between index and listing. Any other attr is an error.

    A file is found if its interval meets the asked one; both ends belong to either.

    The registry is the one in the environment variable ``ROOT_CATALOG_REGISTRY_URL``, if it is set, and the S3 server
    that in ``AWS_ENDPOINT_URL_S3``.

    Examples
    --------
    >>> import astropy.units as u
    >>> from sunpy.net import Fido, attrs as a
    >>> import sunpy_heliocloud
    >>> Fido.search(a.Time("2018-05-29T12:00", "2018-05-30T00:00"),
    ...             a.Wavelength(171 * u.angstrom), a.heliocloud.Dataset("AIA"))  # doctest: +SKIP
    """

    @property
    def info_url(self) -> str:
        """Where to read about the archive."""
        return "https://heliocloud.org"

    def search(self, *query, **kwargs) -> HelioCloudResponse:
        """
        Find files.

        Parameters
        ----------
        *query
            Attrs, or combinations of them by ``&`` and ``|``.
        **kwargs
            Nothing that this client would use.

        Returns
        -------
        HelioCloudResponse
            The files; the table is empty if there are none in the time range. A file whose URL is refused, since it is
            not that of an object of a bucket or a web server, is not in it; a warning counts these.

        Raises
        ------
        ValueError
            If the query lacks something, has an attr that cannot be honoured, or names data sets or channels that
            do not exist.
        LimitError
            If there are more files than ``sunpy_heliocloud.limits.files``.
        CatalogError
            If the registry, a catalogue or an index cannot be read. A bucket that cannot be read is only warned of
            if the data sets are found elsewhere.
        """
        queries = walker.create(and_(*query))
        gate = RowGate()
        found = [part for one in queries for part in find(one, gate)]
        gate.warn()
        warn_of_costs(entry for entry, rows in found if rows.url)
        limits.check("files", sum(len(rows.url) for _, rows in found), "The result of the search")
        table = response(found)
        table.client = self
        # Who opens or downloads the files trusts the server that the caller has named, and sends credentials there only.
        named = {one.bucket for one in queries}
        table.meta["bucket"] = named.pop() if len(named) == 1 else None
        return table

    @convert_row_to_table
    def fetch(
        self,
        query_results: HelioCloudResponse,
        *,
        path: str | os.PathLike,
        downloader: parfive.Downloader,
        **kwargs,
    ) -> parfive.Results:
        """
        Download files over https.

        A file is called as the last part of its URL, with ``_`` for characters such as ``:`` that not all systems allow
        in names of files, and with a hash of the URL where that name is too long, or several files have it. It is written
        under a temporary name beside its own, and renamed once it is complete and has the size and the checksum that
        the catalogue says. A file that is there already, and has these, is not downloaded again unless the downloader
        overwrites; one that was cut short is replaced; any other stays, and the new file is saved beside it.

        Of a search that failed, which Fido shows as an empty table with ``errors``, there is nothing to download, and a
        warning says why.

        Parameters
        ----------
        query_results
            What to download.
        path
            Where to, with ``{file}`` in it and, if wanted, names of columns: ``"{dataset}/{file}"``.
        downloader
            Says how: its connections, progress bars, callbacks and what to do about files that exist. It is left as it
            is, and nothing is queued in it.
        **kwargs
            ``max_splits``, how many connections share a file, instead of the downloader's.

        Returns
        -------
        `parfive.Results`
            The files; ``errors`` has those that were not downloaded, with the reasons.

        Raises
        ------
        ValueError
            If the path cannot be filled in, or has no ``{file}`` and gives two files one name.
        OSError
            If the disk has too little space for what is missing.
        """
        if not len(query_results):
            if query_results.errors:
                warn_user(
                    f"A search failed, so that it has no files to download: {shown_url(query_results.errors)}"
                )
            return parfive.Results()
        return download(query_results, str(path), downloader, kwargs.get("max_splits"))

    @classmethod
    def _can_handle_query(cls, *query) -> bool:
        return any(isinstance(attr, Bucket | Dataset | Lookup) for attr in query)

    @classmethod
    def _attrs_module(cls) -> tuple[str, str]:
        return "heliocloud", "sunpy_heliocloud.net.attrs"

    @classmethod
    def register_values(cls) -> dict:
        """
        The values that tab completion offers.

        Returns
        -------
        dict
            Lists of names and descriptions, by attr.
        """
        known = known_datasets()
        described = [Entry(name, "", "") for name in known]
        sources = dict.fromkeys(entry.source for entry in described if entry.source)
        instruments = dict.fromkeys(entry.instrument for entry in described if entry.instrument)
        return {
            Dataset: list(known.items()),
            a.Instrument: [(name, FAMILIES.get(name, "")) for name in instruments],
            a.Source: [(name, f"Data sets of {name} in HelioCloud") for name in sources],
            Lookup: [
                ("index", "Read the yearly index: the default, and the authority on what there is"),
                ("listing", "List the folders of days in S3: moves less, and sees the newest files"),
            ],
            a.Provider: [(PROVIDER, "NASA's HelioCloud: heliophysics data in public S3 buckets")],
        }
