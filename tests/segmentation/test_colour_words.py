"""Which colours words name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from segmentation import colour_words
from segmentation.colour import colour_name
from segmentation.colour_words import colours_in


@pytest.mark.parametrize(
    ("words", "names", "rest"),
    [
        ("this, but red", ["red"], "this, but"),
        ("a Dark-Green coat", ["dark green"], "a coat"),
        ("navy blue or light  grey", ["navy", "silver"], "or"),
        ("off-white", ["cream"], ""),
        ("red and RED", ["red"], "and"),
        ("Red-carpet gown, hundred, greens", [], "Red-carpet gown, hundred, greens"),
        ("", [], ""),
    ],
)
def test_colours_are_told_from_other_words(words: str, names: list[str], rest: str) -> None:
    told = colours_in(words)
    assert [name for name, _ in told.colours] == names
    assert told.rest == rest


def test_every_synonym_stands_for_a_colour_that_is_recognised() -> None:
    tables = tomllib.loads((Path(colour_words.__file__).parent / "colours.toml").read_text("utf-8"))
    for word, name in tables["synonyms"].items():
        ((found, code),) = colours_in(word).colours
        assert found == name
        assert code in (tables["greys"] | tables["hues"]).values()


def test_a_named_colour_is_called_by_its_name() -> None:
    import numpy as np

    for name in ("red", "navy", "dark green", "white"):
        ((_, code),) = colours_in(name).colours
        assert colour_name(np.array(list(bytes.fromhex(code[1:])), np.uint8)) == name
