"""The catalog by page and by words, at addresses that can be kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.shop import PRODUCTS, Shop

A_PAGE = 24


def cards(page: Page) -> list[str]:
    """The titles shown, once they are there."""
    expect(page.locator("#catalog-list")).to_have_attribute("aria-busy", "false")
    titles: list[str] = page.locator("#catalog-list .open").evaluate_all(
        "(links) => links.map((link) => link.firstChild.textContent)"
    )
    return titles


def test_catalog_is_paged_forth_and_back(page: Page, shoot: Callable[[Page, str], Path]) -> None:
    page.get_by_role("link", name="Catalog").click()
    expect(page.get_by_role("heading", name="The catalog")).to_be_focused()
    first = cards(page)
    expect(page.locator("#catalog-count")).to_have_text(f"{PRODUCTS} products")
    assert len(first) == A_PAGE
    shoot(page, "catalog")
    page.get_by_role("link", name="Next →").click()
    expect(page.locator("#pager")).to_contain_text("Page 2 of 2")
    assert len(cards(page)) == PRODUCTS - A_PAGE
    expect(page.locator("#catalog-count")).to_have_text(f"{PRODUCTS} products")
    expect(page.get_by_role("link", name="Next →")).to_have_count(0)
    page.get_by_role("link", name="← Previous").click()
    expect(page.locator("#pager")).to_contain_text("Page 1 of 2")
    assert cards(page) == first


def test_words_narrow_the_catalog(page: Page) -> None:
    page.get_by_role("link", name="Catalog").click()
    page.get_by_role("searchbox").fill("ACME shoes")
    page.keyboard.press("Enter")
    expect(page.locator("#catalog-count")).to_have_text("4 products with “ACME shoes”")
    found = cards(page)
    assert found
    assert all(title.startswith("Plain shoes") for title in found)
    assert page.url.endswith("#catalog&words=ACME+shoes")
    page.get_by_role("link", name="All products").click()
    expect(page.locator("#catalog-count")).to_have_text(f"{PRODUCTS} products")
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_words_that_nothing_carries_are_said_so(page: Page) -> None:
    page.get_by_role("link", name="Catalog").click()
    page.get_by_role("searchbox").fill("kimono & 100%")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#catalog-count")).to_have_text("Nothing carries “kimono & 100%”.")
    assert cards(page) == []


def test_address_opens_the_page_it_names(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(f"{shop.url}/#catalog&words=plain&after=c-20&page=2")
    expect(page.get_by_role("searchbox")).to_have_value("plain")
    assert cards(page) == ["Plain top 21", "Plain trousers 22", "Plain shoes 23"]
    # One more than say so: a tag of its photo does.
    expect(page.locator("#catalog-count")).to_have_text("25 products with “plain”")
    # Where the page before begins is not known here; the first page always is.
    page.get_by_role("link", name="← First page").click()
    expect(page.locator("#pager")).to_contain_text("Page 1 of 2")
    assert cards(page)[:2] == ["Scarlet top", "Plain top 0"]


def test_going_back_finds_the_list_as_it_was_left(page: Page) -> None:
    page.get_by_role("link", name="Catalog").click()
    cards(page)
    last = page.locator("#catalog-list .open").last
    last.scroll_into_view_if_needed()
    scrolled = page.evaluate("window.scrollY")
    assert scrolled > 0
    last.click()
    expect(page.get_by_role("heading", level=1, name="Plain")).to_be_focused()
    assert page.evaluate("window.scrollY") == 0
    page.get_by_role("link", name="← Back").click()
    expect(page.get_by_role("heading", name="The catalog")).to_be_visible()
    assert abs(page.evaluate("window.scrollY") - scrolled) < 5


def test_empty_shop_says_what_to_do(own_shop: Shop, visitor: Visitor) -> None:
    page = visitor.page(f"{own_shop.url}/#catalog")
    expect(page.locator("#catalog-count")).to_have_text("The shop is empty: index a feed first.")
