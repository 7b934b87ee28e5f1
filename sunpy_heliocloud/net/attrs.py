"""What a query to HelioCloud is made of, besides sunpy's own attrs; registered as ``a.heliocloud``."""

import os

from sunpy.net.attr import SimpleAttr

__all__ = ["Bucket", "Dataset"]


class Dataset(SimpleAttr):
    """
    Data set, or data sets, to search.

    Parameters
    ----------
    value : str
        An id of the catalogue (``"aia_0171"``), a glob (``"euvml_*_304"``), or a family, which is an instrument or
        the first word of the ids (``"AIA"``, ``"HMI"``, ``"euvml"``). Case does not matter.
        `sunpy_heliocloud.net.datasets` lists what there is.

    Raises
    ------
    ValueError
        If it is not a name.
    """

    def __init__(self, value: str):
        if not isinstance(value, str) or not value.strip():
            raise ValueError(
                f"The data set is {value!r}: expected a name such as 'AIA', 'aia_0171' or 'euvml_*_304'"
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
    """

    def __init__(self, value: str):
        value = os.fspath(value)
        if "://" not in value and not os.path.isabs(value):
            raise ValueError(f"The bucket is {value!r}: expected a URL such as 's3://{value or 'bucket'}/'")
        super().__init__(value)
