"""A shop's words for what it sells, and the category that each means."""

import pytest

from segmentation.labels import GARMENT_CATEGORIES, category_of


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
