"""Small files that would take a decoder very long, or very much memory, whatever their header says.

A scan of a progressive JPEG costs a pass over every coefficient and may be 23 bytes of file, so 20 MB
of scans would keep a thread for as long as anybody likes; a compressed text of a PNG, which nothing
here reads, unpacks to up to a megabyte, as a colour profile does, and Pillow keeps 64 of them. It
takes a microsecond for each segment, chunk or stray byte before a picture, and a file may be made of
millions; parts of Exif data are copied once for each that follows.
"""

from __future__ import annotations

import re

from segmentation.errors import PhotoTooLarge

# Encoders write up to a dozen of these three.
MAX_SCANS = 40
MAX_TEXTS = 16
MAX_EXIFS = 16
# A colour profile may take 255 segments. A PNG has one of these, in one chunk.
MAX_SEGMENTS = 2_000
MAX_PROFILES = 4
# 20 MB of the smallest parts that encoders cut a picture into, 8 KB, are 2,500.
MAX_CHUNKS = 20_000
# Between the segments of a JPEG's header; a few fill them up to an even place.
MAX_STRAY_BYTES = 100_000

JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"zTXt", b"iTXt")
# In a scan 0xFF is followed by 0 or by the number of a restart; more of them are filling. A `+` for
# these would take time by the square of their number.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_START, _END, _SCAN, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_EXIF = b"Exif\0\0"
# Pillow reads no length after these and goes on, even after an end of the picture.
_BARE = frozenset({_START, _END, 0xC8, *range(0xF0, 0xFE)})


def refuse_bomb(data: bytes) -> None:
    """Look at the structure of a JPEG or PNG file without unpacking anything.

    Raises:
        PhotoTooLarge: more scans, compressed texts, … than any encoder writes.
    """
    if data.startswith(JPEG_START):
        _refuse_jpeg(data)
    elif data.startswith(PNG_START):
        _refuse_png(data)


def _refuse_jpeg(data: bytes) -> None:
    """Walk the segments of a JPEG's first picture: its header as Pillow does, its scans as libjpeg."""
    scans = segments = exifs = stray = 0
    place = len(JPEG_START)
    while found := _MARKER.search(data, place):
        marker = found[1][0]
        if scans and marker == _END:
            break
        stray += 0 if scans else found.start() - place
        scans += marker == _SCAN
        segments += 1
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        exifs += marker == _APP1 and data.startswith(_EXIF, found.end() + 2)
        _refuse_more(scans, MAX_SCANS, "is stored in", "scans")
        _refuse_more(segments, MAX_SEGMENTS, "is stored in", "segments")
        _refuse_more(exifs, MAX_EXIFS, "holds", "pieces of Exif data")
        _refuse_more(stray, MAX_STRAY_BYTES, "holds", "bytes between its segments")
        bare = not scans and marker in _BARE
        place = found.end() + (0 if bare else max(2, length))
    if not scans:
        _refuse_more(len(data) - place, MAX_STRAY_BYTES, "holds", "bytes between its segments")


def _refuse_png(data: bytes) -> None:
    """Walk the chunks of a PNG up to its end."""
    chunks = texts = profiles = 0
    place = len(PNG_START)
    while place + 8 <= len(data) and (name := data[place + 4 : place + 8]) != b"IEND":
        chunks += 1
        texts += name in _TEXTS
        profiles += name == b"iCCP"
        _refuse_more(chunks, MAX_CHUNKS, "is stored in", "chunks")
        _refuse_more(texts, MAX_TEXTS, "holds", "compressed texts")
        _refuse_more(profiles, MAX_PROFILES, "holds", "colour profiles")
        # Length, name and check around the body.
        place += 12 + int.from_bytes(data[place : place + 4], "big")


def _refuse_more(count: int, most: int, verb: str, what: str) -> None:
    if count > most:
        raise PhotoTooLarge(f"the photo {verb} more than {most:,} {what}")
