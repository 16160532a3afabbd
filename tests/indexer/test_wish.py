"""Words beside a photo: what they ask for, and how well a product meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from indexer.embedder.base import TextEmbedder, Vectors
from indexer.ranking import RankedPhoto
from indexer.wish import Wish, aimed, fit_of, read_wish
from segmentation.cutout import cut_out
from segmentation.garment import Cutout
from tests.fakes import FAKE_DIMENSION, FakeEmbedder, FakePhotoParser, fake_photo
from tests.indexer.memory_catalog import MemoryCatalog

RED = "#c8202c"


def wish(text: str) -> Wish:
    read = read_wish(text)
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("text", "colours", "words"),
    [
        ("this, but red", 1, ()),
        ("Striped SILK in red or navy", 2, ("striped", "silk")),
        ("silk silk", 0, ("silk",)),
        (" ".join(f"w{number}" for number in range(30)), 0, tuple(f"w{n}" for n in range(10))),
    ],
)
def test_words_are_colours_and_others(text: str, colours: int, words: tuple[str, ...]) -> None:
    assert len(wish(text).colours) == colours
    assert wish(text).words == words


@pytest.mark.parametrize("text", [None, "", "  ", "the same one, please", "!?"])
def test_what_asks_for_nothing_is_no_wish(text: str | None) -> None:
    assert read_wish(text) is None


def test_the_fit_is_the_mean_over_what_was_asked_for() -> None:
    catalog = MemoryCatalog()
    vector = np.eye(FAKE_DIMENSION)[0]
    for name, brand, colour in (
        ("a", "Silk & Co", RED),
        ("b", "Acme", RED),
        ("c", "Silk", "#2356b8"),
    ):
        catalog.put(name, vector, brand=brand, colour=colour)
    catalog.living["b"] = replace(catalog.living["b"], attributes={"cloth": ("plaid", "wool")})
    photos = [RankedPhoto(name, number, 0, 0.5) for number, name in enumerate("abc", start=1)]

    fits = fit_of(wish("red silk"), catalog)(photos)
    assert fits == pytest.approx([1, 0.5, 0.5], abs=0.01)
    assert fit_of(wish("silk"), catalog)(photos) == [1, 0, 1]
    assert fit_of(wish("checked wool"), catalog)(photos) == [0, 1, 0]  # Plaid is checked.
    assert fit_of(wish("red or blue"), catalog)(photos) == pytest.approx([1, 1, 1], abs=1e-3)
    gone = RankedPhoto("gone", 99, 0, 0.5)
    assert fit_of(wish("red silk"), catalog)([gone]) == [0]


def cutout_of(colour: tuple[int, int, int]) -> Cutout:
    photo = fake_photo(colour)
    return cut_out(photo, FakePhotoParser().parse(photo).garments[0])


def test_a_wished_colour_is_embedded_instead_of_the_garments_own() -> None:
    blue, red = cutout_of((35, 86, 184)), cutout_of((200, 32, 44))
    embedder = FakeEmbedder()
    of_red = embedder.embed([red])[0]
    before = embedder.embed([blue])[0] @ of_red
    painted = aimed(embedder, [blue], wish("but red"), weight=0.25)[0][0] @ of_red
    assert before < 0.8
    assert painted > 0.999
    as_it_was = embedder.embed([blue])
    for unchanged in (
        aimed(embedder, [blue], None, weight=0.25),
        aimed(embedder, [blue], wish("red"), weight=0.0),
    ):
        np.testing.assert_array_equal(unchanged, [as_it_was])


def test_every_wished_colour_is_painted_on_each_garment() -> None:
    blue, red, green = (
        cutout_of(colour) for colour in ((35, 86, 184), (200, 32, 44), (30, 190, 60))
    )
    embedder = FakeEmbedder()
    of_blue, of_red = embedder.embed([blue, red])
    found = aimed(embedder, [green, blue], wish("in red or blue"), weight=0.25)
    assert [vectors.shape for vectors in found] == [(2, FAKE_DIMENSION)] * 2
    for as_red, as_blue in found:
        assert as_red @ of_red > 0.999 > 0.9 > as_blue @ of_red
        assert as_blue @ of_blue > 0.99


@pytest.mark.parametrize(
    ("text", "colours", "words", "no_colours", "no_words"),
    [
        ("this, but not red", 0, (), 1, ()),
        ("anything but red", 0, (), 1, ()),
        ("any colour but navy or black, striped", 0, ("striped",), 2, ()),
        ("red, but not striped", 1, (), 0, ("striped",)),
        ("blue silk without stripes or dots", 1, ("silk",), 0, ("stripes", "dots")),
        ("isn't red but blue", 1, (), 1, ()),
        ("not too short, not red", 0, (), 1, ("short",)),
        ("not striped and red", 1, (), 0, ("striped",)),
        ("no stripes and dark blue and silk", 1, ("silk",), 0, ("stripes",)),
        ("not red and blue", 0, (), 2, ()),
        ("not striped or red", 0, (), 1, ("striped",)),
        ("no dots and no stripes and green", 1, (), 0, ("dots", "stripes")),
        ("without stripes and dots", 0, (), 0, ("stripes", "dots")),
        ("without red and white stripes", 0, (), 2, ("stripes",)),
        ("number 5", 0, ("number", "5"), 0, ()),
    ],
)
def test_what_is_not_wanted_is_told_apart(
    text: str, colours: int, words: tuple[str, ...], no_colours: int, no_words: tuple[str, ...]
) -> None:
    read = wish(text)
    assert (len(read.colours), read.words) == (colours, words)
    unwanted = read.unwanted or Wish("", (), ())
    assert (len(unwanted.colours), unwanted.words) == (no_colours, no_words)


def test_what_is_not_wanted_counts_against_a_product() -> None:
    catalog = MemoryCatalog()
    vector = np.eye(FAKE_DIMENSION)[0]
    for name, brand, colour in (
        ("a", "Silk & Co", RED),
        ("b", "Acme", RED),
        ("c", "Silk", "#2356b8"),
    ):
        catalog.put(name, vector, brand=brand, colour=colour)
    photos = [RankedPhoto(name, number, 0, 0.5) for number, name in enumerate("abc", start=1)]
    assert fit_of(wish("not red"), catalog)(photos) == pytest.approx([0, 0, 1], abs=0.01)
    assert fit_of(wish("red, no silk"), catalog)(photos) == pytest.approx([0.5, 1, 0], abs=0.01)


def test_what_is_not_wanted_is_neither_painted_nor_read() -> None:
    embedder = Reading()
    cutout = cutout_of((200, 32, 44))
    (vectors,) = aimed(embedder, [cutout], wish("not red"), weight=0.25)
    np.testing.assert_array_equal(vectors, embedder.embed([cutout]))
    assert wish("this, but not red").text == "this"


class Reading(FakeEmbedder):
    """Reads every text as one direction."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.eye(FAKE_DIMENSION, dtype=np.float32)[0], (len(texts), 1))


def test_an_embedder_that_reads_words_is_drawn_towards_them() -> None:
    embedder = Reading()
    assert isinstance(embedder, TextEmbedder)
    cutout = cutout_of((30, 190, 60))
    along = [
        aimed(embedder, [cutout], wish("silk"), weight=weight)[0][0]
        for weight in (0.0, 0.25, 0.75, 1.0)
    ]
    assert [float(np.linalg.norm(vector)) for vector in along] == pytest.approx([1] * 4)
    likeness = [float(vector[0]) for vector in along]
    assert likeness == sorted(set(likeness))
    assert likeness[-1] == pytest.approx(1)
