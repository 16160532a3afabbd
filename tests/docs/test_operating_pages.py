"""The commands of running Garb for others, and of CLIP, on an empty shop and a small random model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.embedder import clip_source
from tests.docs.pages import Shop, open_shop, spans, typed
from tests.fakes import fake_jpeg
from tests.indexer.embedder.test_clip import TEXT, VIT, random_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, {}) as opened:
        yield opened


def test_every_command_of_operating(shop: Shop) -> None:
    page = "docs/operate.md"
    (serve,) = [line for line in typed(page) if line.startswith("garb serve")]
    with shop.serving(serve):
        lines = [line for line in spans(page) if line.startswith("garb ")]
        assert len(lines) > 7
        status, told = shop.run("garb key create first --scope admin")
        assert status == 0, told
        (key_id,) = re.findall(r"^\s*(\d+)\b", shop.run("garb key list")[1], re.MULTILINE)
        given = {"VERSION": "bundled", "NAME": "shop", " ID": f" {key_id}"}
        for placeholder, value in given.items():
            lines = [line.replace(placeholder, value) for line in lines]
        wrong = shop.wrong(page, lines)
        assert not wrong, "\n\n".join(wrong)


def test_every_command_of_clip(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's two lines say that there is no network; the third imports a model of random weights."""
    page = "docs/clip.md"
    monkeypatch.setattr(clip_source, "_hub_answers", lambda: False)
    (shop.folder / "tags.txt").write_text("sleeveless, long-sleeved\n", "utf-8")
    (shop.folder / "street.jpg").write_bytes(fake_jpeg((200, 30, 40)))
    checkpoint = random_checkpoint("garb-docs", {"vision_cfg": VIT, "text_cfg": TEXT}, shop.folder)
    shop.instead = {"ViT-B-32:/path/checkpoint.pt": f"garb-docs:{checkpoint}"}
    lines = [line for line in typed(page) if line.startswith(("garb ", "GARB_"))]
    of_the_hub = [line for line in lines if "clip:hf-hub:" in line or "/laion" in line]
    assert len(of_the_hub) == 2
    for line in of_the_hub:
        status, told = shop.run(line)
        assert status == 1, told
        assert "cannot be reached" in told
    newest = "bundled"
    for line in lines:
        if line not in of_the_hub:
            status, told = shop.run(line.replace("VERSION", newest))
            assert status == 0, f"{line}\n{told}"
            newest = (
                re.findall(r"^(clip-\S+)", told, re.MULTILINE)[-1] if "import" in line else newest
            )
    with shop.serving("garb serve"):
        wrong = shop.wrong(page, [line for line in typed(page) if line.startswith("curl ")])
        assert not wrong, "\n\n".join(wrong)
