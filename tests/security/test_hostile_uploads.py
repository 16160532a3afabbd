"""Uploads that are more than a photo: the name is ignored, and what is stored is drawn anew."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.fakes import fake_jpeg, fake_photo
from tests.search_api.conftest import PROBLEM, Server
from tests.search_api.test_import_routes import wait
from tests.security.hostile_photos import JPEG_START, segment

EVIL = b"<?php EVIL ?><script>EVIL</script>"
RED = (200, 20, 20)
BOUNDARY = b"b0undary"
STORED_NAME = re.compile(r"[0-9a-f]{64}\.jpg")
KEPT_NAME = re.compile(r"[0-9a-f]{16}\.csv")

NAMES = [
    b"../../evil.jpg",
    b"..\\..\\evil.jpg",
    b"/etc/cron.d/evil",
    b"C:\\evil.jpg",
    b"evil\x00.jpg",
    b"evil.jpg\x00.php",
    b"evil.php",
    b"evil.jpg.php",
    b".htaccess",
    b"CON",
    b"e" * 5_000 + b".jpg",
    b"%2e%2e%2fevil.jpg",
    "\u202egpj.evil".encode(),
    b"<script>evil</script>.jpg",
    b"'; DROP TABLE products; --.jpg",
    b"$(touch evil).jpg",
    b"|touch evil",
    b"..",
    b"evil\xff\xfe.jpg",
]


def exif_with_gps() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = EVIL.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)})
    return exif


def polyglots() -> dict[str, bytes]:
    """Whole photos that carry something else too."""
    jpeg, picture = fake_jpeg(RED), Image.fromarray(fake_photo(RED).pixels)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("evil.txt", EVIL)
    made = {
        "script behind the photo": jpeg + EVIL,
        "zip behind the photo": jpeg + archive.getvalue(),
        "script in a comment": JPEG_START + segment(0xFE, EVIL) + jpeg[2:],
        "script in a profile": JPEG_START + segment(0xE2, b"ICC_PROFILE\x00\x01\x01" + EVIL) + jpeg[2:],
        "script in XMP": JPEG_START
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + EVIL)
        + jpeg[2:],
    }  # fmt: skip
    text = PngInfo()
    text.add_text("Comment", EVIL.decode(), zip=False)
    text.add_itxt("XML:com.adobe.xmp", EVIL.decode())
    for kind, options in {
        "JPEG": {"exif": exif_with_gps(), "comment": EVIL},
        "PNG": {"exif": exif_with_gps(), "pnginfo": text},
        "WEBP": {"exif": exif_with_gps(), "xmp": EVIL},
    }.items():
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        assert b"EVIL" in buffer.getvalue()
        made[f"GPS in {kind}"] = buffer.getvalue()
    return made


def upload(server: Server, path: str, field: bytes, name: bytes, data: bytes) -> Any:
    """POST a file under a name of any bytes."""
    disposition = b'form-data; name="' + field + b'"; filename="' + name + b'"'
    body = b"--" + BOUNDARY + b"\r\nContent-Disposition: " + disposition
    body += b"\r\nContent-Type: image/svg+xml\r\n\r\n" + data + b"\r\n--" + BOUNDARY + b"--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    return server.client.post(path, content=body, headers=headers)


def stored_files(server: Server) -> list[Path]:
    return [
        file for file in (server.services.settings.home / "images").rglob("*") if file.is_file()
    ]


def test_there_are_25() -> None:
    assert len(NAMES) + len(polyglots()) >= 25


def test_name_of_a_photo_is_refused_or_ignored(server: Server, tmp_path: Path) -> None:
    server.put("a", RED)
    before = {file for file in tmp_path.rglob("*") if file not in stored_files(server)}
    statuses = set()
    for name in NAMES:
        answer = upload(server, "/v1/products/a/images", b"photo", name, fake_jpeg((20, 20, 200)))
        statuses.add(answer.status_code)
        if answer.status_code == 201:
            assert "evil" not in answer.text
        else:
            assert answer.headers["content-type"] == PROBLEM, name
    assert 201 in statuses
    assert all(STORED_NAME.fullmatch(file.name) for file in stored_files(server))
    after = {file for file in tmp_path.rglob("*") if file not in stored_files(server)}
    # Folders by the first characters of what they hold.
    assert all(file.is_dir() and "images" in file.parts for file in after - before)
    assert not list(tmp_path.rglob("*evil*"))


def test_name_of_a_feed_is_refused_or_ignored(server: Server, tmp_path: Path) -> None:
    for name in NAMES:
        answer = upload(server, "/v1/imports", b"feed", name, b"id,title\na,b\n")
        if answer.status_code == 202:
            assert wait(server, answer)["state"] == "done"
        else:
            assert answer.headers["content-type"] == PROBLEM, name
        kept = (server.services.settings.home / "imports").glob("*")
        assert all(KEPT_NAME.fullmatch(file.name) for file in kept), name
    assert not list(tmp_path.rglob("*evil*"))


def test_stored_photo_holds_nothing_but_the_picture(server: Server) -> None:
    server.put("a", (20, 20, 200))
    for kind, sent in polyglots().items():
        answer = upload(server, "/v1/products/a/images", b"photo", b"a.php", sent)
        assert answer.status_code == 201, kind
        photo = server.client.get(answer.json()["image"])
        assert photo.headers["content-type"] == "image/jpeg"
        assert photo.headers["x-content-type-options"] == "nosniff"
        for data in [photo.content, *(file.read_bytes() for file in stored_files(server))]:
            assert b"EVIL" not in data, kind
            with Image.open(io.BytesIO(data)) as image:
                assert image.format == "JPEG"
                assert not image.getexif()
                assert not image.info.keys() & {"exif", "icc_profile", "comment", "xmp"}
            # Nothing behind the end of the picture.
            assert data.endswith(b"\xff\xd9")
