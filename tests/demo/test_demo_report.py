from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from indexer.answer import GarmentAnswer, Match
from indexer.html_report import save_page
from indexer.ingest.report import ImportReport
from search_api.demo_judging import judge
from search_api.demo_report import PhotoResult, Summary, report_html
from segmentation.garment import NamedColour
from segmentation.html import Html
from segmentation.photo import Photo
from tests.demo.conftest import HEIGHT, WIDTH, answer_of, seen, worn
from tests.fakes import fake_photo
from tests.html_page import Page

HOSTILE = "\"><script src=//evil.example></script><img src=x onerror=alert(1)>&amp;'{{7*7}}"


def page_of(*garments: GarmentAnswer, name: str = "0001.jpg") -> Html:
    photo = fake_photo((200, 20, 30), width=WIDTH, height=HEIGHT)
    truth = [worn("shirt", "top", 5, 5, 50, 30), worn("boots", "shoes", 5, 60, 50, 78)]
    result = PhotoResult(name, photo, answer_of(*garments), judge(garments, truth))
    imported = ImportReport(3, 3, 0, 0, 0, 3, 3, {}, ())
    return report_html(
        Summary(imported, 1.5, {"segmenter": "one", "parser": "two", "embedder": "three"}),
        [result],
        photo_of=picture_of,
        titles={"shirt": "Navy shirt", "boots": "High boots"},
    )


def picture_of(product_id: str, position: int) -> Photo | None:
    return None if product_id == "bare" else fake_photo((20, 120, 30))


def titled(title: str, **fields: str) -> GarmentAnswer:
    """A seen top whose first match has this title."""
    answer = seen("top", 5, 5, 50, 30, "shirt")
    (match,) = answer.matches
    product = replace(match.product, title=title, **fields)
    return replace(answer, matches=(Match(product, 0, 0.9),))


def test_every_garment_seen_and_worn_is_in_it() -> None:
    top = seen("top", 5, 5, 50, 30, "other", "shirt", "bare", "d", "e", "f")
    page = Page(page_of(top, seen("hat", 20, 0, 30, 5)))
    assert not page.open
    headings = re.findall(r"\b(top|hat|shoes) ", page.text)
    assert {"top", "hat", "shoes"} <= set(headings)
    assert "0 of 2" in page.text
    for words in (
        "2nd",
        "not worn",
        "not seen",
        "High boots",
        "Title of shirt",
        "79.50 EUR",
        "0.89",
    ):
        assert words in page.text
    assert "Title of e" in page.text
    assert "Title of f" not in page.text
    assert "Nothing in the shop matches." in page.text
    assert "no picture" in page.text
    for stage in ("decode", "segment", "parse", "embed", "search", "total"):
        assert stage in page.text
    assert "navy" in page.text
    assert "3 now, in 1.5 s" in page.text


def test_product_that_is_worn_is_marked_and_only_it() -> None:
    html = page_of(seen("top", 5, 5, 50, 30, "other", "shirt"))
    (right,) = re.findall(r'<li class="is-right">.*?</li>', html)
    assert "Title of shirt" in right
    assert "worn" in right


def test_pictures_have_words_and_lie_in_the_file() -> None:
    page = Page(page_of(seen("top", 5, 5, 50, 30, "shirt"), seen("shoes", 5, 60, 50, 78)))
    assert len(page.all("img")) >= 3
    for image in page.all("img"):
        assert image["alt"]
        assert (image["src"] or "").startswith("data:image/jpeg;base64,")
    (drawing,) = page.all("svg")
    assert "top, shoes" in (drawing["aria-label"] or "")
    assert len(page.all("path")) == 4


def test_it_asks_no_other_host_for_anything() -> None:
    page = Page(page_of(titled(HOSTILE), name=HOSTILE))
    assert not page.all("script")
    assert not page.all("link")
    for _, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "srcset", "action", "data"):
                assert (value or "").startswith("data:image/jpeg;base64,")
            if name == "style":
                assert re.fullmatch(r"(background:#[0-9a-f]{6})|(flex-grow:[\d.]+)", value or "")
    style = page_of().partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    policy = page.all("meta")[2]["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_hostile_words_stay_words() -> None:
    garment = titled(HOSTILE, id=HOSTILE, currency=HOSTILE)
    garment = replace(
        garment, garment=replace(garment.garment, colours=(NamedColour(HOSTILE, "#112233", 1.0),))
    )
    page = Page(page_of(garment, name=HOSTILE))
    assert page.text.count(HOSTILE) >= 4
    assert not [one for one in page.all("img") if one["src"] == "x"]
    assert not page.open


def test_title_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    save_page(page_of(titled("half \ud83d a pair")), tmp_path / "report.html")
    assert "half &#55357; a pair" in (tmp_path / "report.html").read_text("utf-8")


def test_photo_matched_whole_says_so() -> None:
    page = Page(page_of(seen(None, 0, 0, 60, 80, "shirt", mask=False)))
    assert "No garment was seen, so the photo was matched whole." in page.text
