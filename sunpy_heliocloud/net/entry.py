"""A data set, and what its name says of it."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["PROVIDER", "Entry"]

PROVIDER = "HelioCloud"
# What catalogues call buckets whose readers pay.
PAYING = {"user-pays", "requester-pays"}
# Multi-year data sets whose start nobody can read are searched from the first year of the space age.
FIRST_YEAR = 1957
# Nobody has observed the Sun before: a catalogue that says so does not make anybody ask for a thousand indexes.
OLDEST_YEAR = 1600

HMI_OBSERVABLES = {
    "b": "vector_magnetic_field",
    "ic": "intensity",
    "m": "LOS_magnetic_field",
    "v": "LOS_velocity",
}
EUVML_SPACECRAFT = {"soho": ("EIT", "SOHO"), "stereoa": ("EUVI", "STEREO_A"), "stereob": ("EUVI", "STEREO_B")}


@dataclass(frozen=True, eq=False)
class Entry:
    """
    One data set, as the catalogue of its bucket describes it.

    Attributes
    ----------
    id
        Its name.
    bucket
        URL of the bucket whose catalogue has it.
    index
        What the URLs of its index files begin with.
    indextype
        ``"csv"``, ``"csv-zip"`` or ``"parquet"``.
    multiyear
        Whether one file may hold several years.
    metadata
        The whole entry: title, citation, contact, ...
    catalog_version
        Something that changes whenever the catalogue does.
    trusted
        Servers and folders that the caller has named, which may be of this machine or network.
    egress
        What the catalogue says of reading from outside the cloud, such as ``"user-pays"``; harmless text.
    """

    id: str
    bucket: str
    index: str
    indextype: str = "csv"
    multiyear: bool = False
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)
    catalog_version: str = field(default="", repr=False)
    trusted: frozenset[str] = frozenset()
    egress: str = field(default="", repr=False)

    @property
    def is_paid_by_reader(self) -> bool:
        """Whether the catalogue says that who reads from its bucket pays."""
        return not PAYING.isdisjoint(re.findall(r"[a-z-]+", self.egress.casefold()))

    @property
    def first_year(self) -> int:
        """Year in which the data begin. What follows the year may be malformed and often is."""
        year = re.match(r"\d{4}", str(self.metadata.get("start", "")))
        return max(int(year[0]), OLDEST_YEAR) if year else FIRST_YEAR

    @property
    def is_static(self) -> bool:
        """Whether the files have no times, such as models."""
        return str(self.metadata.get("start")).casefold() == "static"

    @functools.cached_property
    def words(self) -> list[str]:
        """The words of the id, in lower case."""
        return re.split(r"[_\W]+", self.id.casefold())

    @property
    def instrument(self) -> str:
        """Name of the instrument, empty if unknown."""
        return self._description[0]

    @property
    def source(self) -> str:
        """Name of the spacecraft, empty if unknown."""
        return self._description[1]

    @property
    def wavelength(self) -> float:
        """Wavelength in ångström, NaN if unknown or if there is none."""
        return self._description[2]

    @property
    def physobs(self) -> str:
        """The observable, by the VSO's name, empty if unknown."""
        return self._description[3]

    @functools.cached_property
    def _description(self) -> tuple[str, str, float, str]:
        """The catalogue does not say what a data set observes; the ids of solar images do."""
        match self.words:
            case ["aia", *_, channel] if channel.isdigit():
                return "AIA", "SDO", float(channel), "intensity"
            case ["hmi", observable, *_] if observable in HMI_OBSERVABLES:
                return "HMI", "SDO", 6173.0, HMI_OBSERVABLES[observable]
            case ["euvml", spacecraft, channel] if spacecraft in EUVML_SPACECRAFT and channel.isdigit():
                return *EUVML_SPACECRAFT[spacecraft], float(channel), "intensity"
        return "", "", np.nan, ""
