"""The client for Fido. What searches and downloads is imported when it is used: the client is imported with sunpy.net."""

import os
from typing import Any

import parfive

from sunpy.net import attrs as a
from sunpy.net.attr import Attr, and_
from sunpy.net.base_client import BaseClient, QueryResponseTable, convert_row_to_table
from sunpy.util.exceptions import warn_user

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.net.attrs import Bucket, Dataset, Lookup
from sunpy_heliocloud.net.entry import PROVIDER, Entry
from sunpy_heliocloud.net.known_datasets import FAMILIES, known_datasets
from sunpy_heliocloud.net.response import HelioCloudResponse, response
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

    A file is found if it begins before the end of ``a.Time`` and ends after its start; a file without a duration, if its
    time is the start or between start and end. ``a.Time(t, t)`` finds the files that contain a moment.

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
        """
        Documentation of the archive.

        Examples
        --------
        >>> from sunpy_heliocloud.net import HelioCloudClient
        >>> HelioCloudClient().info_url
        'https://...'
        """
        return "https://heliocloud.org"

    def search(self, *query: Any, **kwargs: Any) -> HelioCloudResponse:
        """
        Find files.

        Parameters
        ----------
        *query
            Attrs, or combinations of them by ``&`` and ``|``.
        **kwargs
            Ignored.

        Returns
        -------
        HelioCloudResponse
            The files; the table is empty if there are none in the time range. Files whose URLs are refused
            are left out, and a warning counts them. A URL has to name an object of a bucket or a file on a
            web server.

        Raises
        ------
        ValueError
            If the query is incomplete, has an attr that is not supported, or names data sets or channels that
            do not exist.
        LimitError
            If there are more files than ``sunpy_heliocloud.limits.files``.
        CatalogError
            If the registry, a catalogue or an index cannot be read. If the data sets are found elsewhere, a
            bucket that cannot be read is only a warning.

        Examples
        --------
        >>> from sunpy_heliocloud.net import HelioCloudClient
        >>> day = a.Time("2018-05-29T17:00", "2018-05-29T19:00")
        >>> len(HelioCloudClient().search(day, a.heliocloud.Dataset("aia_0171")))
        30
        """
        from sunpy_heliocloud.bounds import limits
        from sunpy_heliocloud.net.gate import RowGate
        from sunpy_heliocloud.net.search import find, warn_of_costs
        from sunpy_heliocloud.net.walker import walker

        for one in query:
            if not isinstance(one, Attr):
                raise TypeError(
                    f"The query has {shown(one)}: expected attrs, such as a.heliocloud.Dataset('AIA')"
                )
        queries = walker.create(and_(*query))
        gate = RowGate()
        found = [part for one in queries for part in find(one, gate)]
        gate.warn()
        warn_of_costs(entry for entry, rows in found if rows.url)
        limits.check("files", sum(len(rows.url) for _, rows in found), "The result of the search")
        table = response(found)
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
        **kwargs: Any,
    ) -> parfive.Results:
        """
        Download files over https.

        The name of a file is the last part of its URL, with ``_`` for characters such as ``:`` that some
        systems refuse in file names. A name that is too long, or that several files have, gets a hash of the
        URL. A file has a temporary name until it is complete, that is, until its size and checksum agree with
        the catalogue. An existing file whose size and checksum agree is not downloaded again, unless the
        downloader overwrites. A truncated file is replaced; any other file stays, and the new file is saved
        beside it.

        A failed search, which Fido shows as an empty table with ``errors``, has nothing to download; a
        warning gives the reason.

        Parameters
        ----------
        query_results
            Tables of files.
        path
            Path template, with ``{file}`` and optional names of columns: ``"{dataset}/{file}"``.
        downloader
            Its numbers of connections, progress bars, callbacks and treatment of existing files are used. It is
            not changed, and nothing is queued in it.
        **kwargs
            ``max_splits``, the number of connections for each file, instead of the downloader's.

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

        Examples
        --------
        >>> paths = Fido.fetch(found[0][:1], path="images/{file}", progress=False)
        >>> len(paths)
        1
        """
        from sunpy_heliocloud.net.download import download

        # A search that failed has a table of sunpy's.
        if not isinstance(query_results, QueryResponseTable):
            raise TypeError(
                f"query_results is {shown(query_results)}: expected a table of a search, such as Fido.search(...)[0]"
            )
        splits = kwargs.get("max_splits")
        if splits is not None and (isinstance(splits, bool) or not isinstance(splits, int) or splits < 1):
            raise ValueError(f"max_splits is {shown(splits)}: expected a number of connections, from 1")
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(
                f"path is {shown(path)}: expected a path with the name of the file, such as 'folder/{{file}}'"
            )
        if not isinstance(downloader, parfive.Downloader):
            raise TypeError(f"downloader is {shown(downloader)}: expected a parfive.Downloader")
        if not len(query_results):
            if query_results.errors:
                warn_user(
                    f"A search failed, so that it has no files to download: {shown_url(query_results.errors)}"
                )
            return parfive.Results()
        return download(query_results, str(path), downloader, splits)

    @classmethod
    def _can_handle_query(cls, *query: Any) -> bool:
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

        Examples
        --------
        >>> from sunpy_heliocloud.net import HelioCloudClient
        >>> len(HelioCloudClient.register_values()) > 0
        True
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
                ("index", "Read the yearly index: the default, with exact times"),
                ("listing", "List the folders of days in S3: fewer bytes, and includes the newest files"),
            ],
            a.Provider: [(PROVIDER, "NASA's HelioCloud: heliophysics data in public S3 buckets")],
        }


# A table that has been read from a file has a client, too.
HelioCloudResponse.client = HelioCloudClient()
