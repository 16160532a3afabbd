"""axe finds nothing serious in any view, light or dark, wide or narrow; nothing hangs over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.acts import drag, give
from tests.browser.conftest import Visitor
from tests.browser.shop import Shop

GRAVE = ("serious", "critical")


def assert_sound(page: Page, view: str) -> None:
    """Nothing grave to axe, and no need to scroll sideways."""
    found = Axe().run(page).response["violations"]
    grave = [
        (view, one["id"], node["html"][:160], node["failureSummary"][:200])
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    assert grave == []
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert over <= 0, f"{view} is {over} px too wide"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_view_is_sound(
    visitor: Visitor,
    shop: Shop,
    street_photo: Path,
    shoot: Callable[[Page, str], Path],
    width: int,
    scheme: str,
) -> None:
    page = visitor.page(shop.url, width=width, scheme=scheme, phone=width < 500, camera=True)

    def look(view: str) -> None:
        shoot(page, f"{view}-{width}-{scheme}")
        assert_sound(page, view)

    expect(page.locator("#sample-list img").first).to_be_visible()
    look("empty")
    page.evaluate("document.getElementById('camera-open').click()")
    expect(page.locator("#camera-take")).to_be_visible()
    look("camera")
    page.keyboard.press("Escape")
    page.route("**/v1/search", lambda route: None, times=1)
    page.set_input_files("#file", street_photo)
    expect(page.locator("#busy")).to_be_visible()
    look("busy")
    give(page, street_photo)
    look("result")
    page.get_by_role("button", name="Draw a box").click()
    look("drawing")
    page.get_by_role("button", name="Find in this box").click()
    expect(page.get_by_role("tab")).to_have_count(5)
    look("box")
    page.get_by_label("Only products where").fill("price <")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-trouble")).to_be_visible()
    look("filter")
    page.goto(f"{shop.url}/#catalog")
    expect(page.locator("#catalog-list img").first).to_be_visible()
    look("catalog")
    page.goto(f"{shop.url}/#product=a%2F1")
    # On a phone they lie below the fold, and load when they come near.
    page.locator("#similar-title").scroll_into_view_if_needed()
    expect(page.locator("#similar img").first).to_be_visible()
    look("product")
    page.goto(f"{shop.url}/#product=gone")
    expect(page.get_by_role("alert")).to_be_visible()
    look("error")
    page.evaluate("document.getElementById('key-dialog').showModal()")
    look("key")
    page.goto(f"{shop.url}/docs")
    expect(page.locator("details").first).to_be_visible()
    look("docs")


def test_first_tab_stop_skips_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.evaluate("location.hash") == ""


def test_without_motion_nothing_moves(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    drag(page, (0.02, 0.02), (0.2, 0.5))
    expect(page.get_by_role("tab")).to_have_count(5)
    assert page.evaluate("document.getAnimations().filter((one) => one.animationName).length") == 0


def test_api_page_shows_what_a_match_holds_and_no_markup(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(f"{shop.url}/docs")
    search = page.locator("details", has=page.get_by_text("/v1/search", exact=True))
    search.locator("summary").click()
    answer = search.locator("pre").last
    for field in (
        '"matches": [',
        '"product": {',
        '"title": "string"',
        '"folded": "integer or null"',
    ):
        expect(answer).to_contain_text(field)
    expect(page.locator("#docs")).not_to_contain_text('…"')
    expect(page.locator("#docs")).not_to_contain_text("``")
