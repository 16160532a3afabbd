"""A box drawn on the photo, with the mouse, a finger or keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.acts import drag, expect_chosen, give, wait_for_matches
from tests.browser.conftest import Visitor
from tests.browser.shop import HEIGHT, WIDTH, Shop

LISTEN = """() => {
    const { set } = FormData.prototype;
    FormData.prototype.set = function (name, ...values) {
        if (name === "box") window.sentBox = values[0];
        return set.call(this, name, ...values);
    };
}"""


def asked_box(page: Page, act: Callable[[], None]) -> list[int]:
    """The box that is sent while ``act`` runs."""
    # Chromium shows no body that holds a file: listen where the page writes the field.
    page.evaluate(LISTEN)
    with page.expect_request("**/v1/search"):
        act()
    box: str = page.evaluate("window.sentBox")
    return [int(part) for part in box.split(",")]


def test_mouse_draws_a_box_without_any_button(
    page: Page, street_photo: Path, shoot: Callable[[Page, str], Path]
) -> None:
    give(page, street_photo)
    x0, y0, x1, y1 = asked_box(page, lambda: drag(page, (0.05, 0.02), (0.2, 0.5)))
    wanted = (0.05 * WIDTH, 0.02 * HEIGHT, 0.2 * WIDTH, 0.5 * HEIGHT)
    for got, meant in zip((x0, y0, x1, y1), wanted, strict=True):
        assert abs(got - meant) <= 2
    wait_for_matches(page)
    expect_chosen(page, "Your box")
    expect(page.locator("#details")).to_contain_text("Matched as it stands in your box.")
    expect(page.locator("#outlines .drawn")).to_have_count(1)
    shoot(page, "drawn-box")


def test_box_around_a_garment_matches_the_garment(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    drag(page, (0.24, 0.1), (0.76, 0.48))
    expect(page.locator("#details")).to_contain_text("The top fits your box best")


def test_second_box_takes_the_place_of_the_first(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    for end in ((0.2, 0.5), (0.2, 0.9)):
        drag(page, (0.02, 0.02), end)
        wait_for_matches(page)
        expect_chosen(page, "Your box")
        expect(page.get_by_role("tab")).to_have_count(5)
    page.get_by_role("tab", name="Top").click()
    expect_chosen(page, "Top")


def test_turning_to_a_garment_gives_the_box_up(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    page.route("**/v1/search", lambda route: None)
    drag(page, (0.02, 0.02), (0.2, 0.5))
    expect(page.locator("#busy")).to_contain_text("Looking at your box…")
    page.get_by_role("tab", name="Trousers").click()
    expect_chosen(page, "Trousers")
    wait_for_matches(page)
    expect(page.get_by_role("tab")).to_have_count(4)


def test_pull_of_a_hair_is_a_click(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    drag(page, (0.5, 0.7), (0.505, 0.702))
    expect_chosen(page, "Trousers")
    expect(page.get_by_role("tab")).to_have_count(4)


def test_keys_draw_a_box(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    page.get_by_role("button", name="Draw a box").press("Enter")
    box = page.get_by_role("application", name="Box on the photo")
    expect(box).to_be_focused()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("#box-place")).to_have_text("Left 23%, top 18%, 52% wide, 64% high.")
    sent = asked_box(page, lambda: page.keyboard.press("Enter"))
    assert sent == [int(0.23 * WIDTH), int(0.18 * HEIGHT), 180, 263]
    wait_for_matches(page)
    expect(page.get_by_role("tab", name="Your box")).to_be_focused()


def test_box_never_leaves_the_photo(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    page.get_by_role("button", name="Draw a box").click()
    for _ in range(30):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#box-place")).to_have_text("Left 25%, top 0%, 75% wide, 60% high.")


def test_escape_leaves_the_drawing(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    button = page.get_by_role("button", name="Draw a box")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button).to_be_focused()
    expect(page.locator("#box")).to_be_hidden()


def test_finger_draws_after_the_button_and_scrolls_before(
    visitor: Visitor, shop: Shop, street_photo: Path
) -> None:
    page = visitor.page(shop.url, width=390, height=844, phone=True)
    give(page, street_photo)
    touch = page.context.new_cdp_session(page)

    def pull() -> None:
        frame = page.locator("#frame").bounding_box()
        assert frame is not None
        places = [
            (frame["x"] + share * frame["width"], frame["y"] + share * frame["height"])
            for share in (0.05, 0.2, 0.4, 0.5)
        ]
        kinds = ["touchStart", "touchMove", "touchMove", "touchMove"]
        for kind, (x, y) in zip(kinds, places, strict=True):
            touch.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            )
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    pull()
    expect(page.get_by_role("tab")).to_have_count(4)
    page.get_by_role("button", name="Draw a box").tap()
    x0, _, x1, _ = asked_box(page, pull)
    assert (abs(x0 - 0.05 * WIDTH) <= 2, abs(x1 - 0.5 * WIDTH) <= 2) == (True, True)
    expect(page.get_by_role("tab")).to_have_count(5)


def test_filter_holds_for_the_box_too(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    drag(page, (0.02, 0.02), (0.2, 0.5))
    expect_chosen(page, "Your box")
    page.get_by_label("Only products where").fill("price > 1000")
    page.keyboard.press("Enter")
    expect(page.locator("#matches")).to_contain_text("Nothing in the shop passes this filter")
    expect_chosen(page, "Your box")
