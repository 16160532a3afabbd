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
    category_of,
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


@pytest.mark.parametrize("category", GARMENT_CATEGORIES)
def test_garbs_own_words_are_themselves(category: str) -> None:
    assert category_of(category) == category
    assert category_of(f" {category.upper()} ") == category


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("Hoodies & Sweatshirts", "top"),
        ("longsleeve", "top"),
        ("outwear", "outerwear"),
        ("pants", "trousers"),
        ("shirt", "top"),
        ("t-shirt", "top"),
        ("T-Shirts", "top"),
        ("polo", "top"),
        ("blazer", "outerwear"),
        ("shirt dress", "dress"),
        ("Dresses", "dress"),
        ("Ankle Boots", "shoes"),
        ("Handbags", "bag"),
        ("jean shorts", "shorts"),
        ("denim skirt", "skirt"),
        ("Apparel & Accessories > Clothing > Dresses", "dress"),
        ("Apparel & Accessories > Clothing > Outerwear > Coats & Jackets", "outerwear"),
        ("Apparel & Accessories > Shoes", "shoes"),
        ("Apparel & Accessories > Handbags, Wallets & Cases > Handbags", "bag"),
        ("Apparel & Accessories > Clothing > Shirts & Tops", "top"),
        ("Apparel & Accessories > Clothing > Pants", "trousers"),
        ("Apparel & Accessories > Clothing Accessories > Hats", "hat"),
        ("Apparel & Accessories > Clothing > Skirts > Summer 26", "skirt"),
        ("upper_body", "top"),
        ("Damen > Bekleidung > Röcke", "skirt"),
        ("Winterjacken", "outerwear"),
        ("Leder-Handtaschen", "bag"),
        ("Hosen & Jeans", "trousers"),
        ("Kurze Hosen", "shorts"),
        ("Sweatshirts", "top"),
        ("Bekleidung für Damen > Mäntel", "outerwear"),
        ("Jupes", "skirt"),
        ("Robes longues", "dress"),
        ("Manteaux & vestes", "outerwear"),
        ("Chaussures", "shoes"),
        ("Chapeaux", "hat"),
        ("Pantalones", "trousers"),
        ("Jerséis", "top"),
        ("Vestiti", "dress"),
        ("Gonne", "skirt"),
        ("Calças", "trousers"),
        ("Spijkerbroeken", "trousers"),
        ("Jurken", "dress"),
        ("Tops > Short Sleeve", "top"),
    ],
)
def test_shop_words_are_mapped(word: str, category: str) -> None:
    assert category_of(word) == category


@pytest.mark.parametrize(
    "word",
    [
        "",
        "  ",
        None,
        "Sofa",
        "not sure",
        "skip",
        "other",
        "Toys > Dolls",
        "鞋",
        "Swimsuits",
        "Scarves",
        "Earrings",
    ],
)
def test_unknown_words_are_unmapped(word: str | None) -> None:
    assert category_of(word) is None


# Accessories of a garment, though a word for the garment stands before them.
NO_GARMENT = """
dress socks
dress jewelry
wedding dress veil
boot socks
Shoe care
Shoes > Shoe Care
Shoes > Insoles
Shoes > Socks
Shoe laces
Shoelaces
shoe polish
shoe rack
coat belt
Coat hanger
Dress belts
shirt collar stays
sleeping bag
Bean bags
wallet chain
hat box
Hat boxes
hat pin
Apparel & Accessories > Shoe Accessories
Apparel & Accessories > Handbag & Wallet Accessories
Apparel & Accessories > Clothing Accessories > Belts
Dresses > Belts & Veils
Schuhe > Schuhpflege
Schuhe > Socken
Kleider > Gürtel
Mäntel > Kleiderbügel
Hosen > Ledergürtel
Chaussures > Chaussettes
Robes > Ceintures
Manteaux > Cintres
lacets de chaussures
sac de couchage
Zapatos > Calcetines
Vestidos > Cinturones
Scarpe > Calze
Abiti > Cinture
Vestidos > Cintos
Casacos > Cabides
Schoenen > Sokken
Jurken > Riemen
Schoenen > Sportsokken
Jassen > Kleerhangers
Gloves
Nachthemden
Shoes/Shoe Care
Women / Shoes / Shoe Laces
Shoes/Shoe & Boot Care
Shoe & Boot Care
Bags/Handbag Charms
Hats/Hat Boxes
Coats & Jackets/Coat Hangers
Shoe cleaning kits
Sneaker cleaners
Boot shapers
Shoe inserts
Heel grips
Bag charms
Purse organizers
Suitcase covers
Hat stands
Coat stands
Sweater combs
Shirt stays
Shoes > Accessories
Luggage & Bags > Luggage Accessories > Packing Organizers
Home & Garden > Household Supplies > Shoe Care & Tools > Shoe Dryers
Home & Garden > Storage & Organization > Clothing & Closet Storage > Boot & Shoe Trees
Schuhe > Schuhzubehör
Taschen > Taschenanhänger
Chaussures > Entretien des chaussures
Sacs > Accessoires
Zapatos > Plantillas para zapatos
Scarpe > Lacci per scarpe
Sapatos > Cadarços
Schoenen > Schoenverzorging
"""
# With a word for an accessory, or one like it, beside the garment's.
STILL_A_GARMENT = """
belted coat = outerwear
belt bag = bag
chain bag = bag
box pleat skirt = skirt
boxy top = top
boxy tee = top
pin-up dress = dress
pinstripe suit = outerwear
sock boots = shoes
sock sneakers = shoes
carpenter trousers = trousers
hat and scarf set = hat
Bags & Belts = bag
Bags, Belts & Wallets = bag
Shoes & Socks = shoes
Hats, Scarves & Belts = hat
Coats & Jackets = outerwear
Handbags, Wallets & Cases = bag
Tops & Tees = top
dress with belt = dress
Dress + belt = dress
shirt dress without belt = dress
lace dress = dress
lace top = top
lace-up boots = shoes
Sandals ankle strap = shoes
heels with ankle strap = shoes
easy care shirt = top
Shirts easy care = top
chain strap bag = bag
backpack = bag
tote bag = bag
clutch = bag
gym bag = bag
garment bag = bag
dry bag = bag
toiletry bag = bag
diaper bag = bag
A-line dress = dress
Y-back top = top
T-shirts and polos = top
Off the rack suits = outerwear
jewelled dress = dress
polished leather shoes = shoes
Apparel & Accessories > Handbags, Wallets & Cases > Handbags = bag
Apparel & Accessories > Clothing > Dresses = dress
Apparel & Accessories > Shoes = shoes
Kleid mit Gürtel = dress
Mantel ohne Gürtel = outerwear
Gürteltaschen = bag
Strumpfhosen = trousers
Schuhe & Socken = shoes
Hosen und Gürtel = trousers
Bügelfreie Hemden = top
manteau à ceinture = outerwear
robe avec ceinture = dress
Sacs et ceintures = bag
bottines à lacets = shoes
sandales bijoux = shoes
robe en voile = dress
veste en jean = trousers
pantalón cintura alta = trousers
falda con cinturón = skirt
zapatos de cordones = shoes
Bolsos y cinturones = bag
abito con cintura = dress
pantaloni cintura elastica = trousers
sandali gioiello = shoes
Borse e cinture = bag
Calças > Cintura Alta = trousers
Camiseta meia manga = top
Meia-calça = trousers
vestido com cinto = dress
Bolsas e cintos = bag
tênis sem cadarço = shoes
jurk met riem = dress
Tassen en riemen = bag
Schoenen & sokken = shoes
korte broek = shorts
Hats & Gloves = hat
Shoes & Shoe Care = shoes
Shoes/Boots = shoes
Tops/Shirts = top
Shoes/Socks = shoes
Dresses/Shirt Dresses = dress
Bags & Accessories = bag
Taschen & Accessoires = bag
Boots lace-up = shoes
shoes, lace up = shoes
dress shoes = shoes
kitten heels = shoes
cap sleeve top = top
press-stud jacket = outerwear
Mützen & Handschuhe = hat
"""


@pytest.mark.parametrize("word", NO_GARMENT.strip().splitlines())
def test_accessories_of_a_garment_are_none(word: str) -> None:
    assert category_of(word) is None


@pytest.mark.parametrize("line", STILL_A_GARMENT.strip().splitlines())
def test_garments_beside_accessories_are_garments(line: str) -> None:
    word, category = line.split(" = ")
    assert category_of(word) == category


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


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("Shoes & Accessories", "shoes"),
        ("Shoes, Accessories", "shoes"),
        ("Shoes/Accessories", "shoes"),
        ("Shoe Accessories", None),
        ("Apparel & Accessories > Shoe Accessories", None),
        ("Apparel & Accessories > Handbag & Wallet Accessories", None),
        ("Apparel & Accessories > Handbags, Wallets & Cases > Handbags", "bag"),
        ("Bags/Belts", "bag"),
        ("Women/Clothing/Dresses", "dress"),
        ("Women/Socks", None),
        ("Dresses > Belts", None),
    ],
)
def test_of_a_list_garments_decide_and_of_a_path_its_end(word: str, category: str | None) -> None:
    assert category_of(word) == category
