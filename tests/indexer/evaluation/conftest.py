from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import fake_png

COLOURS = {"a": (200, 30, 40), "b": (30, 190, 60), "c": (20, 40, 200), "d": (190, 90, 30)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four products and four queries: of three the product, and one that asks for the wrong one."""
    for name, colour in COLOURS.items():
        (tmp_path / f"{name}.png").write_bytes(fake_png(colour))
        (tmp_path / f"street-{name}.png").write_bytes(fake_png(colour, width=90, height=70))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    products = "id,image,title\n" + "".join(f"{name},{name}.png,A title\n" for name in COLOURS)
    (tmp_path / "products.csv").write_text(products)
    queries = "image,product,category,view\n"
    queries += "".join(f"street-{name}.png,{name},,front\n" for name in "abc")
    (tmp_path / "queries.csv").write_text(queries + "street-d.png,a,dress,back\n")
    return tmp_path
