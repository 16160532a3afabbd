"""One product: what is known of it, and what is like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.acts import expect_chosen, give
from tests.browser.conftest import Visitor
from tests.browser.shop import Shop

SCARLET = "#product=a%2F1"


def test_similar_products_are_one_click_from_a_match(
    page: Page, street_photo: Path, shoot: Callable[[Page, str], Path]
) -> None:
    give(page, street_photo)
    page.get_by_role("link", name="Scarlet top (details and similar products)").click()
    expect(page.get_by_role("heading", name="Scarlet top")).to_be_focused()
    assert page.url.endswith(SCARLET)
    similar = page.locator("#similar .card:not(.skeleton)")
    expect(similar.first.locator("img")).to_be_visible()
    assert "Scarlet top" not in similar.locator(".name").all_text_contents()
    shoot(page, "product")
    title = similar.first.locator(".open").evaluate("(link) => link.firstChild.textContent")
    similar.first.locator(".open").click()
    expect(page.get_by_role("heading", level=1, name=title, exact=True)).to_be_focused()
    page.get_by_role("link", name="← Back").click()
    page.get_by_role("link", name="← Back").click()
    # The photo and its matches are still there.
    expect_chosen(page, "Top")


def test_everything_known_of_a_product_is_shown(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(f"{shop.url}/{SCARLET}")
    expect(page.get_by_role("heading", level=1, name="Scarlet top")).to_be_visible()
    expect(page.locator("#product-price")).to_have_text("€49.50")
    expect(page.get_by_role("link", name="See it in the shop")).to_have_attribute(
        "href", "https://shop.example/scarlet"
    )
    rows = page.locator("#product-facts dt").all_inner_texts()
    assert [row.lower() for row in rows] == ["category", "brand", "sizes", "vegan", "number"]
    assert page.locator("#product-facts dd").all_inner_texts()[2:] == ["S, M", "yes", "a/1"]
    expect(page).to_have_title("Scarlet top · Garb")
    expect(page.locator(".large img")).to_have_attribute("alt", "Photo of Scarlet top")
    page.get_by_role("button", name="Photo 2").click()
    expect(page.get_by_role("button", name="Photo 2")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="← Back").click()
    expect(page.get_by_role("heading", name="The catalog")).to_be_visible()


def test_text_of_a_feed_is_text_and_its_address_only_the_web(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(f"{shop.url}/#product=b-bare")
    expect(page.get_by_role("heading", level=1)).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.get_by_role("link", name="See it in the shop")).to_have_count(0)
    expect(page.locator(".large")).to_have_text("no picture")
    expect(page.locator("#similar")).to_contain_text("Nothing else in the shop can be compared")


def test_product_that_is_gone_is_said_so(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(f"{shop.url}/#product=gone")
    expect(page.get_by_role("alert")).to_have_text("This product is not in the shop any more.")
    expect(page.locator("#product-page")).to_be_hidden()
