"""The attrs of HelioCloud, in addition to those of sunpy; registered as ``a.heliocloud``."""

import os

from sunpy.net.attr import SimpleAttr

from sunpy_heliocloud.arguments import shown
from sunpy_heliocloud.text import inert

__all__ = ["Bucket", "Dataset", "Lookup"]


class Dataset(SimpleAttr):
    """
    Data set, or data sets, to search.

    Parameters
    ----------
    value : str
        An id of the catalogue (``"aia_0171"``), a glob (``"euvml_*_304"``), or a family, which is an instrument or
        the first word of the ids (``"AIA"``, ``"HMI"``, ``"euvml"``). Case does not matter.
        `sunpy_heliocloud.net.datasets` lists all data sets.

    Raises
    ------
    ValueError
        If it is not a name.

    Examples
    --------
    >>> hour = a.Time("2018-05-29T17:00", "2018-05-29T18:00")
    >>> len(Fido.search(hour, a.heliocloud.Dataset("AIA"), a.Wavelength(17.1 * u.nm))[0])
    15
    """

    def __init__(self, value: str):
        if not isinstance(value, str) or not value.strip():
            raise ValueError(
                f"The data set is {inert(value)!r}: expected a name such as 'AIA', 'aia_0171' or 'euvml_*_304'"
            )
        super().__init__(value.strip())


class Bucket(SimpleAttr):
    """
    Bucket to search, instead of all buckets in HelioCloud's registry.

    Parameters
    ----------
    value : str
        URL of the bucket or folder that holds a ``catalog.json``: ``s3://``, ``https://``, or a local path.

    Raises
    ------
    ValueError
        If it is neither a URL nor an absolute path.

    Examples
    --------
    >>> bucket = a.heliocloud.Bucket("s3://gov-nasa-hdrl-data1/")
    >>> hour = a.Time("2018-05-29T17:00", "2018-05-29T18:00")
    >>> len(Fido.search(hour, a.heliocloud.Dataset("aia_0171"), bucket)[0])
    15
    """

    def __init__(self, value: str):
        from sunpy_heliocloud.io.location import LocalLocation, LocationError, given_location

        if not isinstance(value, (str, os.PathLike)):
            raise TypeError(
                f"The bucket is {shown(value)}: expected a URL such as 's3://my-bucket/', or the absolute path of a folder"
            )
        value = os.fspath(value)
        try:
            location = given_location(value)
        except LocationError as e:
            raise ValueError(f"The bucket is not valid: {e}; or the absolute path of a folder") from e
        if isinstance(location, LocalLocation) and not os.path.isabs(value):
            name = "bucket" if "://" in value else inert(value)
            raise ValueError(
                f"The bucket is {inert(value)!r}: expected a URL such as 's3://{name}/', or the absolute path of a folder"
            )
        super().__init__(value)


class Lookup(SimpleAttr):
    """
    The source of file names: index or listing.

    Parameters
    ----------
    value : str
        ``"index"``, the default, reads the yearly index, with exact times. ``"listing"`` lists the folders of
        the days in S3, for data sets whose folders are known (AIA). It transfers 100 kB for a day instead of
        18 MB for a year, and includes files that are not in the index yet. ``Start time`` and ``End time``
        are then both the time in the file name.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> hour = a.Time("2018-05-29T17:00", "2018-05-29T18:00")
    >>> len(Fido.search(hour, a.heliocloud.Dataset("aia_0171"), a.heliocloud.Lookup.listing)[0])
    15
    """

    def __init__(self, value: str):
        if value not in ("index", "listing"):
            raise ValueError(f"The lookup is {inert(value)!r}: expected 'index' or 'listing'")
        super().__init__(value)
