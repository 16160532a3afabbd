"""Files as base64, as JSON carries them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

# A multiple of 4: characters of base64 stand for bytes in fours.
SLICE = 2**20


def from_base64(text: str) -> bytes:
    """The bytes of base64, also as a data URL holds it. Raises ValueError when it is none."""
    # Slice by slice: a whole photo would keep the interpreter to itself for 0.1 s.
    packed = "".join(
        "".join(some.split()) for some in _slices(text.partition("base64,")[2] or text)
    )
    try:
        if packed.find("=", 0, -2) >= 0:
            raise ValueError("padding ends it")
        return b"".join(base64.b64decode(some, validate=True) for some in _slices(packed))
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error


def _slices(text: str) -> Iterator[str]:
    return (text[at : at + SLICE] for at in range(0, len(text), SLICE))
