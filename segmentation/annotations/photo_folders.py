"""Where a photo lies that an annotation file names, however the annotator's machine spelt it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from segmentation.errors import AnnotationError


class PhotoFolders:
    """The folders of ``--photos``. Nothing outside them is ever found.

    A name is looked for as it stands in each folder, then without the folders it begins with
    (another machine's paths, Windows' among them), then in sub-folders. Accents may be composed or
    not: macOS stores them apart. Only a file that one place alone can mean is taken.

    Raises:
        AnnotationError: one of them is no folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise AnnotationError(f"{folder}: no such folder")
        self._folders = tuple(folders)
        self._stems: dict[tuple[str, ...], list[dict[str, list[Path]]]] = {}

    def find(self, file_name: str, *, size_bytes: int | None = None) -> Path:
        """The photo's path; ``size_bytes`` chooses between folders that hold the same name.

        Raises:
            AnnotationError: no such photo, or several could be meant.
        """
        parts = PurePosixPath(file_name.replace("\\", "/")).parts
        for start in range(len(parts)):
            places = [(folder.joinpath(*parts[start:]), folder) for folder in self._folders]
            there = [path for path, folder in places if _is_inside(path, folder)]
            if there:
                return _of_size(there, size_bytes)[0]
        last = _spelling(parts[-1]) if parts else ""
        found = self._by_name.get(last, [])
        for start in range(len(parts)):
            ending = [_spelling(part) for part in parts[start:]]
            same = [p for p in found if [_spelling(q) for q in p.parts[-len(ending) :]] == ending]
            same = _of_size(same, size_bytes)
            if len(same) == 1:
                return same[0]
            if same:
                named = ", ".join(sorted(map(str, same))[:3])
                raise AnnotationError(f"several photos have this name: {named}")
        raise AnnotationError(f"no such photo in {self}")

    def __str__(self) -> str:
        return ", ".join(map(str, self._folders))

    def find_labelled(self, label_path: Path, suffixes: Sequence[str]) -> Path | None:
        """The photo named like a label file, directly in a folder, whatever of ``suffixes`` it has.

        The label file itself is no photo, where both lie in one folder.

        Raises:
            AnnotationError: a folder holds several photos of that name.
        """
        label = label_path.resolve()
        for by_stem in self._by_stem(tuple(suffixes)):
            named = by_stem.get(label_path.stem, ())
            photos = [path for path in named if path.resolve() != label]
            if len(photos) > 1:
                both = " and ".join(map(str, photos[:2]))
                raise AnnotationError(f"{both} are both named like {label_path}: leave one")
            if photos:
                return photos[0]
        return None

    def _by_stem(self, suffixes: tuple[str, ...]) -> list[dict[str, list[Path]]]:
        if suffixes not in self._stems:
            self._stems[suffixes] = [_listed_by_stem(folder, suffixes) for folder in self._folders]
        return self._stems[suffixes]

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                if _is_inside(path, folder):
                    found.setdefault(_spelling(path.name), []).append(path)
        return found


def _listed_by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, list[Path]]:
    listed: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes:
            listed.setdefault(path.stem, []).append(path)
    return listed


def _of_size(paths: list[Path], size_bytes: int | None) -> list[Path]:
    """Those of that size; all where none has it or no size is given."""
    if len(paths) < 2 or size_bytes is None:
        return paths
    return [path for path in paths if path.stat().st_size == size_bytes] or paths


def _spelling(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):  # A name that is too long, or holds a NUL.
        return False
