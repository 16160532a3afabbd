"""Where a page of a search by words ended: the place of its last product in the order of them all.

A cursor names a place, not a count: products that come and go before it move nothing behind it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from enum import IntEnum

from segmentation.errors import GarbError

MOST_CHARACTERS = 4_000


class CursorError(GarbError):
    """What is no cursor of ours."""

    def __init__(self) -> None:
        super().__init__("after: send what the page before gave as next")


class Part(IntEnum):
    """The parts of an answer, in their order."""

    SEEN = 0  # carry the words, by how well their photos fit them
    UNSEEN = 1  # carry the words, and the embedder has seen no photo: by title
    FITTING = 2  # do not carry the words, by how well their photos fit them


@dataclass(frozen=True, slots=True)
class Cursor:
    """``key``: the score in SEEN and FITTING, the title in UNSEEN; ties go by product id."""

    part: Part
    key: float | str
    product_id: str

    @property
    def score(self) -> float:
        """The score of a part that goes by score."""
        assert isinstance(self.key, float)
        return self.key

    @property
    def title(self) -> str:
        """The title of the part that goes by title."""
        assert isinstance(self.key, str)
        return self.key

    def __str__(self) -> str:
        data = json.dumps([self.part, self.key, self.product_id], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_cursor(text: str) -> Cursor:
    """``str`` of a cursor, back.

    Raises:
        CursorError: it is none.
    """
    try:
        if len(text) > MOST_CHARACTERS:
            raise CursorError
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        number, key, product_id = json.loads(data)
        part = Part(number)
        known = str if part is Part.UNSEEN else float
        if not isinstance(key, known) or not isinstance(product_id, str):
            raise CursorError
        for one in (key, product_id):
            if isinstance(one, str):
                one.encode()
        if "\x00" in f"{key}{product_id}" or (isinstance(key, float) and not math.isfinite(key)):
            raise CursorError
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise CursorError from error
    return Cursor(part, key, product_id)
