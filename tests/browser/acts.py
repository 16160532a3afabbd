"""What visitors do again and again."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

FILE_FROM_BASE64 = """
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], "street.jpg", { type: "image/jpeg" }));
"""
DROP = f"""(data) => {{ {FILE_FROM_BASE64}
    const event = {{ dataTransfer: carried, bubbles: true, cancelable: true }};
    document.body.dispatchEvent(new DragEvent("dragover", event));
    document.body.dispatchEvent(new DragEvent("drop", event));
}}"""
PASTE = f"""(data) => {{ {FILE_FROM_BASE64}
    document.dispatchEvent(new ClipboardEvent("paste", {{ clipboardData: carried }}));
}}"""


def give(page: Page, photo: Path) -> None:
    """Choose a photo and wait for its matches."""
    page.set_input_files("#file", photo)
    wait_for_matches(page)


def drop(page: Page, photo: Path) -> None:
    """Let a photo go over the page."""
    page.evaluate(DROP, base64.b64encode(photo.read_bytes()).decode())


def paste(page: Page, photo: Path) -> None:
    """Paste a photo as a program copies it."""
    page.evaluate(PASTE, base64.b64encode(photo.read_bytes()).decode())


def wait_for_matches(page: Page) -> None:
    expect(page.locator("#view-photo")).to_have_attribute("data-state", "result")
    expect(page.locator("#matches .card:not(.skeleton)").first).to_be_visible()


def tab(page: Page, name: str) -> Locator:
    """The tab of a garment."""
    return page.get_by_role("tab", name=name, exact=True)


def expect_chosen(page: Page, name: str) -> None:
    expect(tab(page, name)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".tag.chosen")).to_have_text(name)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, pull and let go on the photo; places are shares of it."""
    frame = page.locator("#frame").bounding_box()
    assert frame is not None

    def at(place: tuple[float, float]) -> tuple[float, float]:
        return frame["x"] + place[0] * frame["width"], frame["y"] + place[1] * frame["height"]

    page.mouse.move(*at(start))
    page.mouse.down()
    page.mouse.move(*at(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)), steps=3)
    page.mouse.move(*at(end), steps=3)
    page.mouse.up()
