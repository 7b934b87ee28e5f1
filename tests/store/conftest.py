"""A bucket that all tests of stores read."""

import pytest
from small_bucket import fill, frame_requests, ref_map, sequence_of

import astropy.units as u

from helpers import read_from, server_of_all_tests
from sunpy_heliocloud.io.filesystem import filesystem


@pytest.fixture(scope="session")
def filled_server():
    """A server with forty images of one channel and forty of another."""
    with server_of_all_tests() as server:
        server.images = {channel: fill(server, channel=channel) for channel in (171, 193)}
        yield server


@pytest.fixture
def bucket(filled_server, monkeypatch):
    """The server, which is the S3 endpoint during the test."""
    read_from(filled_server, monkeypatch)
    yield filled_server
    filled_server.heal()


@pytest.fixture(scope="session")
def cubes(filled_server):
    """Lazy cubes, made once: as many requests are made for them as for their pixels."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        read_from(filled_server, monkeypatch)
        sequences = {channel: sequence_of(urls) for channel, urls in filled_server.images.items()}
    target = ref_map(sequences[171])
    raw = sequences[171].to_cube()
    derotated = raw.derotate_to(target)
    resampled = derotated.resample_time(4 * u.min)
    hot = sequences[193].to_cube().derotate_to(target).resample_time(times=resampled.times)
    return {"raw": raw, "derotated": derotated, "resampled": resampled, "hot": hot, "target": target}


@pytest.fixture(scope="session")
def stored(filled_server, cubes, tmp_path_factory):
    """The derotated cube as it was saved in one go; tests copy it to change it."""
    folder = tmp_path_factory.mktemp("saved") / "store"
    with pytest.MonkeyPatch.context() as monkeypatch:
        read_from(filled_server, monkeypatch)
        cubes["derotated"].save(folder)
    assert frame_requests(filled_server) == 40
    filled_server.reset()
    return folder


@pytest.fixture
def target(cubes):
    """The map that cubes are derotated to."""
    return cubes["target"]


@pytest.fixture
def raw(bucket, cubes):
    """Forty frames, each with coordinates of its own; not read yet."""
    return cubes["raw"]


@pytest.fixture
def derotated(bucket, cubes):
    """The frames on the grid of a map."""
    return cubes["derotated"]


@pytest.fixture
def resampled(bucket, cubes):
    """Thirty-nine planes on the grid of the map."""
    return cubes["resampled"]


@pytest.fixture
def hot(bucket, cubes):
    """The other channel, on the same grid and times."""
    return cubes["hot"]


@pytest.fixture
def remote(bucket):
    """The URL of a store in a bucket that is empty, and the options for it."""
    files, _ = filesystem(bucket.url, bucket.storage_options)
    files.mkdir("stores")
    yield "s3://stores/a cube", bucket.storage_options
    files.invalidate_cache()
    files.rm("stores", recursive=True)
