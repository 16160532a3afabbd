"""What goes wrong is said in plain words, with a way on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from search_api.auth import new_token, open_hasher, shown_part
from tests.browser.acts import give, wait_for_matches
from tests.browser.conftest import Visitor
from tests.browser.shop import RED, Shop, put


def test_file_that_is_no_photo_is_refused_in_plain_words(
    page: Page, shoot: Callable[[Page, str], Path]
) -> None:
    page.set_input_files(
        "#file", {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"not a photo"}
    )
    expect(page.locator("#trouble")).to_contain_text("not a photo Garb can read")
    expect(page.get_by_text("Choose a photo")).to_be_visible()
    shoot(page, "error")


def test_photo_that_is_too_large_is_not_even_sent(
    page: Page, visitor: Visitor, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    page.set_input_files("#file", large)
    expect(page.locator("#trouble")).to_contain_text("more than 20 MB")
    assert not any(url.endswith("/v1/search") for url in visitor.asked)


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (lambda route: route.fulfill(status=503, json={"status": 503}), "has its hands full"),
        (lambda route: route.abort(), "The server does not answer"),
        (lambda route: route.fulfill(status=502, body="<h1>proxy</h1>"), "wrong on the server"),
    ],
)
def test_trouble_that_may_pass_can_be_tried_again(
    page: Page, street_photo: Path, fail: Callable[[Route], None], words: str
) -> None:
    page.route("**/v1/search", fail, times=1)
    page.set_input_files("#file", street_photo)
    expect(page.locator("#trouble")).to_contain_text(words)
    page.get_by_role("button", name="Try again").click()
    wait_for_matches(page)
    expect(page.locator("#trouble")).to_be_hidden()


def test_trouble_with_a_box_leaves_the_garments(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    page.route("**/v1/search", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Draw a box").click()
    page.get_by_role("button", name="Find in this box").click()
    expect(page.locator("#trouble")).to_contain_text("The server does not answer")
    expect(page.get_by_role("tab")).to_have_count(4)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("tab")).to_have_count(5)


def test_catalog_that_does_not_come_can_be_asked_for_again(page: Page) -> None:
    page.route("**/v1/products?*", lambda route: route.abort(), times=1)
    page.get_by_role("link", name="Catalog").click()
    expect(page.locator("#catalog-trouble")).to_contain_text("The server does not answer")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#catalog-list .card:not(.skeleton)").first).to_be_visible()


def test_stranger_at_a_server_without_keys_is_told_why(page: Page, street_photo: Path) -> None:
    detail = "no key exists yet, so this server answers only on its own machine"
    refuse = {"status": 403, "title": "Not allowed", "detail": detail}
    page.route("**/v1/search", lambda route: route.fulfill(status=403, json=refuse))
    page.set_input_files("#file", street_photo)
    expect(page.locator("#trouble")).to_have_text(
        "No key exists yet, so this server answers only on its own machine."
    )


def test_key_is_asked_for_kept_for_the_tab_and_sent(
    own_shop: Shop, visitor: Visitor, street_photo: Path, shoot: Callable[[Page, str], Path]
) -> None:
    put(own_shop, "red", [RED])
    token = new_token()
    hashed = open_hasher(own_shop.services.settings.home).hash(token)
    own_shop.services.catalog.create_key("test", "search", hashed, shown_part(token))
    page = visitor.page(own_shop.url)
    expect(page.locator("#samples")).to_be_hidden()
    page.set_input_files("#file", street_photo)
    dialog = page.get_by_role("dialog", name="This shop asks for a key")
    expect(dialog).to_be_visible()
    shoot(page, "key")
    page.get_by_label("Key", exact=True).fill("garb_wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("The key you gave is not valid here.")
    page.keyboard.press("Escape")
    expect(page.locator("#trouble")).to_contain_text("answers only with a key")
    page.get_by_role("button", name="Give a key").click()
    page.get_by_label("Key", exact=True).fill(f" {token} ")
    page.get_by_role("button", name="Continue").click()
    wait_for_matches(page)
    expect(page.locator("#matches img").first).to_be_visible()
    expect(page.locator("#standing")).to_have_text("1 product to find")
    page.goto(f"{own_shop.url}/#catalog")
    page.reload()
    expect(page.locator("#catalog-list img").first).to_be_visible()
    assert token not in page.content()
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
