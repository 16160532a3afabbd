"""The one decoder: bytes → upright sRGB pixels. Training, catalog and uploads all read through it."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from segmentation.errors import (
    PhotoError,
    PhotoFormatUnsupported,
    PhotoTooLarge,
    PhotoUnreadable,
)
from segmentation.photo_bombs import JPEG_START, PNG_START, refuse_bomb

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE_PX = 8

Pixels = npt.NDArray[np.uint8]

_SRGB = ImageCms.createProfile("sRGB")


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """An upright photo. ``pixels``: HWC uint8 sRGB, 0–255, C-contiguous."""

    pixels: Pixels

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


def decode_photo(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Photo:
    """Decode JPEG, PNG or WebP: EXIF orientation applied, alpha on white, any mode to 8-bit sRGB.

    The pixel cap is checked on the header, before a pixel is decoded.

    Raises:
        PhotoTooLarge: more than ``max_bytes`` bytes or ``max_pixels`` pixels, or a bomb.
        PhotoFormatUnsupported: another format, or no picture at all.
        PhotoUnreadable: empty, truncated, damaged, or a side under 8 px.
    """
    if not data:
        raise PhotoUnreadable("the photo is empty (0 bytes)")
    if len(data) > max_bytes:
        raise PhotoTooLarge(f"the photo has {len(data):,} bytes; at most {max_bytes:,} are allowed")
    refuse_bomb(data)
    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd metadata; the caps below decide instead.
        warnings.simplefilter("ignore")
        image = _open(data)
        try:
            _check_size(image, max_pixels)
            return Photo(_to_srgb(image))
        except PhotoError:
            raise
        except Image.DecompressionBombError as error:
            raise PhotoTooLarge("the photo unpacks to more pixels than allowed") from error
        except Exception as error:  # Pillow raises a dozen kinds on damaged bytes.
            raise PhotoUnreadable(f"the photo cannot be decoded: {_one_line(error)}") from error
        finally:
            image.close()


def read_photo(path: Path, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read and decode a file; errors name the file. Raises as `decode_photo` does."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise PhotoUnreadable(f"{path}: {error.strerror or error}") from error
    try:
        return decode_photo(data, max_bytes=max_bytes, max_pixels=max_pixels)
    except PhotoError as error:
        raise type(error)(f"{path}: {error}") from error


def encode_jpeg(photo: Photo, *, quality: int = 90) -> bytes:
    """Re-encode without any metadata."""
    buffer = io.BytesIO()
    Image.fromarray(photo.pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        if data.startswith((JPEG_START + b"\xff", PNG_START)):
            raise PhotoUnreadable("the photo is damaged: its header cannot be read") from error
        raise PhotoFormatUnsupported("not a JPEG, PNG or WebP photo") from error
    except Image.DecompressionBombError as error:
        raise PhotoTooLarge("the photo unpacks to more pixels than allowed") from error
    except Exception as error:
        raise PhotoUnreadable(f"the photo cannot be decoded: {_one_line(error)}") from error


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise PhotoTooLarge(
            f"the photo has {width}×{height} pixels; at most {max_pixels:,} are allowed"
        )
    if min(width, height) < MIN_SIDE_PX:
        raise PhotoUnreadable(
            f"the photo is {width}×{height} px; each side must have {MIN_SIDE_PX}"
        )


def _to_srgb(image: Image.Image) -> Pixels:
    # The profile is read first: converting a mode drops it.
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        upright = _scale_16_bit(upright)
    if "transparency" in upright.info or upright.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        upright = Image.alpha_composite(white, rgba).convert("RGB")
    if profile:
        if upright.mode == "P":  # A profile is about colours, not about their numbers.
            upright = upright.convert("RGB")
        upright = _apply_profile(upright, profile)
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"), dtype=np.uint8))


def _scale_16_bit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    return Image.fromarray(np.clip(values / 257.0 + 0.5, 0, 255).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # A damaged profile is common and no reason to refuse the photo.
    return converted if converted is not None else image


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
