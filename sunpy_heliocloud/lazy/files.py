"""Files of a source, and who asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sunpy_heliocloud.caller import warn_caller
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.location import LocationError, S3Location, given_location, trust_of
from sunpy_heliocloud.text import inert

__all__ = ["File", "accesses_of"]


class File(NamedTuple):
    """
    Where a frame is.

    Attributes
    ----------
    url
        As the catalogue or the caller says; a path is absolute.
    size
        Bytes that a catalogue says it has.
    bucket
        URL of the bucket that the query named, empty if it named none; `None` of a file that the caller has named.
    """

    url: str
    size: int | None = None
    bucket: str | None = None


def accesses_of(files: Sequence[File], storage_options: Mapping[str, Any] | None) -> list[Access]:
    """Who asks for each file; warns if credentials are not sent to the buckets that a catalogue names."""
    accesses = {bucket: _access(bucket, storage_options) for bucket in {file.bucket for file in files}}
    of_catalogs = [file for file in files if file.bucket is not None]
    unsigned = sorted({bucket for file in of_catalogs if (bucket := _unsigned(file, accesses[file.bucket]))})
    if unsigned:
        warn_caller(
            f"The credentials in storage_options are not sent to {inert(', '.join(unsigned))}: a catalogue, not you, has "
            f"named it, and it is read anonymously. Name it in the query, a.heliocloud.Bucket('s3://{unsigned[0]}/'), "
            "or pass the URLs as a list."
        )
    return [accesses[file.bucket] for file in files]


def _unsigned(file: File, access: Access) -> str:
    """The bucket of a file, if it is read anonymously in spite of credentials."""
    if access.is_anonymous:
        return ""
    try:
        location = access.locate(file.url)
    except LocationError:
        return ""
    if isinstance(location, S3Location) and not access.signs_for(location.bucket):
        return location.bucket
    return ""


def _access(bucket: str | None, storage_options: Mapping[str, Any] | None) -> Access:
    if not bucket:
        return Access.of(storage_options, is_given=bucket is None)
    named = given_location(bucket)
    return Access.of(
        storage_options,
        is_given=False,
        bucket=named.bucket if isinstance(named, S3Location) else "",
        trusted=trust_of(named),
    )
