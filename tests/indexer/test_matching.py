from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from indexer.answer import SearchAnswer
from indexer.boosting import Boost
from indexer.catalog.rows import Product
from indexer.colour_match import ColourError
from indexer.errors import ProductNotFound
from indexer.filters import parse_filter
from indexer.garment_choice import BoxError
from indexer.live_index import LiveIndex
from indexer.matching import Matcher, SearchRequest, SimilarRequest
from indexer.ranking import NAMED, SEEN
from indexer.vectors.base import Vectors
from indexer.wish import read_wish
from segmentation.cutout import cut_out
from segmentation.garment import Box, Mask, mask_from_rle
from segmentation.photo import Photo
from tests.fakes import FAKE_DIMENSION, FakeEmbedder, FakePhotoParser, fake_photo
from tests.indexer.memory_catalog import MemoryCatalog

RED, GREEN, BLUE = (200, 30, 40), (30, 190, 60), (20, 40, 200)


def _vector(colour: tuple[int, int, int]) -> Vectors:
    photo = fake_photo(colour)
    garment = FakePhotoParser().parse(photo).garments[0]
    vector: Vectors = FakeEmbedder().embed([cut_out(photo, garment)])[0]
    return vector


class Shop:
    """Twenty reds, greens and blues, in dresses, tops and trousers of two brands."""

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        for step in range(20):
            for name, category, colour in (
                ("red", "dress", (200, 30 + 5 * step, 40)),
                ("green", "Hoodies & Sweatshirts", (30, 190, 60 + 5 * step)),
                ("blue", "Jeans", (20 + 5 * step, 40, 200)),
            ):
                self.catalog.put(
                    f"{name}-{step:02}",
                    _vector(colour),
                    category=category,
                    brand="Acme" if step % 2 else "Zed",
                    price=float(10 * step),
                    colour="#{:02x}{:02x}{:02x}".format(*colour),
                )
        self.index = LiveIndex(
            self.catalog, embedder_version="fake-embedder", dimension=FAKE_DIMENSION
        )
        self.index.open()
        self.matcher = Matcher(FakePhotoParser(), FakeEmbedder(), self.index, self.catalog)

    def found(self, photo: Photo, request: SearchRequest) -> list[str]:
        (garment,) = self.matcher.search(photo, request).garments
        return [match.product.id for match in garment.matches]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_same_garment_comes_first(shop: Shop) -> None:
    assert shop.found(fake_photo(RED), SearchRequest(k=3))[0] == "red-00"
    assert shop.found(fake_photo(BLUE), SearchRequest(k=3))[0] == "blue-00"


def test_the_answer_is_the_contracts_document(shop: Shop) -> None:
    answer = shop.matcher.search(fake_photo(RED), SearchRequest(k=2), decode_ms=3.0)
    document = answer.to_json()
    assert list(document) == ["photo", "garments", "person", "index", "timings_ms"]
    assert document["photo"] == {"width": 64, "height": 80}
    assert document["person"] is None
    assert document["index"] == {"embedder": "fake-embedder", "products": 60, "sequence": 60}
    assert {"decode", "embed", "search", "total"} <= document["timings_ms"].keys()
    (garment,) = document["garments"]
    assert list(garment) == [
        "category", "score", "box", "mask", "polygon", "colours", "tags", "matches",
    ]  # fmt: skip
    assert garment["box"] == [16.0, 20.0, 48.0, 60.0]
    assert mask_from_rle(garment["mask"]).area == 32 * 40
    assert garment["polygon"][0][0] == [16, 20]
    assert garment["tags"] == ["plain", "dress"]
    assert len(garment["matches"]) == 2
    match = garment["matches"][0]
    assert match["image"] == "/v1/products/red-00/images/0"
    assert match["score"] == pytest.approx(1, abs=5e-3)
    assert match["product"] == {
        "id": "red-00", "title": "title of red-00", "category": "dress", "price": 0.0,
        "currency": "EUR", "url": None, "attributes": {},
    }  # fmt: skip


def test_a_photo_without_a_garment_is_matched_whole_and_says_so(shop: Shop) -> None:
    white = fake_photo((255, 255, 255))
    (garment,) = shop.matcher.search(white, SearchRequest(k=4)).to_json()["garments"]
    assert (garment["category"], garment["score"], garment["mask"]) == (None, None, None)
    assert garment["box"] == [0.0, 0.0, 64.0, 80.0]
    assert garment["polygon"] == []
    assert len(garment["matches"]) == 4
    (parsed,) = shop.matcher.parse(white).to_json()["garments"]
    assert parsed["mask"] is None
    assert "matches" not in parsed


def test_parse_answers_regions_with_and_without_a_person(shop: Shop) -> None:
    document = shop.matcher.parse(fake_photo(RED)).to_json()
    searched = shop.matcher.search(fake_photo(RED), SearchRequest()).to_json()
    assert document["index"] == searched["index"]
    assert document["regions"]["clothes"]["size"] == [80, 64]
    nobody = shop.matcher.parse(fake_photo((255, 255, 255))).to_json()["regions"]
    nothing = Mask(np.zeros((80, 64), bool)).rle()
    assert nobody == {"skin": nothing, "hair": nothing, "clothes": nothing}


def test_parse_finds_what_a_search_for_the_same_would(shop: Shop) -> None:
    for asked in (SearchRequest(category="hat"), SearchRequest(box=Box(0, 0, 20, 20))):
        parsed = shop.matcher.parse(fake_photo(RED), asked).to_json()["garments"]
        searched = shop.matcher.search(fake_photo(RED), asked).to_json()["garments"]
        assert [one["box"] for one in parsed] == [one["box"] for one in searched]
        assert [one["category"] for one in parsed] == [one["category"] for one in searched]


def test_a_named_category_costs_the_others_more_than_one_that_was_only_seen(shop: Shop) -> None:
    def scores(category: str | None) -> dict[str, float]:
        request = SearchRequest(k=60, category=category)
        (garment,) = shop.matcher.search(fake_photo(RED), request).garments
        return {match.product.id: match.score for match in garment.matches}

    seen, named = scores(None), scores("Dresses")
    assert named["red-00"] == seen["red-00"]
    assert seen["blue-00"] - named["blue-00"] == pytest.approx(NAMED.other - SEEN.other)
    assert seen["green-00"] - named["green-00"] == pytest.approx(NAMED.near - SEEN.near)


def test_a_category_answers_only_its_garments(shop: Shop) -> None:
    for word in ("dress", "Apparel > Clothing > Dresses", "a word nobody maps"):
        answer = shop.matcher.search(fake_photo(RED), SearchRequest(category=word))
        assert [one.garment.category for one in answer.garments] == ["dress"]
    answer = shop.matcher.search(fake_photo(RED), SearchRequest(category="Jeans"))
    assert [one.garment.category for one in answer.garments] == [None]
    assert answer.garments[0].garment.box == Box(0, 0, 64, 80)


def test_a_box_picks_the_garment_it_overlaps_else_its_own_pixels(shop: Shop) -> None:
    def only(box: Box) -> SearchAnswer:
        return shop.matcher.search(fake_photo(RED), SearchRequest(box=box))

    assert only(Box(14, 20, 50, 62)).garments[0].garment.category == "dress"
    elsewhere = only(Box(-5, 0, 12, 18)).garments[0].garment
    assert (elsewhere.category, elsewhere.mask) == (None, None)
    assert elsewhere.box == Box(0, 0, 12, 18)
    with pytest.raises(BoxError):
        only(Box(100, 100, 120, 120))


@pytest.mark.parametrize(
    "text",
    [
        "brand = Acme",
        "(brand = 'Acme' OR brand = Zed) AND price < 50",
        "price >= 180 OR price IN (10, 20)",
        "brand != Acme AND price > 20 AND price <= 120",
    ],
)
def test_filters_give_the_matches_of_the_unfiltered_order_and_never_under_fill(
    shop: Shop, text: str
) -> None:
    tree = parse_filter(text)
    everything = shop.found(fake_photo(GREEN), SearchRequest(k=60))
    passing = shop.catalog.product_ids_matching(tree)
    assert passing is not None
    wanted = [one for one in everything if one in passing]
    assert shop.found(fake_photo(GREEN), SearchRequest(k=7, filter=tree)) == wanted[:7]


def test_a_filter_that_lets_nothing_through_gives_no_matches(shop: Shop) -> None:
    assert shop.found(fake_photo(RED), SearchRequest(filter=parse_filter("brand = none"))) == []


def test_fewer_come_back_only_when_the_catalog_has_fewer(shop: Shop) -> None:
    assert len(shop.found(fake_photo(RED), SearchRequest(k=100))) == 60


def test_a_deleted_product_is_not_found_though_the_index_is_behind(shop: Shop) -> None:
    shop.catalog.delete("red-00")
    found = shop.found(fake_photo(RED), SearchRequest(k=5))
    assert "red-00" not in found
    assert len(found) == 5


def test_products_that_vanish_while_matching_are_left_out() -> None:
    class Vanishing(MemoryCatalog):
        def products(self, ids: Iterable[str]) -> dict[str, Product]:
            return {one: self.living[one] for one in ids if not one.endswith("0")}

    catalog = Vanishing()
    for number in range(8, 12):
        catalog.put(str(number), _vector(RED))
    index = LiveIndex(catalog, embedder_version="fake-embedder", dimension=FAKE_DIMENSION)
    index.open()
    matcher = Matcher(FakePhotoParser(), FakeEmbedder(), index, catalog)
    (garment,) = matcher.search(fake_photo(RED), SearchRequest()).garments
    assert sorted(match.product.id for match in garment.matches) == ["11", "8", "9"]


def test_an_asked_colour_ranks_products_of_that_colour_higher(shop: Shop) -> None:
    photo = fake_photo(RED)
    assert shop.found(photo, SearchRequest(k=1)) == ["red-00"]
    orange = SearchRequest(k=1, colour="#c87d28")
    assert shop.found(photo, orange)[0] in {"red-17", "red-18", "red-19"}
    with pytest.raises(ColourError):
        shop.found(fake_photo(RED), SearchRequest(colour="navy"))


def test_the_weight_of_a_colour_goes_from_nothing_to_all(shop: Shop) -> None:
    photo, orange = fake_photo(RED), "#c87d28"
    likeness = shop.found(photo, SearchRequest(k=60))
    assert shop.found(photo, SearchRequest(k=60, colour=orange, colour_weight=0)) == likeness
    places = [
        shop.found(photo, SearchRequest(k=60, colour=orange, colour_weight=weight)).index("red-18")
        for weight in (0, 0.3, 1)
    ]
    assert places == sorted(places, reverse=True)
    assert places[0] > places[-1]


def test_near_identical_products_are_folded_on_request(shop: Shop) -> None:
    (garment,) = shop.matcher.search(fake_photo(RED), SearchRequest(k=60, fold=True)).garments
    assert len(garment.matches) < 60
    assert sum(1 + (match.folded or 0) for match in garment.matches) == 60
    assert garment.matches[0].product.id == "red-00"
    assert garment.matches[0].to_json()["folded"] == garment.matches[0].folded
    (plain,) = shop.matcher.search(fake_photo(RED), SearchRequest(k=60)).garments
    assert "folded" not in plain.matches[0].to_json()


def test_similar_products_leave_the_product_itself_out(shop: Shop) -> None:
    document = shop.matcher.similar("red-05", SimilarRequest(k=3)).to_json()
    assert document["product"]["id"] == "red-05"
    ids = [match["product"]["id"] for match in document["matches"]]
    assert len(ids) == 3
    assert set(ids) <= {"red-03", "red-04", "red-06", "red-07"}
    with pytest.raises(ProductNotFound):
        shop.matcher.similar("nothing", SimilarRequest())


def _similar(shop: Shop, request: SimilarRequest) -> list[str]:
    return [match.product.id for match in shop.matcher.similar("red-05", request).matches]


@pytest.mark.parametrize("text", ["brand = Zed", "price = 190", "price < 0", "brand != none"])
def test_similar_products_pass_the_filter_and_are_as_many_as_there_are(
    shop: Shop, text: str
) -> None:
    tree = parse_filter(text)
    passing = shop.catalog.product_ids_matching(tree)
    assert passing is not None
    wanted = [one for one in _similar(shop, SimilarRequest(k=60)) if one in passing]
    assert _similar(shop, SimilarRequest(k=7, filter=tree)) == wanted[:7]


def test_similar_products_are_folded_on_request(shop: Shop) -> None:
    matches = shop.matcher.similar("red-05", SimilarRequest(k=60, fold=True)).matches
    assert len(matches) < 59
    assert sum(1 + (match.folded or 0) for match in matches) == 59


def test_a_similar_product_that_was_deleted_makes_room_for_the_next(shop: Shop) -> None:
    closest = _similar(shop, SimilarRequest(k=6))
    shop.catalog.delete(closest[0])
    assert _similar(shop, SimilarRequest(k=5)) == closest[1:]


@pytest.mark.parametrize("weight", [0.2, -0.2])
def test_a_boost_adds_a_fields_value_to_every_score(shop: Shop, weight: float) -> None:
    def scores(boost: Boost | None) -> dict[str, float]:
        request = SearchRequest(k=60, boost=boost)
        (garment,) = shop.matcher.search(fake_photo(RED), request).garments
        assert list(garment.matches) == sorted(garment.matches, key=lambda match: -match.score)
        return {match.product.id: match.score for match in garment.matches}

    def value(product_id: str) -> float:
        return int(product_id[-2:]) / 19  # the price goes from 0 to 190 in steps of 10

    plain, boosted = scores(None), scores(Boost("price", weight))
    assert boosted == pytest.approx(
        {name: score + weight * value(name) for name, score in plain.items()}
    )
    similar = shop.matcher.similar("red-05", SimilarRequest(k=1, boost=Boost("price", 1.0)))
    assert [match.product.id for match in similar.matches] == ["red-19"]


@pytest.mark.parametrize("request_of", [SearchRequest, SimilarRequest])
@pytest.mark.parametrize("fold", [False, True])
def test_a_cut_off_leaves_out_what_scores_below_it_and_nothing_else(
    shop: Shop, request_of: type[SimilarRequest], fold: bool
) -> None:
    def scores(min_score: float | None) -> list[float]:
        request = request_of(k=60, fold=fold, min_score=min_score)
        if isinstance(request, SearchRequest):
            matches = shop.matcher.search(fake_photo(RED), request).garments[0].matches
        else:
            matches = shop.matcher.similar("red-05", request).matches
        return [match.to_json()["score"] for match in matches]

    everything = scores(None)
    shown = everything[len(everything) // 3]
    assert scores(shown) == [score for score in everything if score >= shown]
    assert scores(0) == [score for score in everything if score >= 0]
    assert min(everything) < 0
    assert scores(1) == [score for score in everything if score >= 1]


def test_what_is_cut_off_is_not_counted_as_folded(shop: Shop) -> None:
    everything = SearchRequest(k=60)
    (garment,) = shop.matcher.search(fake_photo(RED), everything).garments
    passing = [match for match in garment.matches if match.score >= 0.95]
    asked = SearchRequest(k=60, fold=True, min_score=0.95)
    (folded,) = shop.matcher.search(fake_photo(RED), asked).garments
    assert sum(1 + (match.folded or 0) for match in folded.matches) == len(passing)


def test_every_photo_of_a_product_finds_what_is_like_it() -> None:
    catalog = MemoryCatalog()
    catalog.put("both", _vector(RED), position=0)
    catalog.put("both", _vector(BLUE), position=1)
    for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        catalog.put(name, _vector(colour))
    index = LiveIndex(catalog, embedder_version="fake-embedder", dimension=FAKE_DIMENSION)
    index.open()
    matcher = Matcher(FakePhotoParser(), FakeEmbedder(), index, catalog)
    matches = matcher.similar("both", SimilarRequest(k=2)).matches
    assert [match.product.id for match in matches] == ["red", "blue"]


def test_this_but_in_another_colour(shop: Shop) -> None:
    red = fake_photo(RED)
    assert shop.found(red, SearchRequest(k=1)) == ["red-00"]
    asked = SearchRequest(k=3, wish=read_wish("this, but blue"))
    assert [found[:4] for found in shop.found(red, asked)] == ["blue"] * 3
    assert shop.found(red, replace(asked, words_weight=0.0))[0] == "red-00"


def test_any_of_several_colours_will_do(shop: Shop) -> None:
    asked = SearchRequest(k=20, wish=read_wish("in green or blue"))
    found = shop.found(fake_photo(RED), asked)
    assert {name.split("-")[0] for name in found} == {"green", "blue"}


def test_this_but_not_in_its_colour(shop: Shop) -> None:
    asked = SearchRequest(k=3, wish=read_wish("anything but red"), words_weight=0.9)
    # The last of the reds are orange.
    assert not set(shop.found(fake_photo(RED), asked)) & {f"red-{step:02}" for step in range(10)}
    assert shop.found(fake_photo(RED), replace(asked, wish=None))[0] == "red-00"


def test_words_of_a_product_count_beside_likeness(shop: Shop) -> None:
    asked = SearchRequest(k=3, wish=read_wish("the one by acme"))
    assert shop.found(fake_photo(RED), asked)[0] == "red-01"
    assert shop.found(fake_photo(RED), SearchRequest(k=3))[0] == "red-00"


def test_similar_without_stored_photos_ranks_the_wished_colour_nearer(shop: Shop) -> None:
    asked = SimilarRequest(k=3, wish=read_wish("green"), words_weight=1.0)
    answer = shop.matcher.similar("blue-00", asked)
    assert [match.product.id[:5] for match in answer.matches] == ["green"] * 3
