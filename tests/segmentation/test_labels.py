import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from segmentation import labels
from segmentation.errors import LabelError
from segmentation.labels import (
    BACKGROUND_NAMES,
    BODY_NAMES,
    GARMENT_CATEGORIES,
    PERSON,
    PIECEWISE_CATEGORIES,
    garment_classes,
    garment_merges,
    instance_classes,
    known_names,
    lookup_table,
    merge_for_annotation,
    parser_label_set,
    read_label_names,
    street_59_names,
)

# Written out from the rules, not derived from the tables: every one of the 59 names.
# name: garment category, class of the 4-class set, class of the 29-class set.
RULES = """
null - background background
accessories - clothes jewellery
bag bag clothes bag
belt - clothes belt
blazer outerwear clothes blazer
blouse top clothes shirt
bodysuit top clothes underwear
boots shoes clothes shoes
bra - clothes underwear
bracelet - clothes jewellery
cape outerwear clothes coat
cardigan top clothes sweater
clogs shoes clothes shoes
coat outerwear clothes coat
dress dress clothes dress
earrings - clothes jewellery
flats shoes clothes shoes
glasses - clothes glasses
gloves - clothes gloves
hair - hair hair
hat hat clothes hat
heels shoes clothes shoes
hoodie top clothes sweater
intimate - clothes underwear
jacket outerwear clothes jacket
jeans trousers clothes trousers
jumper top clothes sweater
leggings trousers clothes leggings
loafers shoes clothes shoes
necklace - clothes jewellery
panties - clothes underwear
pants trousers clothes trousers
pumps shoes clothes shoes
purse bag clothes bag
ring - clothes jewellery
romper dress clothes romper
sandals shoes clothes shoes
scarf - clothes scarf
shirt top clothes shirt
shoes shoes clothes shoes
shorts shorts clothes shorts
skin - skin skin
skirt skirt clothes skirt
sneakers shoes clothes shoes
socks - clothes socks
stockings - clothes hosiery
suit outerwear clothes blazer
sunglasses - clothes glasses
sweater top clothes sweater
sweatshirt top clothes sweater
swimwear - clothes underwear
t-shirt top clothes t-shirt
tie - clothes tie
tights trousers clothes hosiery
top top clothes top
vest top clothes vest
wallet bag clothes bag
watch - clothes jewellery
wedges shoes clothes shoes
"""
ROWS = [tuple(line.split()) for line in RULES.strip().splitlines()]


def test_the_rules_name_all_59_labels_once() -> None:
    assert len(ROWS) == 59
    assert [row[0] for row in ROWS] == list(street_59_names())


@pytest.mark.parametrize(("name", "garment", "of_4", "of_29"), ROWS)
def test_each_name_merges_as_the_design_says(
    name: str, garment: str, of_4: str, of_29: str
) -> None:
    assert garment_merges().get(name, "-") == garment
    for classes, expected in ((4, of_4), (29, of_29)):
        label_set = parser_label_set(classes)
        assert len(label_set.classes) == classes
        index = label_set.index_of(name)
        assert index is not None
        assert label_set.classes[index] == expected
    own = parser_label_set(59)
    assert own.classes[own.index_of(name) or 0] == name


def test_the_four_classes_are_numbered_as_the_design_says() -> None:
    assert parser_label_set(4).classes == ("background", "skin", "hair", "clothes")
    with pytest.raises(LabelError):
        parser_label_set(5)


def test_the_29_classes_are_numbered_as_the_design_says() -> None:
    assert parser_label_set(29).classes == (
        "background", "skin", "hair", "hat", "glasses", "scarf", "tie", "gloves", "belt", "bag",
        "shoes", "socks", "hosiery", "leggings", "trousers", "shorts", "skirt", "dress", "romper",
        "t-shirt", "shirt", "top", "sweater", "vest", "blazer", "jacket", "coat", "jewellery",
        "underwear",
    )  # fmt: skip


def test_names_with_a_part_of_their_own_are_the_designs() -> None:
    assert GARMENT_CATEGORIES == (
        "top", "outerwear", "dress", "trousers", "shorts", "skirt", "shoes", "bag", "hat",
    )  # fmt: skip
    assert {"shoes", "bag"} == PIECEWISE_CATEGORIES
    assert PERSON == "person"
    assert {"skin", "hair"} == BODY_NAMES
    assert {"null", "background"} <= set(BACKGROUND_NAMES)
    assert known_names() >= {*street_59_names(), *GARMENT_CATEGORIES, PERSON}


def test_no_name_is_in_two_classes_of_a_set() -> None:
    tables = tomllib.loads(Path(labels.__file__).with_name("labels.toml").read_text("utf-8"))
    sets = (tables["garment"], tables["parser_29"]["classes"], tables["parser_4"]["classes"])
    for classes in (*sets, tables["export_3"]):
        names = [name for merged in classes.values() for name in merged]
        assert len(names) == len(set(names))
    assert {n for merged in sets[1].values() for n in merged} == set(street_59_names())


def test_the_59_names_give_garbs_categories_and_the_person() -> None:
    classes = instance_classes(street_59_names())
    assert classes.all == {*GARMENT_CATEGORIES, PERSON}
    assert classes == garment_classes(street_59_names())
    assert classes.person_names == {row[0] for row in ROWS} - {"null"}


def test_a_name_beyond_the_59_is_a_class_of_its_own() -> None:
    classes = instance_classes([*street_59_names(), "kimono"])
    assert classes.all == {*GARMENT_CATEGORIES, PERSON, "kimono"}
    assert "kimono" in classes.person_names


def test_the_29_names_merge_where_all_their_names_do() -> None:
    classes = instance_classes(parser_label_set(29).classes)
    assert classes.all == {*GARMENT_CATEGORIES, PERSON}
    assert classes.categories["sweater"] == "top"
    assert classes.categories["blazer"] == "outerwear"
    assert not {"hosiery", "underwear", "glasses", "skin"} & set(classes.categories)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["null", "scarf", "sunglasses"], {"scarf", "sunglasses"}),
        (["background", "top", "boots", "bag"], {"top", "boots", "bag"}),
        (["null", "skin", "hair", "coat"], {"coat", "person"}),
        (["null", "person", "hat"], {"person", "hat"}),
        (["null", "", "kimono"], {"kimono"}),
    ],
)
def test_in_a_set_of_ones_own_every_name_is_a_class(names: list[str], expected: set[str]) -> None:
    assert instance_classes(names).all == expected


def test_lookup_table_maps_numbers_to_classes() -> None:
    table = lookup_table(("null", "hair", "coat"), parser_label_set(4))
    assert table.dtype == np.uint8
    assert table[:4].tolist() == [0, 2, 3, 0]
    assert table.shape == (256,)


def test_export_set_is_recognised_by_its_whole_set_of_names_only() -> None:
    merged = merge_for_annotation(frozenset({"top", "boots", "bag"}))
    assert merged == {
        "top": "top", "outerwear": "top", "dress": "top", "shoes": "boots", "bag": "bag",
    }  # fmt: skip
    assert merge_for_annotation(frozenset({"top"})) is None
    assert merge_for_annotation(frozenset({"top", "boots"})) is None
    assert merge_for_annotation(frozenset({"top", "boots", "bag", "hat"})) is None


def test_label_names_are_read_as_a_list_or_by_number(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text(json.dumps(["null", "coat"]))
    assert read_label_names(file) == ("null", "coat")
    file.write_text(json.dumps({"0": "null", "3": "coat"}))
    assert read_label_names(file) == ("null", "", "", "coat")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        "[]",
        "{}",
        "[1]",
        '"coat"',
        '{"a": "b"}',
        json.dumps(["x"] * 257),
        '{"-1": "a"}',
        '{"0": "null", "-1": "a"}',
        '{"256": "a"}',
        '{"999999999999": "a"}',
        '["null", "\\ud800"]',
        '["null", "to\\u0000p"]',
        json.dumps(["x" * 101]),
    ],
)
def test_unusable_label_names_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "labels.json"
    file.write_text(text)
    with pytest.raises(LabelError, match=r"labels\.json"):
        read_label_names(file)
    with pytest.raises(LabelError):
        read_label_names(tmp_path / "none.json")
