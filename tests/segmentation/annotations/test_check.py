import json
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from segmentation.cli import register
from tests.segmentation.fake_versions import NoVersions

SHAPE = {"name": "polygon", "all_points_x": [1, 9, 1], "all_points_y": [1, 1, 9]}
NAMED = {"class": "coat"}


def _check(folder: Path, document: Any) -> tuple[int, list[dict[str, Any]]]:
    Image.new("RGB", (20, 20)).save(folder / "a.png")
    (folder / "file.json").write_text(json.dumps(document))
    app = typer.Typer()
    register(app, NoVersions())
    arguments = ["annotations", "check", str(folder / "file.json"), "--photos", str(folder)]
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def _via(*regions: tuple[Any, Any], name: str = "a.png") -> dict[str, Any]:
    listed = [{"shape_attributes": s, "region_attributes": a} for s, a in regions]
    return {"x": {"filename": name, "regions": listed}}


def test_sound_file_has_no_findings(tmp_path: Path) -> None:
    assert _check(tmp_path, _via((SHAPE, NAMED))) == (0, [])


def test_every_wrong_region_is_named(tmp_path: Path) -> None:
    document = _via(
        (SHAPE, {}),
        ({"name": "blob"}, NAMED),
        (SHAPE, NAMED),
        ({**SHAPE, "all_points_x": [1, 9], "all_points_y": [1, 1]}, NAMED),
        ({**SHAPE, "all_points_x": [1, 900, 1]}, NAMED),
    )
    code, findings = _check(tmp_path, document)
    assert code == 1
    assert [(f["file"], f["region"]) for f in findings] == [("a.png", n) for n in "0134"]
    words = ("no name", "unknown shape", "3 points", "outside")
    assert all(word in f["reason"] for word, f in zip(words, findings, strict=True))


def test_missing_photo_and_foreign_file_are_findings(tmp_path: Path) -> None:
    code, (finding,) = _check(tmp_path, _via((SHAPE, NAMED), name="gone.png"))
    assert (code, finding["file"], finding["region"]) == (1, "gone.png", None)
    assert _check(tmp_path, {"a": 1})[0] == 1


@pytest.mark.parametrize(("width", "ring", "wrong"), [(20, 6, 0), (21, 6, 1), (20, 4, 1)])
def test_coco_files_are_checked_too(tmp_path: Path, width: int, ring: int, wrong: int) -> None:
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": width, "height": 20}],
        "categories": [{"id": 1, "name": "coat"}],
        "annotations": [
            {"id": 5, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 1, 9][:ring]]}
        ],
    }
    code, findings = _check(tmp_path, document)
    assert (code, len(findings)) == (wrong, wrong)
