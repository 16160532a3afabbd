"""How many classes a network tells apart, from the first bytes of its weights."""

from __future__ import annotations

import json
import re
from pathlib import Path

_CLASS_SCORES = re.compile(r"(added\.\d+\.)?roi_heads\.box_predictor\.cls_score\.bias")
_MOST_HEADER_BYTES = 16 * 1024**2


def count_classes(weights: Path) -> int | None:
    """The classes but the background of all heads; None where the safetensors file does not tell.

    The file begins with the length of a JSON object and that object: tensors by name.
    """
    try:
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(min(length, _MOST_HEADER_BYTES))
        tensors = json.loads(header)
        scores = [tensors[name]["shape"][0] for name in tensors if _CLASS_SCORES.fullmatch(name)]
        return sum(score - 1 for score in scores) if scores else None
    except (OSError, ValueError, TypeError, LookupError):
        return None
