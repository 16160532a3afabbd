"""Where a page of a search by words ended: the place of its last product in the order of them all.

A cursor names a place, not a count: products that come and go before it move nothing behind it.
The place is one in the order of one embedder; another's scores would repeat products or leave them out.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass
from enum import IntEnum

from segmentation.errors import GarbError

MOST_CHARACTERS = 4_500


class CursorError(GarbError):
    """What is no cursor of ours, or no longer one."""

    def __init__(self, message: str = "after: send what the page before gave as next") -> None:
        super().__init__(message)


class Part(IntEnum):
    """The parts of an answer, in their order."""

    SEEN = 0  # carry the words, by how well their photos fit them
    UNSEEN = 1  # carry the words, and the embedder has seen no photo: by title
    FITTING = 2  # do not carry the words, by how well their photos fit them


@dataclass(frozen=True, slots=True)
class Cursor:
    """``key``: the score in SEEN and FITTING, the title in UNSEEN; ties go by product id.

    ``embedder``: the version whose order it is.
    """

    part: Part
    key: float | str
    product_id: str
    embedder: str

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
        data = json.dumps(
            [self.part, self.key, self.product_id, self.embedder], ensure_ascii=False
        ).encode()
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
        number, key, product_id, embedder = json.loads(data)
        part = Part(number)
        known = str if part is Part.UNSEEN else float
        texts = (product_id, embedder, *([key] if known is str else []))
        if not isinstance(key, known) or not all(isinstance(text, str) for text in texts):
            raise CursorError
        # Half a surrogate pair is no text either: it does not encode.
        if b"\x00" in "".join(texts).encode() or (
            isinstance(key, float) and not math.isfinite(key)
        ):
            raise CursorError
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise CursorError from error
    return Cursor(part, key, product_id, embedder)
