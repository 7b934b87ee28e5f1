"""A cube as a dataset of xarray."""

from typing import TYPE_CHECKING

from sunpy_heliocloud.store.conventions import attributes_of, variables_of
from sunpy_heliocloud.store.description import Contents

if TYPE_CHECKING:
    import xarray

__all__ = ["dataset"]


def dataset(contents: Contents) -> "xarray.Dataset":
    """
    The dataset that `xarray.open_zarr` makes of the store of a cube.

    Raises
    ------
    ImportError
        When xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise ImportError('to_xarray needs xarray: pip install "sunpy_heliocloud[xarray]"') from error
    variables = {
        name: (one.dims, one.data, dict(one.attributes)) for name, one in variables_of(contents).items()
    }
    return xarray.decode_cf(xarray.Dataset(variables, attrs=attributes_of(contents)))
