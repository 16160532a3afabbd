from __future__ import annotations

from pathlib import Path

import pytest

from indexer.settings import MERGE_FROM, Settings, SettingsError
from segmentation.execution import Profile


def test_everything_lies_under_garb_home_unless_told_otherwise(tmp_path: Path) -> None:
    settings = Settings.from_env({"GARB_HOME": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/garb.db"
    assert settings.models_dir == tmp_path / "models"
    assert settings.images_url == str(tmp_path / "images")
    assert settings.snapshot_dir == tmp_path / "index"
    assert settings.threads >= 1
    assert settings.merge_from == MERGE_FROM
    assert settings.profile is Profile.DEFAULT
    assert (settings.samples_dir, settings.tags_file) == (None, None)
    assert (settings.photo_networks, settings.photo_stores) == ((), ())


def test_home_is_var_by_default_and_variables_override() -> None:
    settings = Settings.from_env(
        {
            "GARB_DATABASE_URL": "postgresql://db/garb",
            "GARB_MODELS": "/shared/models",
            "GARB_IMAGES": "s3://bucket/images",
            "GARB_THREADS": "3",
            "GARB_MERGE_FROM": "1000",
            "GARB_PROFILE": "fast",
            "GARB_SAMPLES": "samples",
            "GARB_TAGS": "tags.txt",
            "GARB_PHOTO_NETWORKS": "10.0.0.0/8, fd00::/8,192.168.1.5",
            "GARB_PHOTO_STORES": "s3://shop/photos",
        }
    )
    assert settings.home == Path("var").absolute()
    assert settings.database_url == "postgresql://db/garb"
    assert settings.models_dir == Path("/shared/models")
    assert settings.images_url == "s3://bucket/images"
    assert settings.threads == 3
    assert settings.merge_from == 1_000
    assert settings.profile is Profile.FAST
    assert settings.samples_dir == Path("samples").absolute()
    assert settings.tags_file == Path("tags.txt").absolute()
    assert list(map(str, settings.photo_networks)) == ["10.0.0.0/8", "fd00::/8", "192.168.1.5/32"]
    assert settings.photo_stores == ("s3://shop/photos",)


@pytest.mark.parametrize("name", ["GARB_THREADS", "GARB_MERGE_FROM"])
@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_numbers_that_are_no_count_are_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("GARB_PROFILE", "quick"),
        ("GARB_PHOTO_NETWORKS", "10.0.0.1/8"),
        ("GARB_PHOTO_NETWORKS", "everything"),
        ("GARB_PHOTO_STORES", "/srv/photos"),
    ],
)
def test_what_cannot_be_understood_is_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: text})
