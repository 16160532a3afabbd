"""Tags in the shop's own words: by an embedder that reads words, else none."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from typer.testing import CliRunner

from indexer.bootstrap import open_services
from indexer.catalog.repository import Catalog
from indexer.catalog.rows import Fingerprint, ImageWrite, ProductWrite
from indexer.embedder.base import Vectors
from indexer.feeds.record import ProductRecord
from indexer.filters import parse_filter
from indexer.images import open_image_store
from indexer.ingest.mapper import PhotoMapper
from indexer.matching import SearchRequest
from indexer.settings import Settings, SettingsError
from indexer.shop_tags import PROMPT, ShopTags, load_shop_tags, read_questions, tag_photos
from indexer.wish import read_wish
from search_api.cli import build
from segmentation.cutout import cut_out
from segmentation.photo import Photo, read_photo
from tests.fakes import FakeEmbedder, FakePhotoParser, fake_jpeg, fake_photo
from tests.indexer.embedder.test_clip import TEXT, VIT, random_checkpoint
from wardrobe.draw import draw_wardrobe

COLOURS = {"warm": (200, 30, 40), "fresh": (30, 200, 40), "cold": (30, 40, 200)}


class ReadingEmbedder(FakeEmbedder):
    """Reads the names of three colours."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        words = [text.removeprefix("a photo of a ").removesuffix(" garment") for text in texts]
        return self.embed([cutout_of(fake_photo(COLOURS[word])) for word in words])


def cutout_of(photo: Photo) -> Any:
    return cut_out(photo, FakePhotoParser().parse(photo).garments[0])


def test_a_line_is_a_question_and_its_answers(tmp_path: Path) -> None:
    file = tmp_path / "tags.txt"
    file.write_text("# ours\nLong-sleeved,  sleeveless,\n\n warm , cold, warm\n", "utf-8")
    assert read_questions(file) == (("long-sleeved", "sleeveless"), ("warm", "cold"))


@pytest.mark.parametrize("text", ["one\n", "a, b\nonly,\n", "a, " + "x" * 33, None])
def test_a_file_that_cannot_be_used_is_told_by_its_line(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "tags.txt"
    if text is not None:
        file.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match="GARB_TAGS") as caught:
        read_questions(file)
    if text is not None:
        assert f"line {text.count(chr(10), 0, -1) + 1}" in str(caught.value)


def test_an_answer_is_a_tag_where_it_is_likelier_than_all_others_together() -> None:
    embedder = ReadingEmbedder()
    tags = ShopTags(embedder, (("warm", "fresh", "cold"), ("cold", "warm")))
    between = tuple(np.mean([COLOURS["warm"], COLOURS["fresh"]], axis=0).astype(int).tolist())
    for colour in (*COLOURS.values(), between, (115, 90, 90)):
        vector = embedder.embed([cutout_of(fake_photo(colour))])
        wanted = []
        for question in (("warm", "fresh", "cold"), ("cold", "warm")):
            answers = embedder.embed_texts([PROMPT.format(one) for one in question])
            powers = [math.exp(100 * float(one @ vector[0])) for one in answers]
            wanted += [
                word
                for word, power in zip(question, powers, strict=True)
                if power / sum(powers) > 0.5
            ]
        assert tags.tags_of(vector) == [tuple(dict.fromkeys(wanted))]
    assert tags.tags_of(embedder.embed([])) == []


def test_who_reads_no_words_tells_no_tags_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tags.txt"
    file.write_text("warm, cold", "utf-8")
    assert load_shop_tags(None, ReadingEmbedder()) is None
    assert load_shop_tags(file, ReadingEmbedder()) is not None
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        assert load_shop_tags(file, FakeEmbedder()) is None
    assert "fake-embedder reads no words" in caplog.text


def test_products_are_tagged_when_indexed_and_anew_when_the_words_change(
    catalog: Catalog, tmp_path: Path
) -> None:
    embedder = ReadingEmbedder()

    def tags_by(*questions: tuple[str, ...]) -> ShopTags:
        return ShopTags(embedder, questions)

    mapper = PhotoMapper(
        photo_parser=FakePhotoParser(),
        embedder=embedder,
        image_store=open_image_store(str(tmp_path / "images")),
        shop_tags=tags_by(("warm", "cold")),
    )
    for name, colour in COLOURS.items():
        photo = mapper.map_photo(fake_jpeg(colour), category="")
        write = ImageWrite(0, "0.jpg", Fingerprint(1, 1, name), photo)
        catalog.write_products([ProductWrite(ProductRecord(id=name, title=name), (write,))])

    def tagged(text: str) -> set[str]:
        return catalog.product_ids_matching(parse_filter(text)) or set()

    assert tagged('tag = "warm"') >= {"warm"}
    assert "cold" not in tagged('tag = "warm"')
    assert "fresh" not in catalog.product_ids_carrying("warm") | tagged('tag = "fresh"')
    assert tag_photos(catalog, tags_by(("fresh", "warm", "cold"))) == 3
    for name in COLOURS:
        assert tagged(f'tag = "{name}"') == {name}
    (facet,) = catalog.facets(("tag",))
    assert facet.to_json()["values"] == [
        {"value": name, "count": 1} for name in ("cold", "fresh", "warm")
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_road_with_a_clip_of_random_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told of a photo and stored of products is what open_clip's own towers say."""
    checkpoint = random_checkpoint("garb-tags", {"vision_cfg": VIT, "text_cfg": TEXT}, tmp_path)
    drawn = draw_wardrobe(tmp_path / "shop", products=6, photos=1, seed=3)
    words = ("short-sleeved", "long-sleeved", "sleeveless", "für den Abend")
    (tmp_path / "tags.txt").write_text(", ".join(words), "utf-8")
    monkeypatch.setenv("GARB_HOME", str(tmp_path / "home"))

    def garb(*line: str, exit_code: int = 0) -> str:
        told = CliRunner().invoke(build(), line)
        assert told.exit_code == exit_code, (line, told.output, told.exception)
        return told.stdout

    version = garb("embedder", "import", f"clip:garb-tags:{checkpoint}").split()[0]
    garb("embedder", "activate", version)
    garb("catalog", "import", str(drawn.products))
    monkeypatch.setenv("GARB_TAGS", str(tmp_path / "tags.txt"))
    garb("catalog", "tag")

    network: Any = open_clip.create_model("garb-tags", pretrained=str(checkpoint)).eval()
    prompts = [f"a photo of a {word} garment" for word in words]
    with torch.no_grad():
        tokens = open_clip.get_tokenizer("garb-tags")(prompts)
        texts = network.encode_text(tokens, normalize=True).numpy()

    def told_of(vector: npt.NDArray[np.float32]) -> set[str]:
        shares = torch.softmax(torch.from_numpy(100 * texts @ vector), 0).tolist()
        return {word for word, share in zip(words, shares, strict=True) if share > 0.5}

    with open_services(Settings.from_env()) as services:
        wanted: dict[str, set[str]] = {word: set() for word in words}
        for row in services.catalog.changes_since(0, embedder=version):
            assert row.vector is not None
            for word in told_of(row.vector.astype(np.float32)):
                wanted[word].add(row.product_id)
        for word in words:
            tree = parse_filter(f'tag = "{word}"')
            assert services.catalog.product_ids_matching(tree) == wanted[word]
        photo = read_photo(drawn.street_photos[0])
        garments = services.photo_parser.parse(photo).garments
        cutouts = [cut_out(photo, garment) for garment in garments]
        seen = [told_of(vector) for vector in services.embedder.embed(cutouts)]
        for words_too in (None, "this, but red"):  # What is painted on is not what is seen.
            asked = SearchRequest(wish=read_wish(words_too))
            answered = services.matcher.search(photo, asked).garments
            assert [set(one.garment.tags) & set(words) for one in answered] == seen
        parsed = services.matcher.parse(photo).garments
        assert [set(one.tags) & set(words) for one in parsed] == seen
    assert any(wanted.values())
    assert any(seen)
    # An import tags by itself.
    (tmp_path / "tags.txt").write_text(", ".join(words[::-1]), "utf-8")
    garb("catalog", "remove", *sorted(set.union(*wanted.values())))
    garb("catalog", "import", str(drawn.products))
    for word in words:
        found = json.loads(garb("catalog", "list", "--filter", f'tag = "{word}"', "--json"))
        assert {one["id"] for one in found["products"]} == wanted[word]
    # Going back to an embedder without words: they stay with the products, and none is told anew.
    garb("embedder", "activate", "bundled")
    garb("catalog", "tag", exit_code=1)
