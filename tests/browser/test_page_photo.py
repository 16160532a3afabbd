"""A photo in by every road; its garments and their matches out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acts import drop, expect_chosen, give, paste, tab, wait_for_matches
from tests.browser.conftest import Visitor
from tests.browser.shop import HEIGHT, WIDTH, Shop
from tests.fakes import fake_jpeg


def by_file(page: Page, photo: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a photo").click()
    chooser.value.set_files(photo)


def by_sample(page: Page, photo: Path) -> None:
    page.get_by_role("button", name="Sample red top").click()


@pytest.mark.parametrize("road", [by_file, drop, paste, by_sample])
def test_photo_comes_in_by_every_road(
    page: Page, street_photo: Path, road: Callable[[Page, Path], None]
) -> None:
    road(page, street_photo)
    wait_for_matches(page)
    expect(page.get_by_role("tab")).to_have_count(4)


def test_garments_are_outlined_and_named_on_the_photo(
    page: Page, street_photo: Path, shoot: Callable[[Page, str], Path]
) -> None:
    give(page, street_photo)
    assert sorted(page.locator(".tag").all_text_contents()) == [
        "Bag", "Shoes", "Top", "Trousers",
    ]  # fmt: skip
    expect(page.locator("#outlines .garment-shape")).to_have_count(4)
    assert page.locator("#outlines").get_attribute("viewBox") == f"0 0 {WIDTH} {HEIGHT}"
    shoot(page, "result")


def test_a_pair_of_shoes_is_one_thing_with_two_outlines(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    tab(page, "Shoes").click()
    outline = page.locator("#outlines .chosen .garment-shape").get_attribute("d")
    assert outline is not None
    assert outline.count("Z") == 2
    expect(page.locator("#matches .card").first).to_be_visible()


def test_shoes_are_paired_with_the_nearest_of_their_size(page: Page, shop: Shop) -> None:
    left, right = [10, 300, 50, 320], [60, 298, 105, 322]
    beside, other, alone = [200, 300, 240, 320], [250, 300, 290, 320], [400, 20, 440, 40]

    def ring(x0: int, y0: int, x1: int, y1: int) -> list[list[int]]:
        return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]

    boxes = [left, beside, alone, right, other]
    garments = [{"category": "shoes", "box": box, "polygon": [ring(*box)]} for box in boxes]
    bag = {"category": "bag", "box": [52, 300, 58, 310], "polygon": []}
    found_whole = [ring(110, 300, 140, 320), ring(150, 300, 180, 320)]
    whole = {"category": "shoes", "box": [110, 300, 180, 320], "polygon": found_whole}
    page.goto(shop.url)
    shown = page.evaluate(
        "async (garments) => (await import('/static/pairs.js')).asPairs(garments)",
        [*garments, bag, whole],
    )
    assert [(one["place"], one["box"], len(one["polygon"])) for one in shown] == [
        (1, [200, 300, 290, 320], 2),
        (2, alone, 1),
        (3, [10, 298, 105, 322], 2),
        (5, bag["box"], 0),
        (6, whole["box"], 2),
    ]


def test_no_name_covers_another_or_leaves_the_photo(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    frame = page.locator("#frame").bounding_box()
    assert frame is not None
    boxes = [name.bounding_box() for name in page.locator(".tag").all()]
    far = [page.locator(".tag", has_text=name).last.bounding_box() for name in ("Shoes", "Bag")]
    assert all(box and box["y"] > frame["y"] + 0.75 * frame["height"] for box in far)
    places = [(b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in boxes if b]
    for index, (left, top, right, bottom) in enumerate(places):
        assert frame["x"] <= left
        assert right <= frame["x"] + frame["width"]
        assert frame["y"] <= top
        assert bottom <= frame["y"] + frame["height"]
        for other in places[index + 1 :]:
            beside = right <= other[0] or other[2] <= left
            assert beside or bottom <= other[1] or other[3] <= top


def test_match_has_picture_likeness_price_and_link(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    expect_chosen(page, "Top")
    card = page.locator("#matches .card", has_text="Scarlet top")
    expect(card.locator("img")).to_be_visible()
    expect(card.locator(".price")).to_have_text("€49.50")
    assert 0.5 < float(card.locator(".score").inner_text()) <= 1
    link = card.get_by_role("link", name="In the shop")
    expect(link).to_have_attribute("href", "https://shop.example/scarlet")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_click_on_a_garment_shows_its_matches(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    before = page.locator("#matches .name").all_text_contents()
    frame = page.locator("#frame").bounding_box()
    assert frame is not None
    page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] * 0.7)
    expect_chosen(page, "Trousers")
    assert page.locator("#matches .name").all_text_contents() != before


def test_tap_on_a_phone_brings_the_matches_into_sight(
    visitor: Visitor, shop: Shop, street_photo: Path
) -> None:
    page = visitor.page(shop.url, width=390, height=700, phone=True)
    give(page, street_photo)
    page.locator("#frame").tap(position={"x": 120, "y": 200})
    expect(page.locator("#tabs")).to_be_in_viewport(ratio=1)


def test_keys_alone_reach_every_garment_and_match(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    tab(page, "Top").focus()
    page.keyboard.press("ArrowRight")
    expect_chosen(page, "Trousers")
    expect(tab(page, "Trousers")).to_be_focused()
    page.keyboard.press("End")
    expect_chosen(page, "Bag")
    page.keyboard.press("ArrowRight")
    expect_chosen(page, "Top")
    first = page.locator("#matches .open").first
    for _ in range(10):  # Words, filter, what can be chosen: then the first match.
        page.keyboard.press("Tab")
        if first.evaluate("(link) => link === document.activeElement"):
            break
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#view-product")).to_be_visible()


def test_colours_are_swatches_with_name_and_share(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    colours = page.get_by_role("list", name="Colours").first.get_by_role("listitem")
    assert [re.sub(r"\s+", " ", text) for text in colours.all_inner_texts()] == [
        "plain 75%", "white 25%",
    ]  # fmt: skip
    swatch = colours.first.locator(".swatch")
    red, green, blue = re.findall(r"\d+", swatch.evaluate("(s) => s.style.backgroundColor"))[:3]
    assert int(red) > 150 > 80 > max(int(green), int(blue))


def test_stages_and_their_times_are_told(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    told = page.locator("#timings")
    assert re.search(r"Found in \d+ ms", told.inner_text())
    assert told.locator("dt").all_inner_texts() == [
        "reading", "finding garments", "cloth from skin", "describing", "comparing",
    ]  # fmt: skip
    assert told.locator("dd").all_inner_texts()[1:3] == ["12 ms", "3 ms"]


def test_filter_narrows_the_matches(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    page.get_by_label("Only products where").fill('brand = "Bell" AND price < 20')
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#matches .card", has_text="Scarlet")).to_have_count(0)
    wait_for_matches(page)
    page.get_by_label("Only products where").fill("price > 1000")
    page.keyboard.press("Enter")
    expect(page.locator("#matches")).to_contain_text("Nothing in the shop passes this filter")


def test_filter_that_cannot_be_read_is_explained_beside_it(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    field = page.get_by_label("Only products where")
    field.fill("price <")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-trouble")).to_contain_text("The filter cannot be read")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(page.locator("#matches .card:not(.skeleton)").first).to_be_visible()
    # The next photo starts without it.
    page.set_input_files("#file", street_photo)
    wait_for_matches(page)
    expect(field).to_have_value("")


def test_progress_is_told_and_can_be_stopped(
    page: Page, street_photo: Path, shoot: Callable[[Page, str], Path]
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/search", hold)
    page.set_input_files("#file", street_photo)
    expect(page.locator("#busy")).to_contain_text("Cutting out the garments…")
    expect(page.locator("#status")).to_have_text("Cutting out the garments…")
    expect(page.locator("#matches")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#seconds")).to_have_text(re.compile(r"^([3-9]|\d\d+) s"))
    shoot(page, "busy")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Find what they are wearing.")).to_be_visible()
    for route in held:
        route.abort()


def test_another_photo_begins_again(page: Page, street_photo: Path) -> None:
    give(page, street_photo)
    page.get_by_role("button", name="Another photo").click()
    expect(page.get_by_role("heading", name="Find what they are wearing.")).to_be_focused()
    give(page, street_photo)


def test_samples_stay_away_where_the_server_has_none(own_shop: Shop, visitor: Visitor) -> None:
    folder = own_shop.services.settings.samples_dir
    assert folder is not None
    for file in folder.iterdir():
        file.unlink()
    page = visitor.page(own_shop.url)
    expect(page.locator("#standing")).to_have_text("0 products to find")
    expect(page.locator("#samples")).to_be_hidden()


def test_photo_without_a_garment_is_matched_whole(page: Page, tmp_path: Path) -> None:
    wall = tmp_path / "wall.jpg"
    wall.write_bytes(fake_jpeg((255, 255, 255)))
    give(page, wall)
    expect_chosen(page, "The whole photo")
    expect(page.locator("#details")).to_contain_text("no single garment stood out")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("size", [(240, 320), (900, 320), (320, 1400), (1600, 2400)])
def test_what_lies_below_the_photo_ends_where_it_does(
    visitor: Visitor, shop: Shop, tmp_path: Path, size: tuple[int, int], width: int
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(fake_jpeg((200, 30, 40), width=size[0], height=size[1]))
    page = visitor.page(shop.url, width=width, phone=width == 390)
    give(page, photo)
    frame, again = (page.locator(one).bounding_box() for one in ("#frame", "#again"))
    assert frame is not None
    assert again is not None
    # Its two buttons need 17rem, however narrow it is.
    right = max(frame["x"] + frame["width"], frame["x"] + 17 * 16)
    assert again["x"] + again["width"] <= right + 1
    assert abs(frame["width"] / frame["height"] - size[0] / size[1]) < 0.02 or frame["width"] == 128
