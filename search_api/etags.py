"""Whether a caller holds what it asks for already."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TAG = re.compile(r'"[^"]*"')


def is_held(etag: str, if_none_match: Iterable[str]) -> bool:
    """Whether one of these ``If-None-Match`` headers names the tag: a list, with ``W/`` or not, or ``*``.

    Compared weakly, as RFC 9110, 13.1.2 has it.
    """
    return any(value.strip() == "*" or etag in _TAG.findall(value) for value in if_none_match)
