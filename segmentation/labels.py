"""Label sets, how they merge, and shops' words: loaded from `labels.toml` and `shop_words.toml`."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segmentation.errors import LabelError


@cache
def _tables(file_name: str) -> dict[str, Any]:
    text = resources.files("segmentation").joinpath(file_name).read_text("utf-8")
    return tomllib.loads(text)


# The names that code speaks of, from the one place that defines them; in the file's order.
GARMENT_CATEGORIES: tuple[str, ...] = tuple(_tables("labels.toml")["garment"])
PIECEWISE_CATEGORIES = frozenset(_tables("labels.toml")["roles"]["one_instance_a_piece"])
OVER_HAIR_CATEGORIES = frozenset(_tables("labels.toml")["roles"]["over_hair"])
# Photographed by themselves, where of clothes a whole outfit may hang.
ACCESSORY_CATEGORIES = frozenset(_tables("labels.toml")["roles"]["accessory"])
HANDLED_CATEGORIES = frozenset(_tables("labels.toml")["roles"]["with_handles"])
BODY_NAMES = frozenset(_tables("labels.toml")["roles"]["body"])
BACKGROUND_NAMES: tuple[str, ...] = tuple(_tables("labels.toml")["roles"]["background"])
# Of shop words: known, and no garment.
_NONE = "none"
_LONGEST_WORDS = 1_000
_LONGEST_NAME = 100
# What stands between the things of a list, or before what a garment has or lacks: a dress with a belt.
_BETWEEN = re.compile(
    r"[,;&+/]|(?<![^\W_])(?:and|with|without|und|mit|ohne|et|avec|sans|à|y|con|sin|e|senza|com|sem"
    r"|en|met|zonder)(?![^\W_])",
    re.IGNORECASE,
)
PERSON: str = _tables("labels.toml")["roles"]["person"]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Classes of a parser by number; 0 is background. ``merges``: original name → class number."""

    name: str
    classes: tuple[str, ...]
    merges: Mapping[str, int]
    rest: int | None = None

    def index_of(self, original_name: str) -> int | None:
        """The class number of an original label name, None when this set drops it."""
        if original_name in self.merges:
            return self.merges[original_name]
        return 0 if original_name in BACKGROUND_NAMES else self.rest


@dataclass(frozen=True, slots=True)
class InstanceClasses:
    """What label PNGs hold instances of. ``categories``: label name → category, in order.

    ``person_names``: the names whose pixels together are the person; empty where none is labelled.
    """

    categories: Mapping[str, str]
    person_names: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every category, the person among them where it is labelled."""
        person = {PERSON} if self.person_names else set()
        return frozenset({*self.categories.values(), *person})


def parser_label_set(classes: int) -> LabelSet:
    """The parser's label set of 4, 29 or 59 classes.

    Raises:
        LabelError: another number.
    """
    tables = _tables("labels.toml")
    if classes == 59:
        names = tuple(tables["street_59"]["names"])
        return LabelSet("street_59", names, {name: i for i, name in enumerate(names)})
    table = tables.get(f"parser_{classes}")
    if table is None:
        raise LabelError(f"no label set of {classes} classes; there are 4, 29 and 59")
    numbered = enumerate(table["classes"].items())
    merges = {name: number for number, (_, names) in numbered for name in names}
    names = tuple(table["classes"])
    rest = names.index(table["rest"]) if "rest" in table else None
    return LabelSet(f"parser_{classes}", names, merges, rest)


def street_59_names() -> tuple[str, ...]:
    """The 59 names by number."""
    return tuple(_tables("labels.toml")["street_59"]["names"])


def garment_merges() -> dict[str, str]:
    """Original label name → garment category; names of no category (skin, belt, …) are absent."""
    table = _tables("labels.toml")["garment"]
    return {name: category for category, names in table.items() for name in names}


def garment_classes(names: Sequence[str]) -> InstanceClasses:
    """Garb's own categories of these label names, and the person: every labelled pixel."""
    merges = {name: to for name, to in garment_merges().items() if name in names}
    return InstanceClasses(merges, frozenset(names) - set(BACKGROUND_NAMES))


def instance_classes(names: Sequence[str]) -> InstanceClasses:
    """The classes of label PNGs with these names: a new name is a new class.

    The 59 and the 29 names are recognised by their whole set and merge into Garb's categories,
    names beyond them stay as they are. In any other set every name is a class, but the body's:
    where skin or hair is labelled, every labelled pixel is the person.
    """
    labelled = [name for name in dict.fromkeys(names) if name not in BACKGROUND_NAMES]
    merges = _recognised_merges(frozenset(labelled))
    categories = {name: category for name, category in merges.items() if category}
    categories |= {n: n for n in labelled if n not in merges and n not in BODY_NAMES}
    derived = PERSON not in categories and not BODY_NAMES.isdisjoint(labelled)
    return InstanceClasses(categories, frozenset(labelled) if derived else frozenset())


def _recognised_merges(names: frozenset[str]) -> dict[str, str | None]:
    """Label name → category, None where it has none; empty where no whole set is among ``names``."""
    merges = garment_merges()
    street = [name for name in street_59_names() if name not in BACKGROUND_NAMES]
    if names.issuperset(street):
        ordered = [*(name for name in merges if name in names), *street]
        return {name: merges.get(name) for name in ordered}
    classes = _tables("labels.toml")["parser_29"]["classes"]
    if names.issuperset(set(classes) - set(BACKGROUND_NAMES)):
        # A class of names that go apart (tights are trousers, stockings are not) has no category.
        sets = {name: {merges.get(part) for part in parts} for name, parts in classes.items()}
        return {name: next(iter(of)) if len(of) == 1 else None for name, of in sets.items()}
    return {}


def known_names() -> frozenset[str]:
    """Every name that some label set knows."""
    tables = _tables("labels.toml")
    listed = [tables["garment"], tables["parser_29"]["classes"], tables["export_3"]]
    return frozenset({PERSON, *street_59_names()}.union(*listed))


def merge_for_annotation(names: frozenset[str]) -> dict[str, str] | None:
    """Model category → annotation name where the annotation's names are the export set, else None.

    A label set is recognised by its whole set of names: a lone ``top`` keeps its narrow meaning.
    """
    table = _tables("labels.toml")["export_3"]
    if names != frozenset(table):
        return None
    return {category: name for name, merged in table.items() for category in merged}


def lookup_table(names: Sequence[str], label_set: LabelSet) -> npt.NDArray[np.uint8]:
    """uint8[256]: label number of a PNG → class number of the set; unlisted numbers → background."""
    table = np.zeros(256, np.uint8)
    for number, name in enumerate(names):
        table[number] = label_set.index_of(name) or 0
    return table


def read_label_names(path: Path) -> tuple[str, ...]:
    """Read ``labels.json``: a list of names by number, or an object of number → name.

    A number between others that has no name gets "".

    Raises:
        LabelError: missing, not JSON, not names by number up to 255, or one that cannot be shown.
    """
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise LabelError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise LabelError(f"{path}: not JSON ({error})") from error
    if isinstance(document, dict):
        try:
            numbered = {int(key): value for key, value in document.items()}
        except ValueError as error:
            raise LabelError(f"{path}: keys must be label numbers") from error
        if not all(0 <= number <= 255 for number in numbered):
            raise LabelError(f"{path}: label numbers are 0 to 255")
        document = [numbered.get(i, "") for i in range(max(numbered, default=-1) + 1)]
    valid = isinstance(document, list) and all(isinstance(name, str) for name in document)
    if not valid or not 0 < len(document) <= 256:
        raise LabelError(f"{path}: expected a list of 1 to 256 label names")
    unshowable = next((name for name in document if not is_showable(name)), None)
    if unshowable is not None:
        raise LabelError(f"{path}: no class is called {unshowable[:40]!a}")
    return tuple(document)


def is_showable(name: str) -> bool:
    """Whether a class's name can be shown and written."""
    return name.isprintable() and len(name) <= _LONGEST_NAME


def category_of(word: str | None) -> str | None:
    """A shop's category word, or Garb's own, as a garment category; None when unmapped.

    Reads Google taxonomy paths (``Apparel > Clothing > Dresses``) and lists (``Tops/Shirts``,
    ``Hoodies & Sweatshirts``), in the languages of ``shop_words.toml``: the deepest part that is
    known decides.
    """
    if not word or len(word) > _LONGEST_WORDS:
        return None
    for part in reversed(re.split(r"[>|]", word)):
        category = _category_of_part(part)
        if category is not None:
            return None if category == _NONE else category
    return None


def _category_of_part(part: str) -> str | None:
    """Of a list the last that is a garment: "Bags & Belts" holds bags. `_NONE` where none is.

    "Shoes/Shoe Care" is no list: what is behind a slash and named after the garment is of a path.
    """
    table, _ = _shop_words()
    known = table.get(" ".join(_words(part)))
    if known is not None:
        return known
    *_, above, last = ["", *part.split("/")]
    if _is_named_after(above, _words(last)):
        return _NONE
    found = [_category_of_words(_words(item)) for item in reversed(_BETWEEN.split(part))]
    garments = [category for category in found if category not in (None, _NONE)]
    return garments[0] if garments else _NONE if _NONE in found else None


def _is_named_after(garment: str, thing: Sequence[str]) -> bool:
    """Whether a thing is none, and its first word the garment's: shoe care, of shoes."""
    if _category_of_words(thing) != _NONE:
        return False
    category = _category_of_words(_words(garment))
    return category not in (None, _NONE) and category == _category_of_words(thing[:1])


def _category_of_words(words: Sequence[str]) -> str | None:
    table, ends = _shop_words()
    for end in range(len(words), 0, -1):
        for start in range(max(0, end - 4), end):
            category = table.get(" ".join(words[start:end]))
            if category is not None:
                return category
        last = words[end - 1]
        for length in range(min(len(last), max(map(len, ends))), 0, -1):
            if last[-length:] in ends:
                return ends[last[-length:]]
    return None


@cache
def _shop_words() -> tuple[dict[str, str], dict[str, str]]:
    """Category by word or words, and by what a word may end with."""
    table: dict[str, str] = {}
    ends: dict[str, str] = {}
    tables = _tables("shop_words.toml")
    for category in (*GARMENT_CATEGORIES, _NONE):
        for entry in (category, *tables[category]) if category != _NONE else tables[category]:
            word = " ".join(_words(entry))
            table[word] = category
            if entry.startswith("-"):
                ends[word] = category
    for kind in tables["accessories"]:
        for garment, thing in product(kind["of"], kind["are"]):
            table[" ".join(_words(f"{garment} {thing}"))] = _NONE
    return table, ends


def _words(text: str) -> list[str]:
    """In lower case, without accents, singular. What lists are made with counts: shoe accessories are no shoes."""
    spelt = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in spelt if not unicodedata.combining(letter))
    return [_singular(word) for word in re.findall(r"[^\W_]+|[,;&+/]", plain)]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith(("sses", "shes", "ches")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word
