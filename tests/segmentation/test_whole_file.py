import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segmentation.whole_file import written_whole


def test_a_file_is_replaced_once_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")
    with written_whole(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_of_two_writers_each_has_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    with written_whole(file) as one:
        one.write_text("one")
        with written_whole(file) as other:
            other.write_text("other")
        assert file.read_text() == "other"
    assert file.read_text() == "one"
    assert list(tmp_path.iterdir()) == [file]


def test_many_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    texts = [str(number) * 50_000 for number in range(8)]

    def write(text: str) -> None:
        with written_whole(file) as temporary:
            temporary.write_text(text)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, texts * 5))
    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_and_its_name_are_on_the_disk_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = [], os.fsync

    def watched(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    file = tmp_path / "a.json"
    with written_whole(file) as temporary:
        temporary.write_text("new")
    assert synced == [file.stat().st_ino, tmp_path.stat().st_ino]


def _write_half(file: Path, error: BaseException) -> None:
    with written_whole(file) as temporary:
        temporary.write_text("ne")
        raise error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError(), KeyboardInterrupt()]
)
def test_what_ends_halfway_leaves_the_old_file(error: BaseException, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")
    with pytest.raises(type(error)) as raised:
        _write_half(file, error)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
    if isinstance(raised.value, OSError):
        assert raised.value.filename == str(file)


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "none" / "a.json"
    with pytest.raises(FileNotFoundError) as raised, written_whole(file) as temporary:
        temporary.write_text("new")
    assert raised.value.filename == str(file)
    with pytest.raises(FileNotFoundError) as raised, written_whole(tmp_path / "b.json"):
        (tmp_path / "source").read_text()
    assert raised.value.filename == str(tmp_path / "source")
