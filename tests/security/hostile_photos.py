"""Files that claim to be photos: drawn ones mutated by a seed, damaged ones by hand, and bombs."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP")
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
COMMENT = b"\xff\xfe\x00\x05abc"
PNG_START = b"\x89PNG\r\n\x1a\n"
EXTREMES = (b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\xff\xff")

Pixels = npt.NDArray[np.uint8]


def encoded(pixels: Pixels, kind: str, **options: object) -> bytes:
    """A picture file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def originals(pixels: Pixels) -> dict[str, list[bytes]]:
    """Every kind of file that is read: plain, progressive, interlaced, lossless, with EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    palette = io.BytesIO()
    Image.fromarray(pixels).quantize(64).save(palette, "PNG")
    return {
        "JPEG": [
            encoded(pixels, "JPEG", exif=exif),
            encoded(pixels, "JPEG", progressive=True, optimize=True),
        ],
        "PNG": [encoded(pixels, "PNG", exif=exif), palette.getvalue()],
        "WEBP": [
            encoded(pixels, "WEBP", exif=exif),
            encoded(pixels, "WEBP", lossless=True),
        ],
    }


def mutants(files: list[bytes], count: int, *, seed: int) -> Iterator[bytes]:
    """``count`` files, each damaged in one to three ways."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        data = bytearray(files[number % len(files)])
        for _ in range(int(rng.integers(1, 4))):
            mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
            mutation(data, rng)
        yield bytes(data)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Half of all damage goes into the first 200 bytes, where the headers are."""
    reach = min(len(data), 200) if rng.integers(2) else len(data)
    return int(rng.integers(max(1, reach)))


def _flip_bits(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 20))):
        if data:
            data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _overwrite(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    data[start : start + 16] = rng.bytes(min(16, len(data) - start))


def _extreme(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    data[start : start + 4] = EXTREMES[int(rng.integers(len(EXTREMES)))]


def _cut_off(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) :]


def _leave_out(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    del data[start : start + int(rng.integers(1, 64))]


def _insert(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    data[start:start] = rng.bytes(int(rng.integers(1, 64)))


def _repeat(data: bytearray, rng: np.random.Generator) -> None:
    start = _place(data, rng)
    data[start:start] = data[start : start + int(rng.integers(1, 4096))]


MUTATIONS: tuple[Callable[[bytearray, np.random.Generator], None], ...] = (
    _flip_bits, _overwrite, _extreme, _cut_off, _leave_out, _insert, _repeat,
)  # fmt: skip


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def chunk(kind: bytes, body: bytes, *, check: int | None = None) -> bytes:
    """A PNG chunk; ``check``: another CRC than its own."""
    crc = zlib.crc32(kind + body) if check is None else check
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def header(
    width: int, height: int, *, depth: int = 8, colour: int = 2, interlace: int = 0
) -> bytes:
    """IHDR."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def png(*chunks: bytes) -> bytes:
    return PNG_START + b"".join(chunks) + chunk(b"IEND", b"")


def rows(width: int, height: int, channels: int = 3) -> bytes:
    """IDAT of a black picture."""
    return chunk(b"IDAT", zlib.compress(bytes((width * channels + 1) * height), 9))


def riff(*chunks: tuple[bytes, bytes], size: int | None = None) -> bytes:
    """A WebP container; ``size``: another one than its own."""
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)
        for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def canvas(width: int, height: int, flags: int) -> tuple[bytes, bytes]:
    """VP8X."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes((flags, 0, 0, 0)) + sides


def frame(
    width: int, height: int, *, components: int = 3, sampling: int = 0x11, bits: int = 8
) -> bytes:
    """The body of SOF."""
    named = b"".join(bytes((number + 1, sampling, 0)) for number in range(components))
    return struct.pack(">BHHB", bits, height, width, components) + named


def tables(jpeg: bytes) -> bytes:
    """A JPEG's DQT and DHT segments."""
    found, place = b"", 2
    while jpeg[place + 1] != 0xDA:
        length = 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if jpeg[place + 1] in (0xDB, 0xC4):
            found += jpeg[place : place + length]
        place += length
    return found


def hand_made(pixels: Pixels) -> dict[str, bytes]:
    """Files that no reader should take, by what is wrong with them."""
    jpeg = encoded(pixels, "JPEG")
    lossy, lossless = encoded(pixels, "WEBP"), encoded(pixels, "WEBP", lossless=True)
    start, known = JPEG_START, tables(jpeg)
    scan = segment(0xDA, b"\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00")
    vp8, vp8l = lossy[20:], lossless[20:]
    black = zlib.compress(bytes(97 * 32))
    rgb = header(32, 32)
    return {
        "jpeg: start only": start,
        "jpeg: start and end": start + JPEG_END,
        "jpeg: no frame": start + known + scan + JPEG_END,
        "jpeg: no tables": start + segment(0xC0, frame(32, 32)) + scan + bytes(99) + JPEG_END,
        "jpeg: no height": start + known + segment(0xC0, frame(32, 0)) + scan + JPEG_END,
        "jpeg: no width": start + known + segment(0xC0, frame(0, 32)) + scan + JPEG_END,
        "jpeg: no components": start + known + segment(0xC0, frame(32, 32, components=0)),
        "jpeg: 85 components": start + known + segment(0xC0, frame(32, 32, components=85)) + scan,
        "jpeg: no sampling": start + known + segment(0xC0, frame(32, 32, sampling=0)) + scan,
        "jpeg: sampling 15": start + known + segment(0xC0, frame(32, 32, sampling=0xFF)) + scan,
        "jpeg: 255 bits": start + known + segment(0xC0, frame(32, 32, bits=255)) + scan,
        "jpeg: lossless process": start + known + segment(0xC3, frame(32, 32)) + scan + bytes(99),
        "jpeg: hierarchical process": start + known + segment(0xC5, frame(32, 32)) + scan,
        "jpeg: reserved process": start + known + segment(0xC8, frame(32, 32)) + scan,
        "jpeg: frame cut short": start + known + segment(0xC0, frame(32, 32)[:4]),
        "jpeg: scan of unknown parts": start
        + known
        + segment(0xC0, frame(32, 32))
        + segment(0xDA, b"\x03\x07\x00\x08\x11\x09\x11\x00\x3f\x00")
        + bytes(99),
        "jpeg: segment past the end": start + b"\xff\xe1\xff\xff" + b"Exif\x00\x00",
        "jpeg: overfull code table": start + segment(0xC4, b"\x00" + b"\xff" * 16 + bytes(99)),
        "jpeg: half of it": jpeg[: len(jpeg) // 2],
        "jpeg: only markers": b"\xff\xd8\xff" * 999,
        "jpeg: text after the start": start + b"\xff" + b"GET / HTTP/1.1\r\n" * 9,
        "png: signature only": PNG_START,
        "png: end only": png(),
        "png: rows before the header": png(rows(32, 32), rgb),
        "png: no rows": png(rgb),
        "png: empty rows": png(rgb, chunk(b"IDAT", b"")),
        "png: rows that are no zlib": png(rgb, chunk(b"IDAT", b"no zlib at all")),
        "png: rows cut short": png(rgb, chunk(b"IDAT", black[: len(black) // 2])),
        "png: rows of an unknown filter": png(rgb, chunk(b"IDAT", zlib.compress(b"\x09" * 97 * 32))),
        "png: no width": png(header(0, 32), rows(32, 32)),
        "png: no height": png(header(32, 0), rows(32, 32)),
        "png: 3 bits": png(header(32, 32, depth=3), rows(32, 32)),
        "png: colour type 5": png(header(32, 32, colour=5), rows(32, 32)),
        "png: header cut short": PNG_START + chunk(b"IHDR", b"\x00\x00\x00\x20"),
        "png: header's check is wrong": PNG_START
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0), check=1)
        + rows(32, 32),
        "png: chunk past the end": PNG_START + rgb + b"\xff\xff\xff\xffIDAT",
        "png: chunk of another alphabet": PNG_START + rgb + chunk(b"\x00\x01\x02\x03", b"") + b"\x00",
        "png: profile that inflates": png(rgb, _inflating(b"iCCP", b"p\x00\x00"), rows(32, 32)),
        "png: text that inflates": png(rgb, _inflating(b"zTXt", b"t\x00\x00"), rows(32, 32)),
        "png: one pixel": png(header(1, 1), rows(1, 1)),
        "webp: container only": riff(),
        "webp: no size": riff(size=0),
        "webp: unknown part": riff((b"NOPE", bytes(64))),
        "webp: canvas without a picture": riff(canvas(64, 64, 0)),
        "webp: animation without frames": riff(canvas(64, 64, 2), (b"ANIM", bytes(6))),
        "webp: frame off its canvas": riff(
            canvas(64, 64, 2), (b"ANIM", bytes(6)), (b"ANMF", b"\xff" * 16 + vp8[:200])
        ),
        "webp: alpha alone": riff(canvas(64, 64, 16), (b"ALPH", bytes(64))),
        "webp: lossy without its code": riff((b"VP8 ", b"\x00" * 64)),
        "webp: lossy cut short": riff((b"VP8 ", vp8[: len(vp8) // 2])),
        "webp: lossless without its code": riff((b"VP8L", b"\x00" * 64)),
        "webp: lossless cut short": riff((b"VP8L", vp8l[: len(vp8l) // 2])),
        "gif": encoded(pixels, "GIF"),
        "tiff": encoded(pixels, "TIFF"),
        "bmp": encoded(pixels, "BMP"),
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
        "avif": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf" + bytes(64),
        "zip": b"PK\x03\x04" + bytes(60),
        "zeros": bytes(10_000),
    }  # fmt: skip


def _inflating(kind: bytes, before: bytes, megabytes: int = 8) -> bytes:
    return chunk(kind, before + zlib.compress(bytes(megabytes * 1024 * 1024), 9))


def bombs() -> dict[str, bytes]:
    """Small files that would unpack to very much, or take very long."""
    grey = encoded(np.full((16, 16, 3), 90, np.uint8), "JPEG")
    rgb = header(32, 32)
    made = {}
    # Just above the cap, far above it, as large as the format can say.
    for width, height in ((7072, 7072), (20_000, 20_000), (65_000, 65_000), (2**31 - 1, 1)):
        made[f"png: {width}×{height}"] = png(header(width, height), rows(64, 64))
        made[f"png: {width}×{height}, interlaced"] = png(
            header(width, height, interlace=1), rows(64, 64)
        )
    made["png: 8,000×8,000, all rows"] = png(header(8_000, 8_000, colour=0), rows(8_000, 8_000, 1))
    made["png: 1 bit, 60,000×60,000"] = png(header(60_000, 60_000, depth=1, colour=0), rows(9, 9))
    made["png: 16 bits, 9,000×9,000"] = png(header(9_000, 9_000, depth=16), rows(9, 9))
    for width, height in ((7072, 7072), (20_000, 20_000), (65_500, 65_500), (65_500, 1_000)):
        for name, marker in (("jpeg", 0xC0), ("progressive jpeg", 0xC2)):
            place = grey.index(b"\xff\xc0")
            length = 2 + int.from_bytes(grey[place + 2 : place + 4], "big")
            sized = grey[:place] + segment(marker, frame(width, height)) + grey[place + length :]
            made[f"{name}: {width}×{height}"] = sized
    made["jpeg: 500 scans"] = scanned_again(500)
    made["jpeg: 400,000 scans"] = scanned_again(400_000)
    for width, height in ((7072, 7072), (16_384, 16_384)):
        lossless = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(32)
        made[f"webp: {width}×{height}, lossless"] = riff((b"VP8L", lossless))
        made[f"webp: {width}×{height}, animated"] = riff(
            canvas(width, height, 2), (b"ANIM", bytes(6)), (b"ANMF", bytes(16) + b"VP8L" + lossless)
        )
    made["png: profile of 96 MB"] = png(rgb, _inflating(b"iCCP", b"p\x00\x00", 96), rows(32, 32))
    made["png: text of 96 MB"] = png(rgb, _inflating(b"zTXt", b"t\x00\x00", 96), rows(32, 32))
    text = chunk(b"zTXt", b"t\x00\x00" + zlib.compress(bytes(1_000_000), 9))
    made["png: 60 texts of 1 MB"] = png(rgb, text * 60, rows(32, 32))
    made["png: 5,000 texts of 1 MB"] = png(rgb, text * 5_000, rows(32, 32))
    words = chunk(b"iTXt", b"t\x00\x01\x00\x00\x00" + zlib.compress(bytes(1_000_000), 9))
    made["png: 60 texts of 1 MB in any alphabet"] = png(rgb, words * 60, rows(32, 32))
    profile = chunk(b"iCCP", b"p\x00\x00" + zlib.compress(bytes(1_000_000), 9))
    made["png: 10,000 profiles of 1 MB"] = png(rgb, profile * 10_000, rows(32, 32))
    made["png: 1.6 million chunks"] = png(rgb, chunk(b"abCd", b"") * 1_600_000, rows(32, 32))
    made |= {f"jpeg: {name}": JPEG_START + many + grey[2:] for name, many in _headers().items()}
    made["jpeg: 2.9 million comments after its scan"] = grey[:-2] + COMMENT * 2_900_000 + JPEG_END
    made["jpeg: comments without a picture"] = JPEG_START + COMMENT * 2_900_000
    return made


def _headers() -> dict[str, bytes]:
    """What makes a JPEG's header long."""
    return {
        "500,000 pieces of Exif data": segment(0xE1, b"Exif\0\0MM\0*") * 500_000,
        "2.9 million comments": COMMENT * 2_900_000,
        "2.9 million comments after an end": JPEG_END + COMMENT * 2_900_000,
        "comments as the length of a start": (JPEG_START + COMMENT * 10_000) * 290,
        "10 million starts": JPEG_START * 9_900_000,
        "20 MB of zeros": COMMENT + bytes(20_000_000),
        "20 MB of filling": b"\xff" * 20_000_000,
    }


def scanned_again(scans: int, side: int = 1_000) -> bytes:
    """A progressive picture whose last scan comes as often again: one more pass over all of it."""
    whole = encoded(np.full((side, side), 90, np.uint8), "JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * scans + JPEG_END
