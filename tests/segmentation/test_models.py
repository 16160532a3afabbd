import errno
import io
import json
import os
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from segmentation import models
from segmentation.errors import ModelDamaged, ModelError, ModelNotFound
from segmentation.models import (
    CARD,
    GRAPH,
    WEIGHTS,
    ModelKind,
    ModelStore,
    ModelVersion,
    write_card,
)

KIND = ModelKind.SEGMENTER


def _write(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"weights" * 100)
    (folder / GRAPH).write_bytes(b"graph" * 100)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    _write(bundled)
    write_card(bundled, {"kind": KIND.value, "version": "mask-rcnn-1"})
    return ModelStore(tmp_path / "models", {KIND: bundled})


def _create(store: ModelStore, name: str = "mine") -> ModelVersion:
    return store.create(KIND, name, write=_write, card={"categories": ["top"]})


def test_created_version_is_listed_after_the_bundled_one_and_found(store: ModelStore) -> None:
    created = _create(store)
    assert [version.name for version in store.list(KIND)] == ["mask-rcnn-1", "mine"]
    found = store.get(KIND, "mine")
    assert found.folder == created.folder
    assert found.card["categories"] == ["top"]
    assert set(found.card["sha256"]) == {WEIGHTS, GRAPH}
    found.verify()
    assert found.weights_path.is_file()
    assert found.graph_path.is_file()
    assert store.list(ModelKind.PARSER) == []


def test_bundled_is_an_alias(store: ModelStore) -> None:
    assert store.get(KIND).name == "mask-rcnn-1"
    assert store.get(KIND, "bundled").name == store.get(KIND, "mask-rcnn-1").name


def test_unknown_version_names_those_there_are(store: ModelStore) -> None:
    with pytest.raises(ModelNotFound, match="mask-rcnn-1"):
        store.get(KIND, "other")
    with pytest.raises(ModelNotFound, match="none"):
        store.get(ModelKind.PARSER)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", "bundled", ".hidden", "x" * 81])
def test_names_that_are_no_folder_names_are_refused(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelError):
        _create(store, name)


@pytest.mark.parametrize("name", ["mine", "mask-rcnn-1"])
def test_a_name_is_taken_once(store: ModelStore, name: str) -> None:
    _create(store)
    with pytest.raises(ModelError, match="already"):
        _create(store, name)


def test_failed_creation_leaves_nothing(store: ModelStore, tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        _write(folder)
        raise OSError("disk full")

    with pytest.raises(OSError):
        store.create(KIND, "mine", write=fail, card={})
    assert list((tmp_path / "models" / KIND).iterdir()) == []
    _create(store)


def test_figures_are_added_to_the_card(store: ModelStore) -> None:
    version = store.add_figures(_create(store), {"mask_ap": 0.5})
    assert store.get(KIND, "mine").card["figures"] == {"mask_ap": 0.5}
    version.verify()


@pytest.mark.parametrize("name", [WEIGHTS, GRAPH])
def test_changed_or_missing_file_is_refused_and_named(store: ModelStore, name: str) -> None:
    version = _create(store)
    data = bytearray((version.folder / name).read_bytes())
    data[9] ^= 1
    (version.folder / name).write_bytes(data)
    with pytest.raises(ModelDamaged, match=name):
        version.verify()
    (version.folder / name).unlink()
    with pytest.raises(ModelDamaged, match=name):
        version.verify()


@pytest.mark.parametrize("text", ["", "{", "[" * 50_000, "[]", "{}", '{"version": "mine"}'])
def test_damaged_card_is_refused(store: ModelStore, text: str) -> None:
    (_create(store).folder / CARD).write_text(text)
    with pytest.raises(ModelDamaged, match=CARD.replace(".", r"\.")):
        store.get(KIND, "mine")


@pytest.mark.parametrize("damaged", ["mine", "mask-rcnn-1"])
def test_a_damaged_card_takes_no_other_version_down(
    store: ModelStore, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    _create(store)
    _create(store, "other")
    folder = store.get(KIND, damaged).folder
    (folder / CARD).write_text("{")
    sound = [name for name in ("mask-rcnn-1", "mine", "other") if name != damaged]
    assert [store.get(KIND, name).name for name in sound] == sound
    assert [version.name for version in store.list(KIND)] == sound
    (warning,) = caplog.messages
    assert str(folder) in warning


def test_a_card_is_on_the_disk_before_it_replaces_the_old_one(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = _create(store)
    done: list[str] = []
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("on the disk"))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replaced"), replace(*paths)))
    store.add_figures(version, {})
    assert done == ["on the disk", "replaced", "on the disk"]


def test_a_killed_writing_of_a_card_leaves_a_sound_version(store: ModelStore) -> None:
    version = _create(store)
    left = [version.folder / f"{CARD}{middle}.tmp" for middle in ("", ".0123abcd")]
    for file in left:
        file.write_text("{")
    store.add_figures(version, {}).verify()
    assert not {file.name for file in left} & set(store.get(KIND, "mine").card["sha256"])


def test_exported_zip_is_imported_elsewhere(store: ModelStore, tmp_path: Path) -> None:
    version = _create(store)
    store.export_zip(KIND, "mine", tmp_path / "mine.zip")
    other = ModelStore(tmp_path / "other", {})
    imported = other.import_zip(KIND, tmp_path / "mine.zip")
    assert imported.card == version.card
    imported.verify()
    assert imported.graph_path.read_bytes() == version.graph_path.read_bytes()
    with pytest.raises(ModelError, match="already"):
        other.import_zip(KIND, tmp_path / "mine.zip")


@pytest.mark.parametrize("name", ["none.zip", "folder.zip"])
def test_a_zip_that_is_no_file_is_not_called_damaged(
    store: ModelStore, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder.zip").mkdir()
    reason = r"\.zip: not imported \((No such file or directory|Is a directory)\)$"
    with pytest.raises(ModelError, match=reason):
        store.import_zip(KIND, tmp_path / name)


def test_an_import_to_a_full_disk_says_so(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create(store)
    store.export_zip(KIND, "mine", tmp_path / "mine.zip")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    other = ModelStore(tmp_path / "other", {})
    with pytest.raises(ModelError, match=r"mine\.zip: not imported \(No space left on device\)$"):
        other.import_zip(KIND, tmp_path / "mine.zip")
    assert other.list(KIND) == []


def test_figures_are_remembered_of_a_version_and_not_of_another_that_had_its_name(
    store: ModelStore,
) -> None:
    version = _create(store)
    store.record_figures(version, "photos", {"mask_ap": 0.5})
    assert store.recorded_figures(version) == {"photos": {"mask_ap": 0.5}}
    shutil.rmtree(version.folder)

    def write(folder: Path) -> None:
        _write(folder)
        (folder / GRAPH).write_bytes(b"another graph")

    other = store.create(KIND, "mine", write=write, card={})
    assert store.recorded_figures(other) == {}


def test_damaged_version_is_not_exported(store: ModelStore, tmp_path: Path) -> None:
    _create(store).graph_path.write_bytes(b"changed")
    with pytest.raises(ModelDamaged):
        store.export_zip(KIND, "mine", tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_an_export_to_a_full_disk_leaves_nothing_and_names_its_file(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create(store)
    monkeypatch.setattr("segmentation.whole_file._beside", lambda file: tmp_path / "mine.zip.tmp")
    (tmp_path / "mine.zip.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: .*mine\.zip'"):
        store.export_zip(KIND, "mine", tmp_path / "mine.zip")
    assert not list(tmp_path.glob("mine.zip*"))


def _members(store: ModelStore, tmp_path: Path) -> dict[str, bytes]:
    store.export_zip(KIND, _create(store).name, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write_zip(file: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _refused(
    tmp_path: Path,
    members: dict[str, bytes],
    error: type[Exception] = ModelError,
    *,
    match: str | None = None,
) -> None:
    file = tmp_path / "hostile.zip"
    _write_zip(file, members)
    target = ModelStore(tmp_path / "target", {})
    with pytest.raises(error, match=match):
        target.import_zip(KIND, file)
    left = [path for path in (tmp_path / "target").rglob("*") if path.is_file()]
    assert left == []


def _with_card(members: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    return {**members, CARD: json.dumps({**json.loads(members[CARD]), **changes}).encode()}


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/b", "..", CARD, "x\\y"])
def test_zip_whose_card_names_a_foreign_path_is_refused(
    store: ModelStore, tmp_path: Path, name: str
) -> None:
    members = _members(store, tmp_path)
    hashes = {**json.loads(members[CARD])["sha256"], name: "0"}
    _refused(tmp_path, _with_card({**members, name: members.get(name, b"evil")}, sha256=hashes))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("version", ["../evil", "", "A", 7, "bundled", None])
def test_zip_with_a_hostile_version_name_is_refused(
    store: ModelStore, tmp_path: Path, version: object
) -> None:
    _refused(tmp_path, _with_card(_members(store, tmp_path), version=version))


def test_zip_of_another_kind_is_refused(store: ModelStore, tmp_path: Path) -> None:
    _refused(tmp_path, _with_card(_members(store, tmp_path), kind="parser"))


def test_zip_with_a_changed_file_is_refused(store: ModelStore, tmp_path: Path) -> None:
    _refused(tmp_path, {**_members(store, tmp_path), GRAPH: b"other"}, ModelDamaged)


@pytest.mark.parametrize("name", [CARD, WEIGHTS, GRAPH])
def test_zip_without_a_file_is_refused(store: ModelStore, tmp_path: Path, name: str) -> None:
    members = _members(store, tmp_path)
    del members[name]
    _refused(tmp_path, members)


def test_zip_that_unpacks_to_too_much_is_refused(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = _members(store, tmp_path)
    monkeypatch.setattr(models, "_MAX_FILE_BYTES", 100)
    _refused(tmp_path, members)


def test_zip_that_unpacks_to_far_more_than_weights_do_is_refused(
    store: ModelStore, tmp_path: Path
) -> None:
    members = _members(store, tmp_path)
    weights = bytes(500_000)
    hashes = {**json.loads(members[CARD])["sha256"], WEIGHTS: sha256(weights).hexdigest()}
    changed = _with_card({**members, WEIGHTS: weights}, sha256=hashes)
    _refused(tmp_path, changed, match="unpacks to far more than weights do")


def test_zip_with_a_huge_card_is_refused(store: ModelStore, tmp_path: Path) -> None:
    _refused(tmp_path, _with_card(_members(store, tmp_path), padding="x" * 2**21))


def test_files_that_the_card_does_not_name_are_left_behind(
    store: ModelStore, tmp_path: Path
) -> None:
    members = {**_members(store, tmp_path), "../evil.py": b"evil", "extra.txt": b"extra"}
    file = tmp_path / "more.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    imported = ModelStore(tmp_path / "target", {}).import_zip(KIND, file)
    assert {path.name for path in imported.folder.iterdir()} == {CARD, WEIGHTS, GRAPH}
    assert not list(tmp_path.rglob("evil.py"))


def test_anything_that_is_not_a_whole_zip_is_refused(store: ModelStore, tmp_path: Path) -> None:
    members = _members(store, tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    whole = buffer.getvalue()
    encrypted = bytearray(whole)
    for start in (encrypted.find(b"PK\x03\x04") + 6, encrypted.find(b"PK\x01\x02") + 8):
        encrypted[start] |= 1
    target = ModelStore(tmp_path / "target", {})
    file = tmp_path / "damaged.zip"
    for data in (bytes(encrypted), b"", b"text", whole[:-30], whole[: len(whole) // 2]):
        file.write_bytes(data)
        with pytest.raises(ModelError):
            target.import_zip(KIND, file)
    refused = 0
    for position in range(30, len(whole) - 40, 23):
        file.write_bytes(whole[:position] + b"\xff" * 9 + whole[position + 9 :])
        try:
            # What was hit may be a time stamp; what arrives must be whole.
            ModelStore(tmp_path / f"target-{position}", {}).import_zip(KIND, file).verify()
        except ModelError:
            refused += 1
    assert refused > 5
