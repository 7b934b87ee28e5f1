"""Objects of buckets that are not public: requests signed by s3fs, with the caller's credentials."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from sunpy_heliocloud.bounds import limits
from sunpy_heliocloud.io.access import Access
from sunpy_heliocloud.io.filesystem import s3_filesystem
from sunpy_heliocloud.io.http import Answer, body_of
from sunpy_heliocloud.io.http_errors import SlowServerError, WrongAnswerError, status_error
from sunpy_heliocloud.io.location import S3Location
from sunpy_heliocloud.io.waiting import IN_FLIGHT

if TYPE_CHECKING:
    import s3fs

__all__ = ["get_signed"]

# Options that s3fs passes on to every reading request.
_PASSED_ON = ("ExpectedBucketOwner", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5")


def _filesystem(access: Access) -> "s3fs.S3FileSystem":
    """
    The filesystem with a caller's options: enough connections, the time-outs of this package, no retries by
    s3fs.
    """
    options = access.filesystem_options
    config = {
        "max_pool_connections": IN_FLIGHT,
        "connect_timeout": limits.patience,
        "read_timeout": limits.patience,
        "retries": {"total_max_attempts": 1},
    }
    return s3_filesystem(**options | {"config_kwargs": config | dict(options.get("config_kwargs") or {})})


async def get_signed(
    location: S3Location,
    access: Access,
    *,
    start: int = 0,
    stop: int | None = None,
    known: str | None = None,
    most: int | None = None,
) -> Answer:
    """
    Request bytes of an object, once.

    Parameters
    ----------
    location
        The object.
    access
        The credentials that sign the request.
    start, stop, known, most
        As for `sunpy_heliocloud.io.http.get`.

    Returns
    -------
    Answer

    Raises
    ------
    StatusError, SlowServerError, WrongAnswerError, LimitError, OSError
    """
    files = _filesystem(access)
    from botocore.exceptions import (  # which comes with s3fs
        BotoCoreError,
        ClientError,
        ConnectTimeoutError,
        HTTPClientError,
        ReadTimeoutError,
    )

    try:
        client = await files.set_session()
        async with asyncio.timeout(limits.patience):
            answer = await client.get_object(
                Bucket=location.bucket, Key=location.key, **_options(access, start, stop, known)
            )
        # Entered, older versions of aiobotocore give something else.
        stream = answer["Body"]
        async with stream:
            body = await body_of(stream.read, most=most, whole=answer["ContentLength"], what=location.shown)
    except ClientError as e:
        response = e.response
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if status == 304 and known is not None:
            return Answer(None, known)
        raise status_error(location, status, str(response.get("Error", {}).get("Code", ""))) from e
    except SlowServerError:
        raise
    except (TimeoutError, ConnectTimeoutError, ReadTimeoutError) as e:
        raise SlowServerError(f"the server did not answer within {limits.patience:g} s") from e
    except HTTPClientError as e:
        raise aiohttp.ClientConnectionError(str(e)) from e
    except BotoCoreError as e:
        raise OSError(f"{type(e).__name__}: {e}") from e
    return _checked(answer, body, start, stop)


def _options(access: Access, start: int, stop: int | None, known: str | None) -> dict[str, Any]:
    more: Mapping[str, Any] = access.options.get("s3_additional_kwargs") or {}
    options = {name: more[name] for name in _PASSED_ON if name in more}
    if access.options.get("requester_pays"):
        options["RequestPayer"] = "requester"
    if start > 0 or stop is not None:
        options["Range"] = f"bytes={start}-{'' if stop is None else stop - 1}"
    if known is not None:
        options["IfNoneMatch"] = known
    return options


def _checked(answer: Mapping[str, Any], body: bytes, start: int, stop: int | None) -> Answer:
    etag, said = answer.get("ETag"), answer.get("ContentRange")
    if said is None:  # the whole file
        return Answer(body[start:stop], etag, len(body))
    first, _, rest = said.removeprefix("bytes ").partition("-")
    last, _, total = rest.partition("/")
    if int(first) != start or len(body) != int(last) + 1 - start:
        raise WrongAnswerError(
            f"the range {said} came with {len(body)} bytes, not bytes {start} to {stop or 'the end'}"
        )
    return Answer(body, etag, int(total) if total.isdigit() else None)
