"""A photo taken: with the computer's camera in a dialog, with a phone's own behind a file field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.acts import drop, wait_for_matches
from tests.browser.conftest import Visitor
from tests.browser.shop import Shop

WATCH = """() => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    window.lent = [];
    mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        window.lent.push(...stream.getTracks());
        return stream;
    };
}"""
FAIL_ONCE = """(name) => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (wanted) => {
        mediaDevices.getUserMedia = ask;
        return Promise.reject(new DOMException("as it happens", name));
    };
}"""
ASK_LATE = """() => {
    const { mediaDevices } = navigator;
    const ask = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = (wanted) => new Promise((resolve) => {
        window.allow = async () => {
            window.late = await ask(wanted);
            resolve(window.late);
        };
    });
}"""


@pytest.fixture
def desk(visitor: Visitor, shop: Shop) -> Page:
    """The page on a computer whose camera it may use; every track it was lent is in `lent`."""
    page = visitor.page(shop.url, camera=True)
    page.evaluate(WATCH)
    return page


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Take a photo")


def open_dialog(page: Page) -> None:
    page.get_by_role("button", name="Take a photo").click()


def button(page: Page, name: str) -> Locator:
    return dialog(page).get_by_role("button", name=name)


def track_states(page: Page) -> list[str]:
    states: list[str] = page.evaluate("window.lent.map((track) => track.readyState)")
    return states


def expect_camera_off(page: Page) -> None:
    """Soon: a dialog is closed before it says so."""
    page.wait_for_function(
        "window.lent.length && window.lent.every((track) => track.readyState === 'ended')",
    )


def test_photo_taken_at_the_desk_is_searched_with(
    desk: Page, shoot: Callable[[Page, str], Path]
) -> None:
    open_dialog(desk)
    expect(button(desk, "Take the photo")).to_be_focused()
    assert desk.evaluate("document.getElementById('camera-video').videoWidth") > 0
    assert track_states(desk) == ["live"]
    shoot(desk, "camera")
    desk.keyboard.press("Enter")
    expect(dialog(desk).get_by_role("status")).to_have_text("The photo is taken.")
    expect(dialog(desk).get_by_role("img", name="The photo you took")).to_be_visible()
    expect(button(desk, "Use this photo")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(dialog(desk)).to_be_hidden()
    wait_for_matches(desk)
    expect(desk.get_by_role("heading", name="Garments in your photo")).to_be_focused()
    assert desk.evaluate("document.getElementById('photo').naturalWidth") == 1920
    expect_camera_off(desk)


def test_another_can_be_taken_before_one_is_used(desk: Page) -> None:
    open_dialog(desk)
    button(desk, "Take the photo").click()
    first = desk.evaluate("document.getElementById('camera-still').toDataURL()")
    button(desk, "Take another").click()
    expect(button(desk, "Take the photo")).to_be_focused()
    expect(dialog(desk).get_by_role("img", name="The photo you took")).to_be_hidden()
    desk.wait_for_timeout(200)  # The fake camera shows 20 pictures a second.
    button(desk, "Take the photo").click()
    assert desk.evaluate("document.getElementById('camera-still').toDataURL()") != first
    assert track_states(desk) == ["live"]


@pytest.mark.parametrize("leave", ["Escape", "Cancel"])
def test_leaving_turns_the_camera_off(desk: Page, leave: str) -> None:
    open_dialog(desk)
    expect(button(desk, "Take the photo")).to_be_focused()
    if leave == "Escape":
        desk.keyboard.press("Escape")
    else:
        button(desk, "Cancel").click()
    expect(dialog(desk)).to_be_hidden()
    expect(desk.get_by_role("button", name="Take a photo")).to_be_focused()
    expect_camera_off(desk)
    open_dialog(desk)
    expect(button(desk, "Take the photo")).to_be_focused()


def test_camera_that_is_allowed_too_late_is_given_back(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(shop.url, camera=True)
    page.evaluate(ASK_LATE)
    open_dialog(page)
    expect(dialog(page).get_by_role("status")).to_contain_text("Starting the camera")
    button(page, "Cancel").click()
    page.evaluate("window.allow()")
    page.wait_for_function("window.late.getTracks().every((one) => one.readyState === 'ended')")
    expect(dialog(page)).to_be_hidden()


def test_photo_dropped_beside_the_camera_turns_it_off(desk: Page, street_photo: Path) -> None:
    open_dialog(desk)
    expect(button(desk, "Take the photo")).to_be_focused()
    drop(desk, street_photo)
    expect(dialog(desk)).to_be_hidden()
    wait_for_matches(desk)
    expect_camera_off(desk)


def test_browser_that_refuses_the_camera_is_explained(
    page: Page, shoot: Callable[[Page, str], Path]
) -> None:
    open_dialog(page)
    expect(dialog(page).get_by_role("alert")).to_contain_text("does not let this page use")
    expect(button(page, "Cancel")).to_be_focused()
    shoot(page, "camera-refused")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotFoundError", "No camera was found."),
        ("NotReadableError", "The camera does not answer."),
    ],
)
def test_camera_that_fails_can_be_tried_again(desk: Page, name: str, words: str) -> None:
    desk.evaluate(FAIL_ONCE, name)
    open_dialog(desk)
    expect(dialog(desk).get_by_role("alert")).to_contain_text(words)
    button(desk, "Try again").click()
    expect(button(desk, "Take the photo")).to_be_focused()
    expect(dialog(desk).get_by_role("alert")).to_be_hidden()


def test_camera_that_is_unplugged_is_said_so(desk: Page) -> None:
    open_dialog(desk)
    expect(button(desk, "Take the photo")).to_be_focused()
    desk.evaluate("window.lent[0].dispatchEvent(new Event('ended'))")
    expect(dialog(desk).get_by_role("alert")).to_contain_text("The camera has stopped.")
    expect_camera_off(desk)


def test_page_that_is_lent_no_camera_says_why(visitor: Visitor, shop: Shop) -> None:
    page = visitor.page(shop.url)
    # What a browser gives a page on plain http from another computer.
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    open_dialog(page)
    expect(dialog(page).get_by_role("alert")).to_contain_text("Choose a photo instead.")
    expect(button(page, "Try again")).to_have_count(0)


def test_phone_opens_its_own_camera(visitor: Visitor, shop: Shop, street_photo: Path) -> None:
    page = visitor.page(shop.url, width=390, height=844, phone=True)
    expect(page.locator("#camera-open")).to_be_hidden()
    expect(page.locator("#camera")).to_have_attribute("capture", "environment")
    with page.expect_file_chooser() as chooser:
        page.locator("label", has_text="Take a photo").tap()
    chooser.value.set_files(street_photo)
    wait_for_matches(page)
