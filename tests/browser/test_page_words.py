"""Words beside a photo, what can be chosen among the matches, tags, folded ones, feedback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import give, tab, wait_for_matches
from tests.browser.conftest import Visitor
from tests.browser.shop import PRODUCTS, RED, Shop, fill, put
from tests.browser.test_page_catalog import cards

BLUE, ORANGE = (35, 86, 184), (200, 90, 30)


def names(page: Page) -> list[str]:
    found: list[str] = page.locator("#matches .open").evaluate_all(
        "(links) => links.map((link) => link.firstChild.textContent)"
    )
    return found


@pytest.mark.parametrize("width", [1280, 390])
def test_this_but_blue(
    own_shop: Shop,
    visitor: Visitor,
    street_photo: Path,
    shoot: Callable[[Page, str], Path],
    width: int,
) -> None:
    fill(own_shop)
    put(own_shop, "blue", [BLUE], title="Blue top", brand="Cobalt")
    page = visitor.page(own_shop.url, width=width, phone=width == 390)
    give(page, street_photo)
    expect(page.locator("#details")).to_contain_text("striped")
    assert names(page)[0] == "Scarlet top"
    page.get_by_label("This, but").first.fill("blue")
    page.keyboard.press("Enter")
    expect(page.locator("#matches .open").first).to_contain_text("Blue top")
    page.locator("#facets summary", has_text="brand").click()
    shoot(page, f"words-{width}")
    # The next photo begins without the words.
    page.set_input_files("#file", street_photo)
    expect(page.locator("#matches .open").first).to_contain_text("Scarlet top")
    expect(page.get_by_label("This, but").first).to_have_value("")


def test_choices_narrow_the_matches_and_can_be_taken_back(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    before = names(page)
    page.locator("#facets summary", has_text="brand").click()
    chip = page.locator("#facets").get_by_role("button", name="Bell")
    count = int(chip.locator(".count").inner_text())
    assert 0 < count < len(before)
    chip.click()
    expect(page.locator("#facets .chip[aria-pressed=true]")).to_contain_text("Bell")
    wait_for_matches(page)
    assert "Scarlet top" in before
    assert "Scarlet top" not in names(page)
    expect(page.locator("#facets .chip[aria-pressed=true]")).to_be_focused()
    page.get_by_role("button", name="Choose anew").click()
    expect(page.locator("#matches .open", has_text="Scarlet top")).to_be_visible()
    assert names(page) == before


def test_near_identical_products_are_one_with_a_count(
    own_shop: Shop, visitor: Visitor, street_photo: Path
) -> None:
    for size in "SML":
        put(own_shop, f"top-{size}", [RED], title=f"Scarlet top {size}")
    page = visitor.page(own_shop.url)
    give(page, street_photo)
    expect(page.locator("#matches .card")).to_have_count(1)
    expect(page.locator("#matches .folded")).to_have_text("and 2 just like it")


@pytest.mark.parametrize("width", [1280, 390])
def test_matches_are_cut_off_and_cheaper_ones_preferred(
    own_shop: Shop,
    visitor: Visitor,
    street_photo: Path,
    shoot: Callable[[Page, str], Path],
    width: int,
) -> None:
    put(own_shop, "dear", [RED], title="Dear top", price=90.0)
    put(own_shop, "cheap", [ORANGE], title="Cheap top", price=10.0)
    put(own_shop, "other", [BLUE], title="Blue top", price=20.0)
    page = visitor.page(own_shop.url, width=width, phone=width == 390)
    give(page, street_photo)
    first = page.locator("#matches .open").first
    expect(first).to_contain_text("Dear top")
    page.get_by_label("Rather").select_option("cheaper ones")
    expect(first).to_contain_text("Cheap top")
    page.locator("#tabs").evaluate("(tabs) => tabs.scrollIntoView()")
    shoot(page, f"rather-{width}")
    page.get_by_label("Rather").select_option("the most alike")
    expect(first).to_contain_text("Dear top")
    cards_found = page.locator("#matches .card:not(.skeleton)")
    expect(cards_found).to_have_count(3)
    page.get_by_label("At least").select_option("0.60 alike")
    expect(cards_found).to_have_count(2)
    tab(page, "Shoes").click()
    expect(page.locator("#matches")).to_contain_text("Nothing in the shop comes that close")


@pytest.mark.parametrize("width", [1280, 390])
def test_catalog_is_narrowed_by_choice(
    visitor: Visitor, shop: Shop, shoot: Callable[[Page, str], Path], width: int
) -> None:
    page = visitor.page(f"{shop.url}/#catalog", width=width)
    expect(page.locator("#catalog-count")).to_have_text(f"{PRODUCTS} products")
    page.locator("#catalog-facets summary", has_text="category").click()
    page.locator("#catalog-facets").get_by_role("button", name="shoes").click()
    expect(page.locator("#catalog-count")).to_have_text("8 products")
    assert all(title.startswith("Plain shoes") for title in cards(page))
    page.locator("#catalog-facets summary", has_text="price").click()
    page.locator("#catalog-facets").get_by_role("button", name="under").click()
    expect(page.locator("#catalog-facets .chip[aria-pressed=true]")).to_have_count(2)
    narrowed = cards(page)
    assert 0 < len(narrowed) < 8
    shoot(page, f"facets-{width}")
    page.reload()  # The address keeps the choice.
    assert cards(page) == narrowed
    page.go_back()
    expect(page.locator("#catalog-count")).to_have_text("8 products")


def test_similar_but_in_another_colour(own_shop: Shop, visitor: Visitor) -> None:
    fill(own_shop)
    put(own_shop, "blue", [BLUE], title="Blue top")
    page = visitor.page(f"{own_shop.url}/#product=a%2F1")
    first = page.locator("#similar .open").first
    expect(first).to_be_visible()
    expect(first).not_to_contain_text("Blue top")
    page.get_by_label("This, but").last.fill("in blue")
    page.keyboard.press("Enter")
    expect(first).to_contain_text("Blue top")


def test_what_was_shown_and_opened_is_told(
    own_shop: Shop, visitor: Visitor, street_photo: Path
) -> None:
    fill(own_shop)
    page = visitor.page(own_shop.url)
    give(page, street_photo)
    tab(page, "Trousers").click()
    # What was shown may still be on its way to the server.
    with page.expect_response(
        lambda answer: '"clicked"' in (answer.request.post_data or "")
    ) as told:
        page.locator("#matches .open").nth(1).click()
    assert told.value.status == 204
    report = own_shop.services.catalog.clicks().to_json()
    assert (report["searches"], report["clicked"]) == (1, 1)
    first, second = report["by_rank"][:2]
    assert first["shown"] == second["shown"] == 2  # Of two garments.
    assert (first["clicked"], second["clicked"]) == (0, 1)
