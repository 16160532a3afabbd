"""Small files that would take a decoder very long, or very much memory, whatever their header says.

A scan of a progressive JPEG costs a pass over every coefficient and may be 23 bytes of file, so 20 MB
of scans would keep a thread for as long as anybody likes; a compressed text of a PNG, which nothing
here reads, unpacks to up to a megabyte, and Pillow keeps 64 of them.
"""

from __future__ import annotations

import re

from segmentation.errors import PhotoTooLarge

# Encoders write up to a dozen of either.
MAX_SCANS = 40
MAX_TEXTS = 16

JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"zTXt", b"iTXt")
# In a scan 0xFF is followed by 0 or by the number of a restart; more of them are filling.
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")
_SCAN, _END = 0xDA, 0xD9


def refuse_bomb(data: bytes) -> None:
    """Look at the structure of a JPEG or PNG file without unpacking anything.

    Raises:
        PhotoTooLarge: more scans or compressed texts than any encoder writes.
    """
    if data.startswith(JPEG_START) and _scans(data) > MAX_SCANS:
        raise PhotoTooLarge(f"the photo is stored in more than {MAX_SCANS} scans")
    if data.startswith(PNG_START) and _texts(data) > MAX_TEXTS:
        raise PhotoTooLarge(f"the photo holds more than {MAX_TEXTS} compressed texts")


def _scans(data: bytes) -> int:
    """The scans of a JPEG's first picture, counted up to one more than allowed."""
    scans, place = 0, len(JPEG_START)
    while scans <= MAX_SCANS and (found := _MARKER.search(data, place)):
        marker = found[1][0]
        if marker == _END:
            break
        scans += marker == _SCAN
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        place = found.end() + max(2, length)
    return scans


def _texts(data: bytes) -> int:
    """The compressed texts of a PNG, counted up to one more than allowed."""
    texts, place = 0, len(PNG_START)
    while texts <= MAX_TEXTS and place + 8 <= len(data):
        texts += data[place + 4 : place + 8] in _TEXTS
        # Length, name and check around the body.
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return texts
