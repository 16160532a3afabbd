"""Base64 of any length is read slice by slice, and as strictly as in one piece."""

from __future__ import annotations

import base64
import random
import textwrap

import pytest

from search_api.base64_text import SLICE, from_base64

WHOLE = SLICE // 4 * 3


@pytest.mark.parametrize("size", [1, 2, 3, WHOLE - 1, WHOLE, WHOLE + 1, 2 * WHOLE + 2])
def test_a_file_comes_back_however_it_is_written(size: int) -> None:
    data = random.Random(size).randbytes(size)
    text = base64.b64encode(data).decode()
    assert from_base64(text) == data
    assert from_base64("\n".join(textwrap.wrap(text[:9000], 76)) + text[9000:]) == data
    assert from_base64(f"data:image/png;base64,{text}") == data


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AB=C",
        "AA==AAAA",
        "A" * (SLICE - 2) + "==AAAA",
        "A" * (SLICE + 1),
        "A" * SLICE + "-_==",
    ],
    ids=[
        "one",
        "padded within",
        "twice",
        "padded where slices meet",
        "one too many",
        "of addresses",
    ],
)
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base64"):
        from_base64(text)
