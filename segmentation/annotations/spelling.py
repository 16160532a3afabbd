"""Class names that are probably one name spelt twice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from segmentation.labels import category_of, known_names

# A name is rare beside another that has at least so many times its regions.
RARE_FACTOR = 3
_SHORTEST = 3


def probably_misspelt(counts: Mapping[str, int]) -> dict[str, str]:
    """Name → the name it was probably meant to be. ``counts``: regions by name.

    Names that differ in capitals, spaces, hyphens or a plural are one; those one edit apart (a
    letter too many, missing, wrong, or two swapped) only where one is rare and no known garment:
    a rare skirt beside many shirts is a skirt.
    """
    meant: dict[str, str] = {}
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    places = {name: place for place, name in enumerate(ordered)}
    more_frequent: dict[str, list[str]] = {}
    for name in ordered:
        keys = _keys(name)
        similar = {other for key in keys for other in more_frequent.get(key, ())}
        for frequent in sorted(similar, key=places.__getitem__):
            rare = counts[name] * RARE_FACTOR <= counts[frequent]
            if _same_word(name, frequent) or (
                rare and not is_known_name(name) and _one_edit_apart(name, frequent)
            ):
                meant[name] = meant.get(frequent, frequent)
                break
        for key in keys:
            more_frequent.setdefault(key, []).append(name)
    return meant


def nearest_name(name: str, known: Collection[str]) -> str | None:
    """A known name that this one probably is: the same word, or one edit away."""
    return next((other for other in sorted(known) if _near(name, other)), None)


def _near(name: str, other: str) -> bool:
    return name != other and (_same_word(name, other) or _one_edit_apart(name, other))


def is_known_name(name: str) -> bool:
    return name.casefold() in known_names() or category_of(name) is not None


def _same_word(one: str, other: str) -> bool:
    return not set(_singulars(_folded(one))).isdisjoint(_singulars(_folded(other)))


def _keys(name: str) -> set[str]:
    """Names that are the same word or one edit apart share one of these: each letter left out once.

    Comparing all names with all took 15 s for 3,000.
    """
    word = _folded(name)
    without_one = (word[:place] + word[place + 1 :] for place in range(len(word)))
    return {*_singulars(word), *without_one}


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.casefold())


def _singulars(word: str) -> Iterator[str]:
    yield word
    for ending, singular in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            yield word[: -len(ending)] + singular


def _one_edit_apart(one: str, other: str) -> bool:
    """A letter too many, missing or wrong, or two neighbours swapped. Numbers are meant: top1, top2."""
    one, other = sorted((_folded(one), _folded(other)), key=len)
    if len(one) < _SHORTEST or len(other) - len(one) > 1 or one == other:
        return False
    if re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other):
        return False
    start = next(
        (i for i, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one)
    )
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    swapped = one[start : start + 2] == other[start : start + 2][::-1]
    rest = one[start + 1 :] == other[start + 1 :]
    return rest or (swapped and one[start + 2 :] == other[start + 2 :])
