"""Files of a local store while several writers work on it."""

import threading

import pytest

from sunpy_heliocloud.store import local_files


def together(*works):
    """Run functions at the same time, and give what they raised."""
    errors, start = [], threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            work()
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize(
    ("look", "suffix"), [(local_files.tidy, ".part"), (local_files.sizes, "")], ids=["tidy", "sizes"]
)
def test_files_that_other_writers_remove_meanwhile_are_no_errors(tmp_path, look, suffix):
    files = [tmp_path / f"{i:04}{suffix}" for i in range(400)]

    def remove():
        for file in reversed(files):
            file.unlink(missing_ok=True)

    for _ in range(5):
        for file in files:
            file.write_bytes(b"1")
        assert together(lambda: look(tmp_path), remove) == []


def test_a_writer_whose_unfinished_files_are_tidied_by_others_writes_again(tmp_path):
    """Each of the others tidies once, when it has finished the store."""
    folder, tidied, ended = tmp_path / "array", [], threading.Event()

    def tidy():
        while len(tidied) < 8 and not ended.is_set():
            if any(folder.glob("*.part")):
                local_files.tidy(tmp_path)
                tidied.append(True)

    def write():
        try:
            while len(tidied) < 8:
                local_files.write(str(folder / "mark"), b"done")
        finally:
            ended.set()

    assert together(tidy, write) == []
    assert local_files.sizes(tmp_path) == {"array/mark": 4}
