"""Every command of the pages that a shop works by is run, on a shop of a few drawn products."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import Shop, blocks, open_shop, spans, typed
from wardrobe.draw import draw_wardrobe

# In the order that a shop meets them: what one page imports the next one searches.
PAGES = ("docs/index-your-catalog.md", "docs/match-photos.md", "docs/evaluate.md", "README.md")
# The shop's own address, and how much is drawn.
INSTEAD = {
    "curl -s https://shop.example/google.xml": "cat google.xml",
    # Which import it was, and there is a server to ask.
    r"(curl --form feed=@\S+ \S+)": r"\1 | tee started.json",
    "imports/ID": "imports/$(grep -oE '[0-9a-f]{16}' started.json | head -1)",
    "--products 200 --photos 40": "--products 6 --photos 1",
    "--products 120 --photos 6": "--products 4 --photos 1",
    "--products 40 --photos 3": "--products 4 --photos 1",
    "(this_but_red) --seed 1": r"\1 --products 6 --queries 1 --seed 1",
}
# The server runs beside them all, and a key would shut out callers that have none. `garb demo` is
# run in tests/demo, a training with the others; of the rest test_every_command says what is done.
ELSEWHERE = re.compile(r"garb (serve|key|demo|segmenter train)|(pip|make) ")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def lay_out(folder: Path) -> None:
    """The files that the pages name."""
    drawn = draw_wardrobe(folder, products=8, photos=2, seed=3)
    shutil.copy(drawn.street_photos[0], folder / "street.jpg")
    for name in ("annotations", "validation"):
        shutil.copy(drawn.annotations, folder / f"{name}.json")
    (folder / "photos").mkdir()
    for photo in drawn.street_photos:
        shutil.copy(photo, folder / "photos" / photo.name)
    first = next((folder / "images").iterdir()).name
    for name in ("4711", "d-1"):
        with drawn.products.open("a", encoding="utf-8") as file:
            columns = drawn.products.read_text("utf-8").splitlines()[0].split(",")
            told = {"id": name, "title": "Navy silk dress", "category": "dress", "price": "79.00"}
            told |= {"currency": "EUR", "image": f"images/{first}", "brand": "Acme"}
            file.write(",".join(told.get(column, "") for column in columns) + "\n")
    shutil.copy(folder / "images" / first, folder / "photos" / "e-1.jpg")
    record = {"id": "e-1", "title": "Shirt", "image": "e-1.jpg", "popularity": 3}
    (folder / "feed.jsonl").write_text(json.dumps(record) + "\n", "utf-8")
    (folder / "products_export.csv").write_text(
        "Handle,Title,Body (HTML),Vendor,Variant Price,Image Src,Image Position\n"
        f"bag,Bag,,Acme,20.00,images/{first},1\n",
        "utf-8",
    )
    (folder / "feeds").mkdir()
    (folder / "feeds" / "more.csv").write_text(
        f"id,title,image\nf-1,Hat,../images/{first}\n", "utf-8"
    )
    (folder / "google.xml").write_text(
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>g-1</g:id>'
        "<title>Coat</title><g:image_link>e-1.jpg</g:image_link></item></channel></rss>",
        "utf-8",
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    lay_out(folder)
    with open_shop(folder, INSTEAD) as opened, opened.serving("garb serve"):
        yield opened


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_does_what_it_says(shop: Shop, page: str) -> None:
    # The page before took products away.
    assert shop.run("garb catalog import products.csv")[0] == 0
    lines = [line for line in [*typed(page), *spans(page)] if not ELSEWHERE.match(line)]
    assert len(lines) >= 8
    wrong = shop.wrong(page, lines)
    assert not wrong, "\n\n".join(wrong)


def test_the_python_of_the_pages_runs(shop: Shop) -> None:
    assert shop.run("garb catalog import products.csv")[0] == 0
    (code,) = blocks("docs/match-photos.md", "python")
    finished = subprocess.run(
        [sys.executable, "-c", code.replace("127.0.0.1:8000", f"127.0.0.1:{shop.port}")],
        check=False,
        env=shop.environment,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip()
