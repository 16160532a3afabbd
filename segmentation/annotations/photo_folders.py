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
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._stems: dict[tuple[str, ...], list[dict[str, Path]]] = {}

    def find(self, file_name: str, *, size_bytes: int | None = None) -> Path:
        """The photo's path; ``size_bytes`` chooses between sub-folders that hold the same name.

        Raises:
            AnnotationError: no such photo, or several could be meant.
        """
        parts = PurePosixPath(file_name.replace("\\", "/")).parts
        for start in range(len(parts)):
            for folder in self._folders:
                path = folder.joinpath(*parts[start:])
                if _is_inside(path, folder):
                    return path
        last = _spelling(parts[-1]) if parts else ""
        found = self._by_name.get(last, [])
        for start in range(len(parts)):
            ending = [_spelling(part) for part in parts[start:]]
            same = [p for p in found if [_spelling(q) for q in p.parts[-len(ending) :]] == ending]
            if len(same) > 1 and size_bytes is not None:
                same = [path for path in same if path.stat().st_size == size_bytes] or same
            if len(same) == 1:
                return same[0]
            if same:
                named = ", ".join(sorted(map(str, same))[:3])
                raise AnnotationError(f"several photos have this name: {named}")
        raise AnnotationError(f"no such photo in {self}")

    def __str__(self) -> str:
        return ", ".join(map(str, self._folders))

    def by_stem(self, stem: str, suffixes: Sequence[str]) -> Path | None:
        """The photo of that name, directly in a folder, whatever of ``suffixes`` it has."""
        return next((s[stem] for s in self._by_stem(tuple(suffixes)) if stem in s), None)

    def _by_stem(self, suffixes: tuple[str, ...]) -> list[dict[str, Path]]:
        if suffixes not in self._stems:
            self._stems[suffixes] = [
                {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in suffixes}
                for folder in self._folders
                if folder.is_dir()
            ]
        return self._stems[suffixes]

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                if _is_inside(path, folder):
                    found.setdefault(_spelling(path.name), []).append(path)
        return found


def _spelling(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError):  # A name that is too long, or holds a NUL.
        return False
