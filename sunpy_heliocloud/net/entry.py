"""A data set, and the properties that follow from its id."""

import functools
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["PROVIDER", "Entry"]

PROVIDER = "HelioCloud"
# Values of ``egress`` for buckets whose readers pay.
PAYING = {"user-pays", "requester-pays"}
# Multi-year data sets without a readable start are searched from the first year of the space age.
FIRST_YEAR = 1957
# The earliest year of any observation of the Sun: an earlier start in a catalogue must not cause a thousand
# requests.
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
        Prefix of the URLs of its index files.
    indextype
        ``"csv"``, ``"csv-zip"`` or ``"parquet"``.
    multiyear
        Whether one file may hold several years.
    metadata
        The whole entry: title, citation, contact, ...
    catalog_version
        A token that changes with the catalogue.
    trusted
        Servers and folders that the caller has named, which may be of this machine or network.
    egress
        The catalogue's rule for reading from outside the cloud, such as ``"user-pays"``; made harmless.
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
        """Whether readers of the bucket pay, according to the catalogue."""
        return not PAYING.isdisjoint(re.findall(r"[a-z-]+", self.egress.casefold()))

    @property
    def first_year(self) -> int:
        """Year in which the data begin. The rest of the date is ignored, since it is often malformed."""
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
        """
        A match of the id of solar images. The catalogue has no instrument, wavelength or observable of a data
        set; the ids have.
        """
        match self.words:
            case ["aia", *_, channel] if channel.isdigit():
                return "AIA", "SDO", float(channel), "intensity"
            case ["hmi", observable, *_] if observable in HMI_OBSERVABLES:
                return "HMI", "SDO", 6173.0, HMI_OBSERVABLES[observable]
            case ["euvml", spacecraft, channel] if spacecraft in EUVML_SPACECRAFT and channel.isdigit():
                return *EUVML_SPACECRAFT[spacecraft], float(channel), "intensity"
        return "", "", np.nan, ""
