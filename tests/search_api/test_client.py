"""The Python client against the real application."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from search_api.client import GarbClient, GarbProblem
from tests.fakes import fake_jpeg
from tests.search_api.conftest import Server, stranger

RED, BLUE = (200, 32, 44), (35, 86, 184)


class ThroughTestClient(httpx.BaseTransport):
    """Hands requests to the application: Starlette's client is one of httpx itself."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._client.request(
            request.method, str(request.url), content=request.read(), headers=request.headers
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def garb(server: Server) -> Iterator[GarbClient]:
    for number in range(3):
        server.put(f"red {number}", (200 - number, 32, 44), price=10.0 * number, brand="Acme")
    server.put("a/blue", BLUE, price=99.0)
    with GarbClient("http://127.0.0.1:8000", transport=ThroughTestClient(server.client)) as client:
        yield client


def test_a_photo_is_searched_with_everything(garb: GarbClient, tmp_path: Path) -> None:
    photo = tmp_path / "street.jpg"
    photo.write_bytes(fake_jpeg(RED))
    (garment,) = garb.search(photo, facets=["brand"], filter="price < 50").garments
    assert (garment.category, garment.tags[-1]) == ("dress", "dress")
    assert garment.matches[0].product.id == "red 0"
    assert garment.facets["brand"]["values"] == [{"value": "Acme", "count": 3}]
    assert garment.matches[0].score == pytest.approx(1, abs=0.01)
    (blue,) = garb.search(photo.read_bytes(), k=1, words="but blue", fold=True).garments
    assert blue.matches[0].product.id == "a/blue"
    assert blue.matches[0].folded == 0
    (boxed,) = garb.search(photo, box=(10, 10, 50, 60), min_score=0.99, colour="#c8202c").garments
    assert boxed.matches
    in_base64 = base64.b64encode(photo.read_bytes()).decode()
    asked = {"k": 2, "box": (10, 10, 50, 60), "facets": ["brand"], "fold": True, "words": "blue"}
    assert garb.search(in_base64, **asked).garments == garb.search(photo, **asked).garments


def test_products_and_words(garb: GarbClient) -> None:
    assert garb.similar("a/blue", words="in red").matches[0].product.id.startswith("red")
    page = garb.find("red", k=2)
    assert len(page.matches) == 2
    assert page.next is not None
    assert len(garb.find("red", k=2, after=page.next).matches) == 1
    assert [match.product.id for match in garb.find_all("red")] == ["red 0", "red 1", "red 2"]
    garb.put_product("new", {"title": "A red one"})
    assert "new" in [match.product.id for match in garb.find_all("red")]
    garb.remove_product("new")
    assert "new" not in [match.product.id for match in garb.find_all("red")]


def test_what_was_clicked_is_told_of_its_answer(garb: GarbClient, server: Server) -> None:
    answer = garb.search(fake_jpeg(RED))
    garb.tell(answer, "shown", rank=4, garment=0)
    garb.tell(answer, "clicked", rank=1, garment=0, product_id="red 0")
    garb.tell(garb.similar("red 0"), "bought", rank=2, product_id="red 1")
    report = server.services.catalog.clicks()
    assert (report.searches, report.by_rank[0].clicked, report.by_rank[1].bought) == (2, 1, 1)


def test_problems_carry_what_the_server_says(garb: GarbClient, server: Server) -> None:
    with pytest.raises(GarbProblem, match="column") as caught:
        garb.find("red", filter="price <")
    assert (caught.value.status, caught.value.kind) == (422, "filter-invalid")
    assert caught.value.request_id
    with pytest.raises(GarbProblem) as caught:
        garb.remove_product("gone")
    assert caught.value.kind == "product-not-found"
    key = server.key("search")
    transport = ThroughTestClient(stranger(server.app))
    with (
        GarbClient("http://shop.example", transport=transport) as nobody,
        pytest.raises(GarbProblem),
    ):
        nobody.find("red")
    with GarbClient("http://shop.example", key=key, transport=transport) as client:
        assert client.find("red").matches


def test_an_answer_that_is_not_ours_is_told_by_its_status() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(502, text="<h1>Bad gateway</h1>"))
    with (
        GarbClient("http://x", transport=transport) as client,
        pytest.raises(GarbProblem, match="502"),
    ):
        client.find("red")


def test_the_client_needs_nothing_of_a_server() -> None:
    code = (
        "import sys, search_api.client\n"
        "heavy = {'torch', 'faiss', 'numpy', 'cv2', 'sqlalchemy', 'fastapi', 'indexer', 'segmentation'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
