"""Images that a caller holds: sunpy Maps, and pairs of data and header."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import dask.array as da
import numpy as np

import astropy.units as u
from astropy.io import fits
from astropy.wcs import WCS

from sunpy.map import GenericMap

from sunpy_heliocloud.io.frame import ArrayFrame, Frame, PartFrame, Window
from sunpy_heliocloud.io.kept_frame import KeptFrame
from sunpy_heliocloud.io.ranges import ReadError
from sunpy_heliocloud.lazy.frame_array import FrameArray
from sunpy_heliocloud.metadata.values import header_of_values
from sunpy_heliocloud.text import inert

__all__ = ["Held", "is_header", "is_pixels"]

_REAL = "buif"  # kinds of dtypes
_STAMPS = ("DATE-OBS", "DATE_OBS", "DATE-BEG", "T_OBS", "DATE-AVG")


@dataclass(frozen=True, eq=False)
class Held:
    """
    A frame in memory, or a Map that was made of a frame, with its header.

    Attributes
    ----------
    frame, header
        What a sequence is made of.
    what
        The objects of the caller that it was made of.
    place
        Where it stands in the source.
    """

    frame: Frame
    header: dict[str, Any]
    what: tuple[Any, ...]
    place: str

    @property
    def is_pair(self) -> bool:
        """Whether it is an array and its header, of which sunpy has made no Map yet."""
        return len(self.what) == 2

    @classmethod
    def of_map(cls, m: GenericMap, place: str) -> "Held":
        """
        A Map.

        Parameters
        ----------
        m
            The Map.
        place
            Where it stands in the source, for messages.
        """
        header = _with_size(header_of_values(m.meta, place), m.data.shape)
        return cls(_map_frame(m, _name(place, header)), header, (m,), place)

    @classmethod
    def of_pair(cls, data: Any, header: Any, place: str) -> "Held":
        """
        An array and its header, of which it remains to be seen whether sunpy makes a Map.

        Parameters
        ----------
        data, header
            The pair.
        place
            Where it stands in the source, for messages.

        Raises
        ------
        ReadError
            When the array is no image.
        """
        what = (data, header)
        header = header.to_header(relax=True) if isinstance(header, WCS) else header
        header = header_of_values(header, place)
        if isinstance(data, u.Quantity):
            header["BUNIT"] = data.unit.to_string()
            data = data.value
        if data.ndim != 2 or 0 in data.shape or data.dtype.kind not in _REAL:
            raise ReadError(
                f"The data of {place} are no image, being of shape {data.shape} and type {data.dtype}; they must be real "
                "numbers with two axes, so that each image of a stack is a pair of its own"
            )
        header = _with_size(header, data.shape)
        if isinstance(data, np.ma.MaskedArray):
            data = np.ma.filled(data.astype(np.result_type(data.dtype, np.float32)), np.nan)
        return cls(ArrayFrame(data, _name(place, header)), header, what, place)


def is_pixels(data: Any) -> bool:
    """Whether it is an array of numbers."""
    return isinstance(data, (np.ndarray, da.Array)) and data.dtype.kind in (*_REAL, "c")


def is_header(header: Any) -> bool:
    """Whether it can stand behind an array."""
    return isinstance(header, (Mapping, fits.Header, WCS))


def _name(place: str, header: Mapping[str, Any]) -> str:
    """By which a user finds it, such as ``"Map 3 of the source, 2018-05-29T18:00:00"``."""
    stamp = next(filter(None, map(header.get, _STAMPS)), None)
    return place if stamp is None else f"{place}, {inert(stamp, 40)}"


def _map_frame(m: GenericMap, name: str) -> Frame:
    """The frame that a Map of a sequence, or its submap, was made of; or else the Map's array."""
    data = m.data if m.mask is None else np.where(m.mask, np.nan, m.data)
    if not isinstance(m.data, FrameArray):
        return ArrayFrame(data, name)
    recipe = m.data.recipe
    frame = recipe.planes[0].frame
    frame = frame.frame if isinstance(frame, KeptFrame) else frame
    if recipe.steps or not recipe.flat or m.mask is not None:
        return ArrayFrame(data, name if frame.url == ArrayFrame.url else frame.url)
    if isinstance(frame, ArrayFrame) and frame.url == ArrayFrame.url:
        frame = replace(frame, url=name)
    window = recipe.read.window
    return frame if window == Window.whole(frame.shape) else PartFrame(frame, window)


def _with_size(header: dict[str, Any], shape: tuple[int, int]) -> dict[str, Any]:
    return header | {"NAXIS": 2, "NAXIS1": shape[1], "NAXIS2": shape[0]}
