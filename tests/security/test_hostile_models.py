"""Hostile weights and zips: refused with one line, nothing stored, nothing of them ever runs."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import stat
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from indexer.bootstrap import open_models
from indexer.settings import Settings
from search_api import cli
from segmentation.errors import GarbError
from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network, load_imagenet_backbone
from segmentation.models import CARD, GRAPH, WEIGHTS, ModelKind
from segmentation.training.checkpoint import load_checkpoint

Members = dict[str, bytes]


class Canary:
    """Unpickled, it writes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / "canary"
    pickle.loads(pickle.dumps(Canary(file)))
    assert file.exists(), "the canary must be able to sing"
    file.unlink()
    return file


def pickles(canary: Path) -> dict[str, bytes]:
    """One payload in the clothes of every kind of checkpoint."""
    payload = Canary(canary)
    modern, old = io.BytesIO(), io.BytesIO()
    torch.save({"model": payload}, modern)
    torch.save({"model": payload}, old, _use_new_zipfile_serialization=False)
    # A function by its name, as pickle's first protocol writes it.
    by_name = b"cpathlib\nPath.touch\n(cpathlib\nPath\n(V" + str(canary).encode() + b"\ntRtR."
    return {
        "plain pickle": pickle.dumps(payload),
        "pickle of protocol 0": by_name,
        "torch's zip": modern.getvalue(),
        "torch's old form": old.getvalue(),
        "pickle behind a state": pickle.dumps({"state_dict": {"weight": payload}}),
    }


def safetensors(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def damaged_weights(canary: Path) -> dict[str, bytes]:
    tensor = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    return {
        **pickles(canary),
        "nothing": b"",
        "header of 2^63 bytes": safetensors({}, length=2**63),
        "header cut short": safetensors({"a": tensor})[:-5],
        "header that is no JSON": safetensors(b"{" * 5_000),
        "tensor past the end": safetensors({"a": tensor}),
        "tensor of 2^60 numbers": safetensors({"a": {**tensor, "shape": [2**60]}}, bytes(16)),
        "tensors that overlap": safetensors({"a": tensor, "b": tensor}, bytes(16)),
        "none of the weights": safetensors({"a": tensor}, bytes(16)),
    }


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The bundled segmenter under another name, as `garb segmenter export` writes it."""
    home = tmp_path_factory.mktemp("exported")
    models = open_models(Settings.from_env({"GARB_HOME": str(home)}))
    version = models.get(ModelKind.SEGMENTER)
    card = {**version.card, "version": "foreign"}
    files = {name: (version.folder / name).read_bytes() for name in version.card["sha256"]}
    return {CARD: json.dumps(card).encode(), **files}


def zipped(members: Members, *, links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return buffer.getvalue()


def with_card(members: Members, **changes: Any) -> Members:
    return {**members, CARD: json.dumps({**json.loads(members[CARD]), **changes}).encode()}


def without(members: Members, name: str) -> Members:
    return {kept: data for kept, data in members.items() if kept != name}


def hostile_zips(members: Members, canary: Path) -> dict[str, bytes]:
    whole = zipped(members)
    sha256 = json.loads(members[CARD])["sha256"]
    slipping = {**sha256, "../../../evil.onnx": sha256[GRAPH]}
    absolute = {**sha256, "/tmp/evil.onnx": sha256[GRAPH]}
    pickled = pickles(canary)["torch's zip"]
    # Its card tells the truth: only its size speaks against it.
    zeros, inflating = bytes(64 * 1024 * 1024), io.BytesIO()
    honest = {**sha256, WEIGHTS: hashlib.sha256(zeros).hexdigest()}
    with zipfile.ZipFile(inflating, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in with_card({**members, WEIGHTS: zeros}, sha256=honest).items():
            archive.writestr(name, data)
    lying = bytearray(zipped({name: members[name] for name in (CARD, WEIGHTS, GRAPH)}))
    place = lying.rindex(b"PK\x01\x02")
    lying[place + 24 : place + 28] = struct.pack("<I", 2**32 - 2)  # the graph's size
    return {
        "torch's zip with a canary": pickled,
        "zip of a zip": zipped({"model.zip": whole}),
        "zip slip": zipped(with_card({**members, "../../../evil.onnx": b"evil"}, sha256=slipping)),
        "absolute path": zipped(with_card({**members, "/tmp/evil.onnx": b"evil"}, sha256=absolute)),
        "name that leaves": zipped(with_card(members, version="../../evil")),
        "name of 5,000": zipped(with_card(members, version="e" * 5_000)),
        "weights are a link": zipped(without(members, WEIGHTS), links={WEIGHTS: "/etc/passwd"}),
        "card is a link": zipped(without(members, CARD), links={CARD: "/etc/passwd"}),
        "weights of other bytes": zipped({**members, WEIGHTS: pickles(canary)["plain pickle"]}),
        "graph of other bytes": zipped({**members, GRAPH: b"evil"}),
        "no sha256": zipped(with_card(members, sha256={})),
        "sha256 that is a number": zipped(with_card(members, sha256={WEIGHTS: 1, GRAPH: 2})),
        "no weights": zipped(without(members, WEIGHTS)),
        "no card": zipped(without(members, CARD)),
        "another kind": zipped(with_card(members, kind="embedder")),
        "card of 2 MB": zipped(with_card(members, padding="x" * 2**21)),
        "card nested 100,000 deep": zipped({**members, CARD: b"[" * 100_000}),
        "64 MB of zeros": inflating.getvalue(),
        "a size that is a lie": bytes(lying),
        "cut short": whole[: len(whole) // 2],
        "no zip": pickles(canary)["plain pickle"],
        "nothing": b"",
    }


@pytest.fixture
def garb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run the command: its exit code and what it wrote to stderr."""
    for name in ("GARB_DATABASE_URL", "GARB_MODELS", "GARB_IMAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GARB_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["garb", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


def test_hostile_zips_are_refused_with_one_line_and_leave_nothing(
    garb: Callable[..., tuple[int, str]], exported: Members, canary: Path, tmp_path: Path
) -> None:
    hostile = hostile_zips(exported, canary)
    assert len(hostile) >= 20
    file = tmp_path / "model.zip"
    for name, data in hostile.items():
        file.write_bytes(data)
        code, told = garb("segmenter", "import", str(file))
        assert code == 1, name
        assert told.startswith("garb: "), name
        assert told.count("\n") == 1, told
        assert len(told) < 1_000, name
        assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()], name
    assert not canary.exists()
    assert not list(tmp_path.rglob("evil*"))
    assert not Path("/tmp/evil.onnx").exists()
    file.write_bytes(zipped(exported))
    assert garb("segmenter", "import", str(file))[0] == 0


def test_damaged_weights_are_refused_by_what_trains_from_them(
    canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.safetensors"
    monkeypatch.setenv("GARB_IMAGENET_WEIGHTS", str(file))
    network = build_network(Architecture.MOBILENET_V2_FPN, classes=3)
    for name, data in damaged_weights(canary).items():
        file.write_bytes(data)
        with pytest.raises(GarbError) as caught:
            load_imagenet_backbone(network, Architecture.MOBILENET_V2_FPN)
        assert "\n" not in str(caught.value), name
    assert not canary.exists()


def test_resume_file_of_somebody_else_runs_nothing(canary: Path, tmp_path: Path) -> None:
    file = tmp_path / "resume.pt"
    for data in pickles(canary).values():
        file.write_bytes(data)
        with pytest.raises(Exception):  # noqa: B017 - torch's own kinds
            load_checkpoint(file)
    assert not canary.exists()


@pytest.mark.slow
def test_foreign_checkpoints_of_clip_run_nothing(
    garb: Callable[..., tuple[int, str]], canary: Path, tmp_path: Path
) -> None:
    file = tmp_path / "clip.pt"
    for name, data in pickles(canary).items():
        file.write_bytes(data)
        code, told = garb("embedder", "import", f"clip:ViT-B-32:{file}")
        assert code == 1, name
        assert told.splitlines()[-1].startswith("garb: "), told
        assert not canary.exists(), name
