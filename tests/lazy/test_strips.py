"""Cubes that are made strip by strip, since all of their planes would not fit into memory."""

from itertools import pairwise
from types import SimpleNamespace

import dask
import dask.array as da
import numpy as np
import pytest
from dask.order import order
from hypothesis import given, settings
from hypothesis import strategies as st

import astropy.units as u
from astropy.time import Time

from helpers import no_compute
from sunpy_heliocloud import LazyMapSequence, LostFrameWarning, TimeLagCube, aligned_cubes, time_lag_pairs
from sunpy_heliocloud.io import kept_bytes
from sunpy_heliocloud.io.kept_bytes import keeping
from sunpy_heliocloud.lazy import strips as strips_module
from sunpy_heliocloud.lazy.pencils import map_pencils
from sunpy_heliocloud.lazy.strips import Room
from sunpy_heliocloud.lazy.turns import turns_of
from sunpy_heliocloud.simulation import LocalServer, SimulatedSun, write_bucket
from sunpy_heliocloud.store import chunks

N, SIDE = 12, 250
CADENCE = 4 * u.min
BOUNDS = {"lag_bounds": [-20, 20] * u.min, "at_bounds": "keep"}
TARGET = "sunpy-heliocloud.memory-target"
SIZES = st.integers(1_000_000, 30_000_000)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """Two channels of the whole disk, in a folder."""
    folder = str(tmp_path_factory.mktemp("bucket"))
    return write_bucket(folder, SimulatedSun(), n_frames=N, shape=(SIDE, SIDE), cadence=CADENCE)


@pytest.fixture(scope="module")
def server(bucket):
    """The same on a server."""
    with LocalServer() as server:
        server.upload(bucket.url)
        yield server


@pytest.fixture(scope="module")
def sequences(server, bucket):
    frames = bucket.frames
    return [
        LazyMapSequence(frames["datakey"][frames["wavelength"] == channel * u.AA].tolist())
        for channel in (193, 171)
    ]


@pytest.fixture(scope="module")
def local(bucket):
    """The files, where no requests are counted: a server takes longer than reading and derotating."""
    return [LazyMapSequence(bucket.urls(channel)) for channel in (193, 171)]


def target(size):
    """So much memory for each process."""
    return dask.config.set({TARGET: size})


def cubes_of(sequences, **options):
    """Both channels of the whole disk, at the same times."""
    ref_map = sequences[1][N // 2]
    return [
        sequence.to_cube().derotate_to(ref_map, **options).resample_time(CADENCE) for sequence in sequences
    ]


@pytest.fixture(scope="module")
def expected(local):
    """In one piece: the derotated planes of one channel, and the lags."""
    hot, cool = cubes_of(local)
    return dask.compute(local[0].to_cube().derotate_to(local[1][N // 2]), hot.time_lag(cool, **BOUNDS))


def strips(cube):
    return cube.data.numblocks[1]


@settings(max_examples=5)
@given(size=SIZES, cubes=st.integers(1, 6))
def test_strips_of_any_size_give_the_same_lags_to_the_bit(local, expected, size, cubes):
    with target(size), dask.config.set({"sunpy-heliocloud.cubes-at-once": cubes}):
        hot, cool = cubes_of(local)
        lag = hot.time_lag(cool, **BOUNDS).compute()
    np.testing.assert_array_equal(lag.data, expected[1].data)
    assert lag.meta["pulled"] == expected[1].meta["pulled"]


@settings(max_examples=8)
@given(size=SIZES, rows=st.slices(SIDE), columns=st.slices(SIDE), planes=st.slices(N))
def test_strips_of_any_size_give_the_same_slices_to_the_bit(local, expected, size, rows, columns, planes):
    whole = expected[0].data
    with target(size):
        cube = local[0].to_cube().derotate_to(local[1][N // 2])
    part = cube.data[planes, rows, columns]
    np.testing.assert_array_equal(part, whole[planes, rows, columns])


@pytest.mark.parametrize("options", [{"algorithm": "interpolation"}, {"algorithm": "exact"}, {"dtype": "f8"}])
def test_strips_of_all_algorithms_are_the_same_to_the_bit(local, options):
    some, ref_map = local[0][:2].to_cube(), local[1][N // 2]
    whole = some.derotate_to(ref_map, **options)
    with target("800 kB"):
        cut = some.derotate_to(ref_map, **options)
    assert strips(cut) > 1 == strips(whole)
    np.testing.assert_array_equal(cut.compute().data, whole.compute().data)


def test_each_frame_is_one_request_while_the_cube_fits(server, sequences):
    hot, cool = cubes_of(sequences)
    server.reset()
    hot.time_lag(cool, **BOUNDS).compute()
    assert server.requests == 2 * N


@pytest.mark.parametrize("size", ["6 MB", "3 MB", "1.5 MB"])
def test_the_estimate_tells_strips_requests_and_bytes(server, sequences, size):
    with target(size):
        hot, cool = cubes_of(sequences)
    with no_compute():
        cost = hot.time_lag(cool, **BOUNDS).estimate()
    server.reset()
    hot.time_lag(cool, **BOUNDS).compute()
    assert cost.strips > 1
    assert f"in {cost.strips} strips" in str(cost)
    assert cost.frames == 2 * N
    assert cost.requests == server.requests <= cost.strips * 2 * N
    assert cost.bytes.to_value(u.byte) == pytest.approx(server.bytes_sent, rel=0.1)
    assert cost.requests == (hot.estimate() + cool.estimate()).requests


@pytest.mark.parametrize("size", ["6 MB", "3 MB", "1.5 MB"])
def test_two_neighbouring_strips_are_one_request(server, sequences, expected, size):
    with target(size):
        hot, cool = cubes_of(sequences)
        lag = hot.time_lag(cool, **BOUNDS)
    server.reset()
    found = lag.compute()
    assert server.requests <= -(-lag.estimate().strips // 2) * 2 * N
    np.testing.assert_array_equal(found.data, expected[1].data)


def test_more_than_one_result_is_requested_strip_by_strip(server, sequences, expected):
    with target("3 MB"):
        hot, cool = cubes_of(sequences)
    lag, best = dask.compute(hot.time_lag(cool, **BOUNDS), hot.max_cross_correlation(cool, **BOUNDS))
    np.testing.assert_array_equal(lag.data, expected[1].data)
    assert best.shape == lag.shape


def test_bytes_are_kept_for_the_next_strip_only(server, sequences, monkeypatch):
    with target("3 MB"):
        hot, cool = cubes_of(sequences)
        lag = hot.time_lag(cool, **BOUNDS)
    with keeping():
        lag.compute()
        assert not kept_bytes._kept
        server.fail("*" + sequences[1].urls[3].rpartition("/")[2], status=403, times=1, after=1)
        with pytest.raises(OSError, match="403"):
            lag.compute()
    assert not kept_bytes._kept
    assert kept_bytes._bytes == 0


def test_without_room_for_bytes_each_strip_is_a_request(server, sequences, expected, monkeypatch):
    monkeypatch.setattr(kept_bytes, "_MOST_BYTES", -1)
    with target("3 MB"):
        hot, cool = cubes_of(sequences)
        lag = hot.time_lag(cool, **BOUNDS)
    server.reset()
    np.testing.assert_array_equal(lag.compute().data, expected[1].data)
    assert server.requests == lag.estimate().requests > -(-lag.estimate().strips // 2) * 2 * N


def test_a_frame_that_is_lost_in_one_strip_is_there_in_the_next(server, sequences):
    urls = sequences[0].urls[:4]
    with target("400 kB"):
        cube = LazyMapSequence(urls, errors="mask").to_cube().derotate_to(sequences[1][N // 2])
    assert strips(cube) > 3
    server.fail("*" + urls[2].rpartition("/")[2], status=403, times=1, after=1)
    with pytest.warns(LostFrameWarning, match="A frame is NaN"), dask.config.set(scheduler="sync"):
        found = cube.compute()
    first, second = cube.data.chunks[1][:2]
    middle = found.data[2, :, SIDE // 2]
    whole = np.isfinite(found.data[1, :, SIDE // 2])
    lost = whole & np.isnan(middle)
    assert lost.any()
    assert np.isfinite(middle[whole & ~lost]).all()
    assert np.ptp(np.flatnonzero(lost)) < max(first, second)


def test_turns_are_strips_in_the_order_of_rows(local):
    with target("3 MB"):
        hot, cool = cubes_of(local)
    lag = hot.time_lag(cool, **BOUNDS)
    turns = turns_of(lag)
    rows = [{key[-2] for key in keys} for keys, _ in turns]
    assert len(turns) == lag.estimate().strips
    assert all(max(one) < min(following) for one, following in pairwise(rows))
    assert sum(len(keys) for keys, _ in turns) == lag.data.npartitions + lag._marks.array.npartitions
    assert not turns_of(cubes_of(local)[0])


def test_what_two_strips_share_is_computed_once(server, sequences, expected):
    """A cube in one piece is compared with one in strips: no strip by itself."""
    with target("3 MB"):
        cut = cubes_of(sequences)[0]
    lag = cut.time_lag(cubes_of(sequences)[1], **BOUNDS)
    server.reset()
    np.testing.assert_array_equal(lag.compute().data, expected[1].data)
    assert server.requests == lag.estimate().requests


def test_pairs_of_channels_are_computed_in_strips(server, sequences):
    with target("3 MB"):
        aligned = aligned_cubes(sequences[0] + sequences[1], sequences[1][N // 2], cadence=CADENCE)
    lags, _ = time_lag_pairs(aligned, **BOUNDS)
    server.reset()
    count = aligned["171"].estimate().strips
    assert len(turns_of(lags)) == count > 1
    lags.compute()
    assert server.requests <= -(-count // 2) * 2 * N


def test_strips_read_little_more_than_the_files(server, sequences, bucket):
    files = sum(bucket.frames["size"].to_value(u.byte))
    with target("1.5 MB"):
        hot, cool = cubes_of(sequences)
    assert strips(hot) > 8
    server.reset()
    hot.time_lag(cool, **BOUNDS).compute()
    assert server.bytes_sent < 1.15 * files


@pytest.mark.parametrize("resampled", [True, False])
def test_one_strip_after_the_other_is_made(local, resampled):
    """In the order that dask gives to tasks, which is their priority on threads and on clusters."""
    with target("3 MB"):
        ref_map = local[1][N // 2]
        cubes = [sequence.to_cube().derotate_to(ref_map) for sequence in local]
        made = dict.fromkeys(cube.data.name for cube in cubes)
        assert strips(cubes[0]) > 2
        if resampled:
            cubes = [cube.resample_time(CADENCE) for cube in cubes]
        else:
            times = local[0].times[0] + np.arange(N) * CADENCE
            cubes = [TimeLagCube.from_array(cube.data, ref_map, times) for cube in cubes]
    lag = cubes[0].time_lag(cubes[1], **BOUNDS)
    graph = dict(lag.__dask_graph__())
    place = order(graph)
    rows = [key[2] for key in sorted(graph, key=place.get) if isinstance(key, tuple) and key[0] in made]
    assert len(rows) == sum(cube.data.npartitions for cube in cubes) or resampled
    changes = np.count_nonzero(np.diff(rows))
    assert changes == len(set(rows)) - 1


def test_a_small_job_takes_few_tasks_and_sends_little(local):
    hot, cool = cubes_of(local)
    lag = hot.time_lag(cool, **BOUNDS)
    (optimized,) = dask.optimize(lag)
    assert len(dict(optimized.__dask_graph__())) <= 26
    marks = lag._marks.array
    assert marks.dtype == np.int16
    assert marks.nbytes <= 1.5 * lag.data.nbytes


@pytest.mark.parametrize("planes", [180, 720])
def test_pencils_lie_within_strips(planes):
    """So that what is put together comes from one strip."""
    rows = Room(1e9, 1e8, 1e9).strips(planes, 1250, 1250 * 4)
    cube = da.ones((planes, 1250, 1250), chunks=(4, rows, -1), dtype=np.float32)
    pencils = map_pencils(np.negative, cube, planes=planes, dtype=np.float32)
    edges = np.cumsum(pencils.chunks[1])
    assert set(np.cumsum(rows)) <= set(edges)


@pytest.mark.parametrize("other", ["strips", "one piece", "planes", "pencils", "other strips", "memory"])
def test_strips_are_compared_with_cubes_that_are_made_otherwise(other):
    values = np.random.default_rng(0).normal(size=(12, 200, 100)).astype(np.float32)
    chunks = {
        "strips": (4, 70, -1),
        "one piece": (-1, -1, -1),
        "planes": (1, -1, -1),
        "pencils": (-1, 33, -1),
        "other strips": (5, 60, 50),
    }
    first = da.from_array(values, chunks=chunks["strips"])
    second = values if other == "memory" else da.from_array(values, chunks=chunks[other])
    for pair in ((first, second), (second, first)):
        both = map_pencils(np.add, *pair, planes=12, dtype=np.float32)
        np.testing.assert_array_equal(both, 2 * values)


class TestRoom:
    def test_a_region_of_500_arcsec_is_not_cut(self):
        assert Room.now().strips(180, 1002, 1002 * 4) == (1002,)

    @pytest.mark.parametrize(("side", "strips", "megabytes"), [(5000, 26, 760), (1250, 20, 200)])
    def test_the_whole_disk_takes_few_strips(self, side, strips, megabytes):
        rows = Room.now().strips(180, side, side * 4)
        assert sum(rows) == side
        assert 1 < len(rows) <= strips
        assert 180 * max(rows) * side * 4 <= megabytes * 1e6

    @given(
        planes=st.integers(1, 5000),
        rows=st.integers(1, 6000),
        columns=st.integers(1, 6000),
        size=st.integers(1, 10**11),
    )
    def test_strips_fit_and_are_the_fewest(self, planes, rows, columns, size):
        room = Room(size, size, size)
        lengths = room.strips(planes, rows, columns * 4)
        assert sum(lengths) == rows
        assert min(lengths) > 0
        whole = planes * rows * columns * 4
        assert max(lengths) == 1 or planes * max(lengths) * columns * 4 <= size
        # A quarter, for channels of a few planes more; and whole rows.
        assert len(lengths) <= max(1, 2 * (1.25 * whole / size + 1)) or max(lengths) <= 8

    @pytest.mark.parametrize("side", range(1000, 6000, 250))
    def test_channels_of_about_as_many_planes_have_the_same_strips(self, side):
        assert len({Room.now().strips(planes, side, side * 4) for planes in range(177, 184)}) == 1

    def test_more_channels_share_it(self, sequences):
        alone = Room.now()
        with dask.config.set({"sunpy-heliocloud.cubes-at-once": 6}):
            assert Room.now().whole == alone.whole / 3
        with target("6 MB"):
            aligned = aligned_cubes(sequences[0] + sequences[1], sequences[1][N // 2], cadence=CADENCE)
            assert strips(aligned["171"]) == strips(cubes_of(sequences)[0])

    def test_workers_of_two_gigabytes_take_180_frames_of_a_region_in_one_piece(self, monkeypatch):
        """And 720 in strips."""
        workers = {name: {"memory_limit": 2e9} for name in "ab"}
        client = SimpleNamespace(scheduler_info=lambda: {"workers": workers})
        monkeypatch.setattr(strips_module, "current_client", lambda: client)
        room = Room.now()
        assert room.strips(180, 1002, 1002 * 4) == (1002,)
        assert len(room.strips(720, 1002, 1002 * 4)) == 4
        # Of two channels, on two workers, which take more than their planes.
        assert 2 * room.whole < 0.5 * 2 * 2e9
        with target("1 GB"):
            assert Room.now().whole == 0.72e9

    @pytest.mark.parametrize("size", ["2 parsecs", -1, 0, [], "much"])
    def test_a_target_that_is_no_size_is_refused(self, size):
        with target(size), pytest.raises(ValueError, match="memory-target=.* must be a size, such as '2 GB'"):
            Room.now()

    @pytest.mark.parametrize("cubes", [0, 1.5, "two", True])
    def test_a_number_of_cubes_that_is_none_is_refused(self, cubes):
        with (
            dask.config.set({"sunpy-heliocloud.cubes-at-once": cubes}),
            pytest.raises(ValueError, match="cubes-at-once=.* must be a whole number from 1"),
        ):
            Room.now()


def test_strips_are_saved_and_resumed(local, expected, tmp_path):
    with target("3 MB"):
        hot, cool = cubes_of(local)
        lag = hot.time_lag(cool, **BOUNDS)
        lag.save(tmp_path / "lag")
        hot.save(tmp_path / "hot")
    hot, cool = cubes_of(local)
    np.testing.assert_array_equal(type(lag).load(tmp_path / "lag").data, expected[1].data)
    loaded = TimeLagCube.load(tmp_path / "hot")
    np.testing.assert_array_equal(loaded.compute().data, cubes_of(local)[0].compute().data)
    # Whatever the memory, it is the same store; and other options are not.
    hot.save(tmp_path / "hot")
    hot.time_lag(cool, **BOUNDS).save(tmp_path / "lag")
    with pytest.raises(ValueError, match="lag_bounds"):
        hot.time_lag(cool, **BOUNDS | {"lag_bounds": [-16, 16] * u.min}).save(tmp_path / "lag")
    with pytest.raises(ValueError, match="min_overlap"):
        hot.time_lag(cool, **BOUNDS, min_overlap=0.6).save(tmp_path / "lag")
    with pytest.raises(ValueError, match="made from"):
        hot.time_lag(cool * 2, **BOUNDS).save(tmp_path / "lag")
    assert Time(loaded.times[0]) == hot.times[0]


def test_a_map_is_saved_strip_by_strip(server, sequences, expected, tmp_path, monkeypatch):
    """What is written stays, and only the rest is read again."""
    monkeypatch.setattr(chunks, "_MOST_BYTES_OF_MAP", 20_000)
    with target("1 MB"):
        hot, cool = cubes_of(sequences)
    lag = hot.time_lag(cool, **BOUNDS)
    server.reset()
    server.fail("*" + sequences[1].urls[3].rpartition("/")[2], status=403, times=1, after=3)
    with dask.config.set(scheduler="sync"), pytest.raises(OSError, match="403"):
        lag.save(tmp_path / "lag")
    written = [len(list((tmp_path / "lag" / name / "done").glob("*.json"))) for name in ("data", "marks")]
    assert 0 < min(written) <= max(written) < 13
    with dask.config.set(scheduler="sync"):
        lag.save(tmp_path / "lag")
    whole = lag.estimate().requests
    assert server.requests <= whole + 2 * 2 * N  # of strips that were not finished
    loaded = type(lag).load(tmp_path / "lag")
    np.testing.assert_array_equal(loaded.data, expected[1].data)
    assert (loaded.meta["lags_used"] == expected[1].meta["lags_used"]).all()
