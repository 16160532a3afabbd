"""Versions of a model as folders: weights to train on, a graph to serve, a card that tells the rest."""

from __future__ import annotations

import hashlib
import json
import logging
import lzma
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

from segmentation.errors import ModelDamaged, ModelError, ModelNotFound
from segmentation.whole_file import written_whole

BUNDLED = "bundled"
CARD = "card.json"
GRAPH = "model.onnx"
WEIGHTS = "weights.safetensors"
FILES = (WEIGHTS, GRAPH)
# Shows the shop's own photos: it lies beside the card, and is no part of the version.
REPORT = "report.html"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_MAX_FILE_BYTES = 2 * 1024**3
_MAX_FILES = 16
# Weights hardly shrink: what does is a small file that would fill the disk.
_MOST_UNPACKED = 100
# A password or an unknown compression is a RuntimeError.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)

log = logging.getLogger(__name__)


class ModelKind(StrEnum):
    """What a model does."""

    SEGMENTER = "segmenter"
    PARSER = "parser"
    EMBEDDER = "embedder"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version: a folder with `FILES` and a card that carries their sha256."""

    kind: ModelKind
    name: str
    folder: Path
    card: dict[str, Any]

    @property
    def weights_path(self) -> Path:
        """safetensors, to train on from."""
        return self.folder / WEIGHTS

    @property
    def graph_path(self) -> Path:
        """ONNX, to serve."""
        return self.folder / GRAPH

    @property
    def card_path(self) -> Path:
        return self.folder / CARD

    def verify(self) -> None:
        """Check every file against the card before anything reads it.

        Raises:
            ModelDamaged: a file is missing or differs from the card.
        """
        for file_name, expected in self.card["sha256"].items():
            path = self.folder / file_name
            if not path.is_file():
                raise ModelDamaged(f"{self.kind} {self.name}: {file_name} is missing")
            if sha256_of(path) != expected:
                raise ModelDamaged(f"{self.kind} {self.name}: {file_name} differs from its card")


class ModelStore:
    """The versions under ``root/KIND/NAME``, and the bundled one of each kind."""

    def __init__(self, root: Path, bundled: Mapping[ModelKind, Path]) -> None:
        self._root = root
        self._bundled = dict(bundled)

    def list(self, kind: ModelKind) -> list[ModelVersion]:
        """Every version of a kind, the bundled one first, the rest by name.

        Those whose card is damaged are left out, and a warning names them.
        """
        folders = [self._bundled[kind]] if kind in self._bundled else []
        if (self._root / kind).is_dir():
            folders += sorted((self._root / kind).iterdir())
        return [version for folder in folders if (version := _sound(kind, folder))]

    def get(self, kind: ModelKind, name: str = BUNDLED) -> ModelVersion:
        """A version by name; ``bundled`` is the one that came with Garb.

        Raises:
            ModelNotFound: no such version; the message lists those there are.
            ModelDamaged: its card cannot be read.
        """
        bundled, folder = self._bundled.get(kind), self._root / kind / name
        if bundled and name == BUNDLED and (bundled / CARD).is_file():
            return _read(kind, bundled)
        if _NAME.fullmatch(name) and (folder / CARD).is_file():
            version = _read(kind, folder)
            if version.name == name:
                return version
        if bundled and (found := _sound(kind, bundled)) and found.name == name:
            return found
        versions = self.list(kind)
        for version in versions:
            if version.name == name:
                return version
        known = ", ".join(version.name for version in versions) or "none"
        raise ModelNotFound(f"no {kind} {name!r}; there are: {known}")

    def create(
        self, kind: ModelKind, name: str, *, write: Callable[[Path], None], card: Mapping[str, Any]
    ) -> ModelVersion:
        """Make a version: ``write(folder)`` leaves its files; it appears whole or not at all.

        Raises:
            ModelError: the name is taken or malformed.
        """
        target = self._free_folder(kind, name)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as temporary:
            folder = Path(temporary) / name
            folder.mkdir()
            write(folder)
            made = {"kind": kind.value, "version": name, "revision": _revision()}
            write_card(folder, {**card, **made})
            os.replace(folder, target)
        return _read(kind, target)

    def add_figures(self, version: ModelVersion, figures: Mapping[str, Any]) -> ModelVersion:
        """Write figures measured on the finished version into its card."""
        write_card(version.folder, {**version.card, "figures": dict(figures)})
        return _read(version.kind, version.folder)

    def record_figures(
        self, version: ModelVersion, identity: str, figures: Mapping[str, Any]
    ) -> None:
        """Remember what a version reached on a set of held-out photos, beside the versions.

        A card is written once, by whoever trained the model; this is for what is measured later.
        """
        file = self._record_of(version)
        sets = {**self.recorded_figures(version), identity: dict(figures)}
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(file) as temporary:
            temporary.write_text(json.dumps({"graph": _graph_of(version), "sets": sets}), "utf-8")

    def recorded_figures(self, version: ModelVersion) -> dict[str, Any]:
        """What `record_figures` was told of this version: identity of a set of photos → figures."""
        try:
            record = json.loads(self._record_of(version).read_text("utf-8"))
            same = record["graph"] == _graph_of(version)
            return dict(record["sets"]) if same else {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}  # Nothing that cannot be measured again.

    def _record_of(self, version: ModelVersion) -> Path:
        return self._root / ".measured" / version.kind / f"{version.name}.json"

    def training_dir(self, kind: ModelKind, fingerprint: str) -> Path:
        """Where a training keeps its checkpoints: the same data and recipe, the same folder."""
        return self._root / ".training" / f"{kind}-{fingerprint}"

    def export_zip(self, kind: ModelKind, name: str, file: Path) -> None:
        """Write a version as one zip."""
        version = self.get(kind, name)
        version.verify()
        with (
            written_whole(file) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
        ):
            for file_name in (CARD, *version.card["sha256"]):
                archive.write(version.folder / file_name, file_name)

    def import_zip(self, kind: ModelKind, file: Path) -> ModelVersion:
        """Read a zip that `export_zip` wrote; only the files its card names are taken.

        Raises:
            ModelError: not such a zip, another kind, or the name is taken; or it cannot be read, or
                the version not be written.
            ModelDamaged: a file differs from the card.
        """
        try:
            with zipfile.ZipFile(file) as archive:
                card = json.loads(_read_member(archive, CARD, limit=1024**2))
                _check_card(card, str(file))
                if card["kind"] != kind:
                    raise ModelError(f"{file}: a {card['kind']}, not a {kind}")
                target = self._free_folder(kind, card["version"])
                with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as temporary:
                    folder = Path(temporary) / card["version"]
                    folder.mkdir()
                    for file_name in card["sha256"]:
                        _extract(archive, file_name, folder)
                    _write_card(folder, card)
                    _read(kind, folder).verify()
                    os.replace(folder, target)
        except OSError as error:
            other = "" if error.filename in (None, str(file)) else f"{error.filename}: "
            raise ModelError(f"{file}: not imported ({other}{error.strerror})") from error
        except (*_ZIP_ERRORS, KeyError, ValueError) as error:
            raise ModelError(f"{file}: not a model exported by Garb ({error})") from error
        return _read(kind, target)

    def _free_folder(self, kind: ModelKind, name: str) -> Path:
        if not _NAME.fullmatch(name) or name == BUNDLED:
            raise ModelError(f"{name!r} cannot name a version: use a-z, 0-9, dot, dash, underscore")
        target = self._root / kind / name
        if target.exists() or any(version.name == name for version in self.list(kind)):
            raise ModelError(f"there is a {kind} {name!r} already")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``card.json`` with the sha256 of every other file of the folder but the report."""
    # Begins with the card's name too: what a kill leaves while one is written.
    others = (CARD, REPORT)
    found = sorted(path for path in folder.iterdir() if path.is_file())
    files = [path for path in found if not path.name.startswith(others)]
    _write_card(folder, {**card, "sha256": {path.name: sha256_of(path) for path in files}})


def _write_card(folder: Path, card: Mapping[str, Any]) -> None:
    with written_whole(folder / CARD) as temporary:
        temporary.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _graph_of(version: ModelVersion) -> str:
    """Tells a version from another that once had its name."""
    return str(version.card["sha256"][GRAPH])


def _revision() -> str:
    """The version of Garb that made a model."""
    try:
        return metadata.version("garb")
    except metadata.PackageNotFoundError:
        return "0"


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(kind: ModelKind, folder: Path) -> ModelVersion:
    try:
        card = json.loads((folder / CARD).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelDamaged(f"{folder / CARD}: {error}") from error
    _check_card(card, str(folder / CARD))
    return ModelVersion(kind, card["version"], folder, card)


def _sound(kind: ModelKind, folder: Path) -> ModelVersion | None:
    """None where there is no version, or a damaged one: that is warned of."""
    try:
        return _read(kind, folder) if (folder / CARD).is_file() else None
    except ModelDamaged as error:
        log.warning("%s %s is left out: %s", kind, folder.name, error)
        return None


def _check_card(card: Any, where: str) -> None:
    names = card.get("sha256") if isinstance(card, dict) else None
    valid = (
        isinstance(names, dict)
        and set(FILES) <= set(names)
        and len(names) <= _MAX_FILES
        and all(_NAME.fullmatch(name) and name != CARD for name in names)
        and isinstance(card.get("version"), str)
        and _NAME.fullmatch(card["version"])
        and card.get("kind") in tuple(ModelKind)
    )
    if not valid:
        raise ModelDamaged(f"{where}: not the card of a model")


def _read_member(archive: zipfile.ZipFile, name: str, *, limit: int) -> bytes:
    with archive.open(name) as member:
        data = member.read(limit + 1)
    if len(data) > limit:
        raise ModelError(f"{name} is larger than {limit:,} bytes")
    return data


def _extract(archive: zipfile.ZipFile, name: str, folder: Path) -> None:
    info = archive.getinfo(name)
    if info.file_size > _MAX_FILE_BYTES:
        raise ModelError(f"{name} is larger than {_MAX_FILE_BYTES:,} bytes")
    if info.file_size > _MOST_UNPACKED * max(1, info.compress_size):
        raise ModelError(f"{name} unpacks to far more than weights do")
    with archive.open(name) as member, (folder / name).open("wb") as file:
        shutil.copyfileobj(member, file)
