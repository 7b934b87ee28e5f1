"""Conversion of a tree of attrs into the queries of the client."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import astropy.units as u
from astropy.time import Time

from sunpy.net import attrs as a
from sunpy.net.attr import Attr, AttrAnd, AttrOr, AttrWalker, DummyAttr

from sunpy_heliocloud.net.attrs import Bucket, Dataset, Lookup
from sunpy_heliocloud.net.entry import PROVIDER, Entry

__all__ = ["Filter", "Query", "walker"]

# Names of channels are whole ångströms, so that 171.1 Å selects the channel at 171 Å.
CHANNEL_TOLERANCE = 0.5
# Tolerance at the ends of a range, which belong to it: 17.1 nm is 171.00000000000003 Å.
ROUNDING = 1e-3
# Three thousand years, less than half of the range of microseconds in 64 bits.
MAX_SAMPLE = 1e11
NO_TIME = np.datetime64("NaT", "us")

walker = AttrWalker()


@dataclass(frozen=True)
class Filter:
    """
    An attr that narrows the choice of data sets.

    Attributes
    ----------
    asked
        The attr as in a query, for messages.
    keeps
        Function that tells whether a data set matches.
    shows
        Function that gives the value of a data set, for the message if none matches.
    """

    asked: str
    keeps: Callable[[Entry], bool]
    shows: Callable[[Entry], str]


@dataclass
class Query:
    """
    One query without alternatives.

    Attributes
    ----------
    dataset
        Name of the data sets.
    start, last
        The first and the last moment of the time range, whose end does not belong to it; UTC (``datetime64[us]``).
    bucket
        URL of the only bucket to search, or None.
    near
        The time whose nearest file is selected (``datetime64[us]``), or None.
    sample
        The cadence of the selected files (``timedelta64[us]``), or None.
    lists_folders
        Whether to list folders in S3 instead of reading indexes.
    filters
        Conditions on data sets.
    """

    dataset: str = ""
    start: np.datetime64 = NO_TIME
    last: np.datetime64 = NO_TIME
    bucket: str | None = None
    near: np.datetime64 | None = None
    sample: np.timedelta64 | None = None
    lists_folders: bool = False
    filters: list[Filter] = field(default_factory=list)


@walker.add_creator(AttrOr)
def _create_each(wlk, tree):
    return [query for branch in tree.attrs for query in wlk.create(branch)]


@walker.add_creator(Attr)
def _create_one(wlk, tree):
    query = Query()
    wlk.apply(tree, query)
    if not query.dataset:
        raise ValueError(
            "The query names no data set: add a.heliocloud.Dataset('AIA'), an id such as 'aia_0171', or '*' for all"
        )
    if np.isnat(query.start):
        raise ValueError("The query has no time range: add a.Time(start, end)")
    return [query]


@walker.add_applier(Attr)
def _refuse(wlk, attr, query):
    kind = type(attr)
    raise ValueError(
        f"The HelioCloud client does not support {kind.__module__}.{kind.__qualname__}: remove it, or use "
        "a.heliocloud.Dataset, a.heliocloud.Bucket, a.heliocloud.Lookup, a.Time, a.Wavelength, a.Instrument, a.Source, a.Physobs, "
        "a.Provider, a.Sample"
    )


@walker.add_applier(DummyAttr)
def _apply_nothing(wlk, attr, query):
    """An empty query; the caller checks that it is complete."""


@walker.add_applier(AttrAnd)
def _apply_all(wlk, tree, query):
    for attr in tree.attrs:
        wlk.apply(attr, query)


@walker.add_applier(Dataset)
def _apply_dataset(wlk, attr, query):
    query.dataset = attr.value


@walker.add_applier(Bucket)
def _apply_bucket(wlk, attr, query):
    query.bucket = attr.value


@walker.add_applier(Lookup)
def _apply_lookup(wlk, attr, query):
    query.lists_folders = attr.value == "listing"


@walker.add_applier(a.Time)
def _apply_time(wlk, attr, query):
    query.start = _utc(attr.start)
    # A range of no length is the moment itself.
    query.last = max(_utc(attr.end) - np.timedelta64(1, "us"), query.start)
    query.near = None if attr.near is None else _utc(attr.near)


@walker.add_applier(a.Sample)
def _apply_sample(wlk, attr, query):
    if not 1e-6 <= attr.value < MAX_SAMPLE:
        raise ValueError(
            f"The cadence of a.Sample is {attr.value} s: expected a positive time, from a microsecond to "
            f"{MAX_SAMPLE:g} s"
        )
    query.sample = np.timedelta64(round(attr.value * 1e6), "us")


@walker.add_applier(a.Wavelength)
def _apply_wavelength(wlk, attr, query):
    ends = u.Quantity([attr.min, attr.max]).to_value(u.angstrom, equivalencies=u.spectral())
    tolerance = CHANNEL_TOLERANCE if ends[0] == ends[1] else ROUNDING
    low, high = ends.min() - tolerance, ends.max() + tolerance
    asked = f"a.Wavelength({' to '.join(dict.fromkeys(f'{end:g}' for end in sorted(ends)))} Å)"
    query.filters.append(
        Filter(
            asked,
            lambda entry: low <= entry.wavelength <= high,
            lambda entry: "" if np.isnan(entry.wavelength) else f"{entry.wavelength:g} Å",
        )
    )


@walker.add_applier(a.Instrument)
def _apply_instrument(wlk, attr, query):
    query.filters.append(_filter_by_name(attr, lambda entry: entry.instrument))


@walker.add_applier(a.Source)
def _apply_source(wlk, attr, query):
    query.filters.append(_filter_by_name(attr, lambda entry: entry.source))


@walker.add_applier(a.Physobs)
def _apply_physobs(wlk, attr, query):
    query.filters.append(_filter_by_name(attr, lambda entry: entry.physobs))


@walker.add_applier(a.Provider)
def _apply_provider(wlk, attr, query):
    query.filters.append(_filter_by_name(attr, lambda entry: PROVIDER))


def _filter_by_name(attr, of: Callable[[Entry], str]) -> Filter:
    """Condition on a name. Data sets without a description are matched by the words of their ids."""
    name = str(attr.value).casefold()

    def keeps(entry: Entry) -> bool:
        known = of(entry).casefold()
        return name == known if known else name in entry.words

    return Filter(f"a.{type(attr).__name__}({attr.value!r})", keeps, of)


def _utc(time: Time) -> np.datetime64:
    """The nearest microsecond: rounding errors of sums must not move a time across an end of the range."""
    if time.scale == "local":
        raise ValueError(
            f"The time {time} of the query has the scale 'local', which has no place among other times: expected UTC, TAI, TT "
            "or another scale of astropy, such as Time(..., scale='utc')"
        )
    text = str(Time(time.utc, format="isot", precision=9).value)
    # numpy knows no leap seconds: they fall together with the second after them, here as in the indexes.
    nanoseconds = np.datetime64(text.replace(":60", ":59"), "ns") + np.timedelta64(":60" in text, "s")
    return (nanoseconds + np.timedelta64(500, "ns")).astype("datetime64[us]")
