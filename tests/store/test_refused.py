"""Stores of something else, damaged and half-written ones are refused, with what is different or wrong."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from small_bucket import frame_requests, sequence_of

import astropy.units as u

from sunpy_heliocloud import LagMap, TimeLagCube
from sunpy_heliocloud.store.json_text import fingerprint


@pytest.fixture
def saved(stored, bucket, tmp_path):
    """A store of the derotated cube, which a test may damage."""
    shutil.copytree(stored, tmp_path / "store")
    return tmp_path / "store"


OTHERS = {
    "query": (lambda s, t: s[1:].to_cube().derotate_to(t), "has 40 entries in the store, 39 here|40.*39"),
    "channel": (None, r"meta.wavelength.value is 171.0 in the store, 193.0 here"),
    "target": (
        lambda s, t: s.to_cube().derotate_to(t.submap([1, 1] * u.pix, top_right=[9, 9] * u.pix)),
        "shape",
    ),
    "algorithm": (lambda s, t: s.to_cube().derotate_to(t, algorithm="interpolation"), "interpolation"),
    "rotation": (lambda s, t: s.to_cube().derotate_to(t, rotation_model="rigid"), "'rigid'"),
    "height": (lambda s, t: s.to_cube().derotate_to(t, height=5 * u.Mm), "5"),
    "kernel width": (
        lambda s, t: s.to_cube().derotate_to(t, kernel_width=1.4),
        r"1\.3.*1\.4|kernel_width|token",
    ),
    "steps": (lambda s, t: s.apply(negated, pointwise=True).to_cube().derotate_to(t), "steps|token"),
    "normalisation": (lambda s, t: s.to_cube(normalize=False).derotate_to(t), "normalization|unit"),
    "arithmetic": (lambda s, t: s.to_cube().derotate_to(t) * 2, "made from"),
    "values in memory": (lambda s, t: s.to_cube().derotate_to(t).compute(), "made from"),
    "type": (lambda s, t: s.to_cube().derotate_to(t, dtype=np.float64), "float32.*float64"),
}


def negated(data, header):
    return -data


@pytest.mark.parametrize("other", OTHERS)
def test_a_store_of_another_query_target_or_option_is_refused_with_the_difference(
    other, saved, bucket, target
):
    make, difference = OTHERS[other]
    sequence = sequence_of(bucket.images[193 if other == "channel" else 171])
    if other == "channel":
        cube = sequence.to_cube().derotate_to(target)
    elif other == "steps":
        cube = sequence.apply(negated, pointwise=True).to_cube().derotate_to(target)
    else:
        cube = make(sequence, target)
    before = contents(saved)
    bucket.reset()
    with pytest.raises(ValueError, match="was made for something else: ") as refused:
        cube.save(saved)
    assert re.search(difference, str(refused.value))
    assert "in the store" in str(refused.value)
    assert "Save to another place, or say resume=False to replace it" in str(refused.value)
    assert frame_requests(bucket) == 0
    assert contents(saved) == before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("package", ["sunpy_heliocloud", "numpy", "sunpy"])
def test_a_store_of_another_version_is_refused_with_both_versions(package, saved, derotated, monkeypatch):
    from sunpy_heliocloud.store import description

    changed = description.versions() | {package: "0.0.1"}
    monkeypatch.setattr(description, "versions", lambda: changed)
    with pytest.raises(ValueError, match=rf"versions\.{package} is '.*' in the store, '0\.0\.1' here"):
        derotated.save(saved)


def test_a_frame_that_has_changed_at_the_server_is_another_one(bucket, target, tmp_path):
    file = bucket.read(bucket.images[171][0].removeprefix(bucket.url))
    url = bucket.write("changing/0.fits", file)
    sequence_of([url]).to_cube().derotate_to(target).save(tmp_path / "store")
    bucket.write("changing/0.fits", file + b"\0" * 2880)
    with pytest.raises(ValueError, match="etag"):
        sequence_of([url]).to_cube().derotate_to(target).save(tmp_path / "store")


def test_a_store_is_replaced_on_demand_and_files_of_others_stay(saved, raw):
    (saved / "notes.txt").write_text("mine")
    raw.save(saved, resume=False)
    np.testing.assert_array_equal(TimeLagCube.load(saved).compute().data, raw.compute().data)
    assert (saved / "notes.txt").read_text() == "mine"
    assert not (saved / "data" / "done" / "3.0.0.json").exists()


def test_a_folder_of_other_files_is_refused(raw, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"...")
    for resume in (True, False):
        with pytest.raises(
            ValueError, match=r"holds files that are no store, since it has no made_from\.json"
        ):
            raw.save(tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_store_of_another_class_is_refused_with_the_right_one(saved):
    with pytest.raises(ValueError, match=r"holds a TimeLagCube, not a LagMap; use TimeLagCube\.load"):
        LagMap.load(saved)


def test_no_store_is_an_error_that_says_so(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"there is no store .*/nothing, since it has no made_from\.json"
    ):
        TimeLagCube.load(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name", ["made_from.json", "complete.json", "zarr.json", "data/zarr.json", "time/zarr.json", "time/c/0"]
)
@pytest.mark.parametrize("damage", ["flipped", "cut", "removed", "emptied"])
def test_a_tampered_or_half_written_document_is_refused(name, damage, saved):
    path = saved / name
    data = path.read_bytes()
    damaged = {
        "flipped": data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
        "cut": data[: len(data) // 2],
        "emptied": b"",
    }
    path.unlink() if damage == "removed" else path.write_bytes(damaged[damage])
    with pytest.raises((ValueError, OSError), match=re.escape(str(saved))):
        TimeLagCube.load(saved)


def test_a_number_that_was_changed_in_a_document_is_refused(saved):
    text = (saved / "made_from.json").read_text()
    (saved / "made_from.json").write_text(text.replace("150000000020", "140000000020"))
    with pytest.raises(ValueError, match="was changed after it was written: its fingerprint is"):
        TimeLagCube.load(saved)


@pytest.mark.parametrize("damage", ["flipped", "exchanged"])
def test_a_tampered_chunk_is_refused_when_it_is_read(damage, saved):
    path, other = saved / "data" / "c" / "1" / "0" / "0", saved / "data" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data if damage == "flipped" else other.read_bytes())
    loaded = TimeLagCube.load(saved)
    assert np.isfinite(loaded[3].compute().data).any()
    with pytest.raises(ValueError, match=r"data/c/1/0/0 is not the chunk that was saved: it is damaged"):
        loaded.compute()


@pytest.mark.parametrize("damage", ["cut", "removed"])
def test_a_half_written_chunk_is_refused_and_written_again(damage, saved, derotated, bucket):
    path = saved / "data" / "c" / "1" / "0" / "0"
    expected = path.read_bytes()
    path.unlink() if damage == "removed" else path.write_bytes(expected[:100])
    with pytest.raises(
        ValueError, match=r"data/c/1/0/0 has .* bytes, where 9988 are expected: .* Save the same again"
    ):
        TimeLagCube.load(saved)
    derotated.save(saved)
    assert path.read_bytes() == expected
    assert frame_requests(bucket) == 16


def test_a_mark_that_is_damaged_counts_as_missing(saved, derotated, bucket):
    (saved / "complete.json").unlink()
    (saved / "data" / "done" / "1.0.0.json").write_text('{"hash": 1')
    derotated.save(saved)
    assert frame_requests(bucket) == 16
    TimeLagCube.load(saved).compute()


def test_a_chunk_of_another_store_is_refused(saved, raw, derotated, tmp_path):
    (derotated * 1).save(tmp_path / "other")
    shutil.copytree(tmp_path / "other" / "data" / "done", saved / "data" / "done", dirs_exist_ok=True)
    shutil.copy(tmp_path / "other" / "complete.json", saved / "complete.json")
    with pytest.raises(ValueError, match="belongs to another store"):
        TimeLagCube.load(saved)


def test_a_document_with_a_right_fingerprint_is_still_checked(saved):
    document = json.loads((saved / "made_from.json").read_text())
    del document["fingerprint"]
    document["arrays"]["data"]["chunk"] = [2**40, 13, 12]
    (saved / "made_from.json").write_text(json.dumps(document | {"fingerprint": fingerprint(document)}))
    with pytest.raises(ValueError, match=re.escape(str(saved))):
        TimeLagCube.load(saved)


def test_a_place_that_cannot_be_written_says_which_and_why(raw, remote, tmp_path, monkeypatch):
    url, options = remote
    with pytest.raises(OSError, match="could not .* s3://no-such-bucket/x"):
        raw.save("s3://no-such-bucket/x", storage_options=options)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=f"could not .* {re.escape(os.fspath(tmp_path / 'file'))}"):
        raw.save(tmp_path / "file" / "store")


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("s3://bucket", "has no key: expected s3://bucket/key"),
        ("s3://b/a/../c", r"segment '\.' or '\.\.'"),
        ("nonsense://x/y", "names no file system that can be used here"),
        ("s3://b/\x1b[2J", "control characters"),
        (17, "a store is a path or a URL"),
        ("", "a store is a path or a URL.*not ''"),
    ],
)
def test_a_store_is_what_the_gate_takes(store, message, raw):
    with pytest.raises(ValueError, match=message):
        raw.save(store)
    with pytest.raises(ValueError, match=message):
        TimeLagCube.load(store)
