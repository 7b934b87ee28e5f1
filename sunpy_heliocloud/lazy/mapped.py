"""MappedCube: a cube whose planes become sunpy Maps."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
import numpy as np

import astropy.units as u
from astropy.wcs import WCS

from sunpy.map import GenericMap, Map

from sunpy_heliocloud.arguments import file_path, flag
from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.coordinates.plane import PlaneWCS
from sunpy_heliocloud.lazy.cube import DaskCube
from sunpy_heliocloud.lazy.image_array import ImageArray
from sunpy_heliocloud.lazy.map_files import MapFile, unwritten, write_planes
from sunpy_heliocloud.metadata.columns import HeaderColumns
from sunpy_heliocloud.metadata.frame_headers import FrameHeaders
from sunpy_heliocloud.metadata.maps import readable
from sunpy_heliocloud.metadata.plane_header import plane_header
from sunpy_heliocloud.metadata.values import header_of_values
from sunpy_heliocloud.text import inert, shown_url
from sunpy_heliocloud.version import version

__all__ = ["MappedCube"]


class MappedCube(DaskCube):
    """
    The part of `~sunpy_heliocloud.TimeLagCube` that makes Maps of planes.

    Examples
    --------
    >>> type(cube_171[3].to_map()).__name__
    'AIAMap'
    """

    def to_map(self) -> GenericMap:
        """
        A plane as the Map of its instrument, on the same array (lazy if this is).

        Returns
        -------
        `~sunpy.map.GenericMap`
            Of the class that sunpy has for the instrument, so that its name, colours and norm are the instrument's. Before
            derotation the time and the observer are those of the frame. Afterwards the coordinates (``wcs``,
            ``reference_date``, ``observer_coordinate``) are those of the reference map, and ``date`` is the time of the
            observation; the header has its midpoint in DATE-MID. Of planes between frames (`.TimeLagCube.resample_time`) other
            keywords are those of the nearest frame. HISTORY says what was done to the pixels.

        Raises
        ------
        ValueError
            When this is not one plane: take ``cube[3].to_map()``, or ``cube.to_maps()``.

        Examples
        --------
        >>> cube_171[3].to_map().date.isot
        '2018-05-29T17:12:00.000'
        """
        header = self._map_header()
        url = inert(self._frame_url() or "in memory")
        data = ImageArray.of(self.data, url) if dask.is_dask_collection(self.data) else self.data
        return Map(data, header)

    def to_maps(self) -> list[GenericMap]:
        """
        All planes as Maps, see `to_map`.

        Returns
        -------
        list
            Of lazy Maps, such as ``sunpy.map.Map(cube.to_maps(), sequence=True)`` takes.

        Raises
        ------
        ValueError
            When planes have lost an axis, as those of a time-distance diagram.

        Examples
        --------
        >>> len(cube_171[:3].to_maps())
        3
        """
        return [self[i].to_map() for i in range(self.shape[0])] if self.data.ndim == 3 else [self.to_map()]

    def write_maps(self, folder: str | os.PathLike, *, overwrite: bool = False) -> list[Path]:
        """
        Write every plane to a FITS file, with the header of its Map.

        A file is whole or not there. Files that are there already, of the same frames, steps and grid, are kept, so that
        a job that was interrupted goes on where it was; planes without a valid pixel are computed again. The keyword
        MADEFROM, a hash, tells what a file was made of. Planes are computed a few at a time, so that half a gigabyte of
        them is in memory, with a progress bar if this takes long; of more planes that are resampled in time, or are
        differences, the frames between two such groups are read twice.

        Parameters
        ----------
        folder
            Where the files are written; it is made if need be.
        overwrite
            Whether files of the same names that were made of something else are replaced.

        Returns
        -------
        list of pathlib.Path
            In the order of the planes, named by channel and time, such as
            ``SDO_AIA_171_Angstrom.20180529T180000.123.fits``.

        Raises
        ------
        FileExistsError
            When files of these names were made of something else.
        ValueError
            See `to_maps`.

        Examples
        --------
        >>> paths = cube_171[:3].write_maps("planes", overwrite=True)
        >>> len(paths)
        3
        """
        folder = file_path("folder", folder, "maps").expanduser()
        if folder.exists() and not folder.is_dir():
            raise FileExistsError(f"folder is {str(folder)!r}, but that is a file; choose another name")
        flag("overwrite", overwrite)
        planes = [self[i] for i in range(self.shape[0])] if self.data.ndim == 3 else [self]
        headers = [plane._map_header() for plane in planes]
        files = [
            MapFile.named(folder, header, plane.times, _token(plane.data, header))
            for plane, header in zip(planes, headers, strict=True)
        ]
        which = unwritten(files, overwrite=overwrite)
        folder.mkdir(parents=True, exist_ok=True)
        data = self.data if self.data.ndim == 3 else self.data[np.newaxis]
        write_planes(data, files, which)
        return [file.path for file in files]

    @without_contexts
    def _map_header(self) -> dict[str, Any]:
        wcs = self.wcs.low_level_wcs
        if not isinstance(wcs, WCS) or wcs.naxis != 2:
            raise ValueError(
                f"a Map is made of one plane, but this cube has the shape {self.shape}; take cube[3].to_map(), with ranges "
                "of rows and columns, or all planes with cube.to_maps()"
            )
        frames = self.meta.get("frames")
        is_frame = frames is not None and len(frames) == 1 and "resampled" not in self.meta
        time = frames["time"][0] if is_frame else self.times
        headers = self.meta.get("headers")
        header, own = (_bare_header(self.meta), None) if headers is None else headers.nearest(time)
        plane = PlaneWCS.from_wcs(wcs, self.shape)
        header = plane_header(
            header,
            own,
            plane,
            time=time,
            is_frame=is_frame and own is not None,
            unit=self.unit,
            history=self._history(),
        )
        if self.unit is None and (text := self.meta.get("bunit")):
            header = readable(header | {"BUNIT": inert(text)})  # without one, an AIA image would be in DN
        return header

    def _frame_url(self) -> str:
        """Of the one frame that a plane was made of."""
        frames = self.meta.get("frames")
        is_frame = frames is not None and len(frames) == 1 and "resampled" not in self.meta
        return str(frames["url"][0]) if is_frame else ""

    def _history(self) -> list[str]:
        """What was done to the pixels, a line a step."""
        entries = {
            "saturation": "NaN at saturation: {}",
            "applied": "functions applied: {}",
            "normalization": "exposure: {}",
            "derotated": "{}",
            "resampled": "resampled in time: {}",
            "light_travel": "{}",
            "difference": "difference: {}",
            "combined": "combined: {}",
        }
        url = self._frame_url()
        lines = [f"made by sunpy_heliocloud {version}", *([f"of {shown_url(url)}"] if url else [])]
        return lines + [text.format(self.meta[name]) for name, text in entries.items() if self.meta.get(name)]


def _token(data: Any, header: Mapping[str, Any]) -> str:
    """What a plane is made of. Its history is in its data; other versions of the package do not matter."""
    rest = {keyword: value for keyword, value in header.items() if keyword not in ("HISTORY", "KEYCOMMENTS")}
    return dask.base.tokenize(data, sorted(rest.items()))


def described_by(ref_map: GenericMap, grid: PlaneWCS) -> dict[str, Any]:
    """What a Map says of the channel of planes on its grid, for ``meta``."""
    described = {"wavelength": ref_map.wavelength, "observatory": ref_map.observatory}
    try:
        header = header_of_values(ref_map.meta, "the reference map")
    except (TypeError, u.UnitsError):  # of which only coordinates are needed
        return described
    header |= {"NAXIS": 2, "NAXIS1": ref_map.data.shape[1], "NAXIS2": ref_map.data.shape[0]}
    columns, time = HeaderColumns.from_headers([header]), ref_map.reference_date.utc.reshape(1)
    headers = FrameHeaders(columns, [grid], time)
    return described | {"headers": headers}


def _bare_header(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a channel without the headers of its frames."""
    header = {
        "OBSRVTRY": meta.get("observatory"),
        "TELESCOP": meta.get("observatory"),
        "INSTRUME": meta.get("instrument"),
    }
    wavelength = meta.get("wavelength")
    if wavelength is not None:
        header |= {"WAVELNTH": wavelength.value, "WAVEUNIT": u.Unit(wavelength.unit).to_string()}
    return {keyword: value for keyword, value in header.items() if value}
