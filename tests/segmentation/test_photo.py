import io
import resource
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from segmentation.errors import (
    PhotoError,
    PhotoFormatUnsupported,
    PhotoTooLarge,
    PhotoUnreadable,
)
from segmentation.photo import Photo, decode_photo, encode_jpeg, read_photo

FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION = 0x0112
# What a camera did to the scene: undoing it is the reader's job (EXIF 2.32, table 4).
UNDONE = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


def _blocks(width: int = 48, height: int = 32) -> npt.NDArray[np.uint8]:
    """Four different corners, in 16 px blocks that JPEG keeps apart."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[:16, :16] = (220, 40, 40)
    pixels[:16, -16:] = (40, 200, 40)
    pixels[-16:, :16] = (40, 40, 220)
    return pixels


def _encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    if kind == "JPEG":
        options = {"quality": 100, "subsampling": 0, **options}
    if kind == "WEBP":
        options = {"lossless": True, "exact": True, **options}
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _differs(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photo_is_upright_for_every_exif_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = _encoded(Image.fromarray(_blocks()), kind, exif=exif)
    photo = decode_photo(data)
    assert _differs(photo.pixels, np.ascontiguousarray(UNDONE[orientation](_blocks()))) <= 3
    # JPEG itself changes colours; turning them changes nothing more.
    straight = decode_photo(_encoded(Image.fromarray(_blocks()), kind))
    assert np.array_equal(photo.pixels, UNDONE[orientation](straight.pixels))
    assert photo.pixels.flags.c_contiguous
    assert (photo.height, photo.width) == photo.pixels.shape[:2]


def test_grey_becomes_three_equal_channels() -> None:
    grey = np.tile(np.arange(32, dtype=np.uint8) * 8, (16, 1))
    photo = decode_photo(_encoded(Image.fromarray(grey)))
    assert np.array_equal(photo.pixels, np.repeat(grey[..., None], 3, axis=2))


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    values = np.tile(np.linspace(0, 65535, 32).astype(np.uint16), (16, 1))
    photo = decode_photo(_encoded(Image.fromarray(values)))
    assert _differs(photo.pixels[..., 0], np.round(values / 257).astype(np.uint8)) <= 1
    assert photo.pixels.max() == 255


def test_cmyk_becomes_rgb() -> None:
    image = Image.fromarray(_blocks()).convert("CMYK")
    photo = decode_photo(_encoded(image, "JPEG"))
    assert _differs(photo.pixels, _blocks()) <= 6


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_is_composited_on_white(kind: str) -> None:
    rgba = np.zeros((16, 32, 4), np.uint8)
    rgba[:, :16] = (200, 0, 0, 255)
    rgba[:, 16:] = (10, 20, 30, 0)
    rgba[:8, 8:16] = (0, 0, 0, 128)
    pixels = decode_photo(_encoded(Image.fromarray(rgba), kind)).pixels
    assert tuple(pixels[12, 2]) == (200, 0, 0)
    assert tuple(pixels[12, 20]) == (255, 255, 255)
    assert abs(int(pixels[2, 10, 0]) - 127) <= 1


def test_transparent_palette_entry_is_white() -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    image.paste(0, (0, 0, 8, 16))
    pixels = decode_photo(_encoded(image, transparency=1)).pixels
    assert tuple(pixels[4, 4]) == (255, 0, 0)
    assert tuple(pixels[4, 12]) == (255, 255, 255)


def _profile_with_red_and_blue_exchanged() -> bytes:
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    entries = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("palette", [False, True])
def test_colour_profile_is_applied(palette: bool) -> None:
    image = Image.new("RGB", (16, 16), (255, 0, 0))
    if palette:
        image = image.quantize(4)
    data = _encoded(image, icc_profile=_profile_with_red_and_blue_exchanged())
    red, green, blue = (int(value) for value in decode_photo(data).pixels[5, 5])
    assert blue > 240
    assert max(red, green) < 15


def test_damaged_colour_profile_is_ignored() -> None:
    image = Image.new("RGB", (16, 16), (200, 10, 30))
    pixels = decode_photo(_encoded(image, icc_profile=b"not a profile")).pixels
    assert tuple(pixels[5, 5]) == (200, 10, 30)


def test_more_bytes_than_allowed_are_refused() -> None:
    data = _encoded(Image.fromarray(_blocks()))
    with pytest.raises(PhotoTooLarge):
        decode_photo(data, max_bytes=len(data) - 1)
    assert decode_photo(data, max_bytes=len(data)).width == 48


def test_more_pixels_than_allowed_are_refused() -> None:
    data = _encoded(Image.fromarray(_blocks()))
    with pytest.raises(PhotoTooLarge):
        decode_photo(data, max_pixels=48 * 32 - 1)
    assert decode_photo(data, max_pixels=48 * 32).width == 48


def _png_of_zeros(side: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    row = bytes(side + 1)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_bomb_is_refused_from_its_header_with_flat_memory() -> None:
    bomb = _png_of_zeros(20_000)
    assert len(bomb) < 500_000
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        with pytest.raises(PhotoTooLarge):
            decode_photo(bomb)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kib < 50_000


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_photo_is_unreadable(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = _encoded(Image.fromarray(noise), kind)
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(PhotoUnreadable):
            decode_photo(data[: int(len(data) * share)])


def test_empty_and_tiny_photos_are_unreadable() -> None:
    with pytest.raises(PhotoUnreadable):
        decode_photo(b"")
    with pytest.raises(PhotoUnreadable):
        decode_photo(_encoded(Image.new("RGB", (7, 100))))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "BMP"])
def test_other_formats_are_unsupported(kind: str) -> None:
    with pytest.raises(PhotoFormatUnsupported):
        decode_photo(_encoded(Image.fromarray(_blocks()), kind))


def test_svg_and_text_are_unsupported_and_the_error_names_the_file(tmp_path: Path) -> None:
    for name, text in (("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"), ("b.jpg", "hello")):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(PhotoFormatUnsupported, match=name):
            read_photo(path)
    with pytest.raises(PhotoUnreadable, match=r"none\.jpg"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(PhotoUnreadable):
        read_photo(tmp_path)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_bytes_raise_photo_errors_only(kind: str) -> None:
    rng = np.random.default_rng(7)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    original = _encoded(Image.fromarray(_blocks()), kind, exif=exif)
    messages = []
    for _ in range(200):
        data = bytearray(original)
        for _ in range(int(rng.integers(1, 6))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        try:
            photo = decode_photo(bytes(data), max_pixels=1_000_000)
        except PhotoError as error:
            messages.append(str(error))
        else:
            assert photo.pixels.dtype == np.uint8
            assert photo.pixels.ndim == 3
    assert messages
    assert not any("\n" in message for message in messages)


def test_encoded_photo_carries_no_metadata() -> None:
    data = encode_jpeg(Photo(_blocks()))
    with Image.open(io.BytesIO(data)) as image:
        assert not image.getexif()
        assert "icc_profile" not in image.info
    assert np.abs(decode_photo(data).pixels.astype(int) - _blocks()).mean() < 3
