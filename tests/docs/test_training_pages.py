"""Every command of the pages about models is run: on few drawn photos, small, for one epoch."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

from tests.docs.pages import Shop, open_shop, spans, typed
from wardrobe.draw import Drawn, draw_wardrobe

INSTEAD = {
    r"--products \d+ --photos \d+": "--products 8 --photos 8",
    r"--epochs \d+": "",
    r"(garb segmenter train)(?!.* extend)": r"\1 --epochs 1 --size 128 --batch 2",
    r"(garb segmenter train)(?=.* extend)": r"\1 --epochs 1 --batch 2",
    r"(garb (?:parser|embedder) train)": r"\1 --epochs 1",
    r"(benchmarks.embedder_losses)": r"\1 --epochs 1 --garments 16 --cases triplet",
}
# What two rows of data sets the figures of a page are taken on: real photos, and minutes.
ON_REAL_PHOTOS = ("python -m benchmarks.train_patterns", "python -m benchmarks.patterns")

_LOG = logging.getLogger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def lay_out(folder: Path) -> Drawn:
    """What both pages name: ImageNet's file holds random weights."""
    drawn = draw_wardrobe(folder / "drawn", products=8, photos=8, seed=3)
    torch.manual_seed(0)
    save_file(mobilenet_v2().state_dict(), folder / "imagenet.safetensors")
    return drawn


def present(drawn: Drawn, photo: str = "*") -> list[str]:
    """The garments that the label PNGs show, the largest first."""
    folder = drawn.products.parent
    names = json.loads((folder / "labels.json").read_text("utf-8"))
    maps = [np.asarray(Image.open(path)) for path in folder.glob(f"labels/{photo}.png")]
    sizes = sum(np.bincount(map_.ravel(), minlength=len(names)) for map_ in maps)
    order = np.argsort(sizes)[::-1][: np.count_nonzero(sizes)]
    return [names[i] for i in order if names[i] not in ("null", "skin", "hair")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("training")
    drawn = lay_out(folder)
    for_retraining(folder, drawn)
    for_the_models(folder, drawn)
    with open_shop(folder, INSTEAD) as opened, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GARB_IMAGENET_WEIGHTS", str(folder / "imagenet.safetensors"))
        # So bad a model is active that whatever was trained may take its place.
        bad = trained(opened, "garb segmenter train annotations.json --photos photos --init none")
        assert opened.run(f"garb segmenter activate {bad} --force")[0] == 0
        # Only versions of one size have a mean.
        opened.instead = {**INSTEAD, "average bundled": f"average {bad}"}
        yield opened


def for_retraining(folder: Path, drawn: Drawn) -> None:
    """The files of docs/retrain.md."""
    source = drawn.products.parent
    for name in ("street", "photos"):
        shutil.copytree(source / "street", folder / name)
    for name in ("shop", "images"):
        shutil.copytree(source / "images", folder / name)
    shutil.copytree(source / "labels", folder / "labels")
    shutil.copy(drawn.products, folder)
    document = json.loads(drawn.annotations.read_text("utf-8"))
    for name in ("annotations", "validation"):
        (folder / f"{name}.json").write_text(json.dumps(document), "utf-8")
    shoes = {one["id"]: one for one in document["categories"] if one["name"] == "shoes"}
    document["categories"] = [{**one, "name": "scarf"} for one in shoes.values()]
    document["annotations"] = [
        one for one in document["annotations"] if one["category_id"] in shoes
    ]
    (folder / "scarves.json").write_text(json.dumps(document), "utf-8")
    # Two garments become what the page's benchmark looks for in the labels.
    names = (source / "labels.json").read_text("utf-8")
    for new, old in zip(("scarf", "sunglasses"), present(drawn, "0007"), strict=False):
        names = names.replace(f'"{new}"', '"…"').replace(f'"{old}"', f'"{new}"')
        names = names.replace('"…"', f'"{old}"')
    (folder / "labels.json").write_text(names, "utf-8")
    # The largest alone: a photo is left out where one of its tags is not found.
    tags = {path.name: present(drawn, path.stem)[:1] for path in drawn.street_photos}
    (folder / "tags.json").write_text(json.dumps(tags), "utf-8")


def for_the_models(folder: Path, drawn: Drawn) -> None:
    """The data sets that docs/models.md names in capitals."""
    source = drawn.products.parent
    shutil.copytree(source, folder / "DATA" / "catalog")
    shutil.copytree(source, folder / "DATA" / "street")
    (folder / "DATA" / "street" / "street").rename(folder / "DATA" / "street" / "photos")
    shutil.copy(folder / "tags.json", folder / "DATA" / "street")
    # Held out, and with no labels.
    for number in range(3):
        shutil.copy(drawn.street_photos[number], folder / f"DATA/street/photos/90{number}7.jpg")
    # COCO by content, whatever they are called.
    document = json.loads(drawn.annotations.read_text("utf-8"))
    images = document["images"]
    for name, some in {"via_train": images[:-2], "via_val": images[-2:]}.items():
        text = json.dumps({**document, "images": some, "annotations": of_images(document, some)})
        (folder / "DATA" / "street" / f"{name}.json").write_text(text, "utf-8")
    (folder / "STREET").symlink_to("DATA/street")
    (folder / "CATALOG").symlink_to("DATA/catalog")
    shutil.copytree(folder / "STREET" / "photos", folder / "TAGGED" / "photos")
    for name in ("DRAWN240", "DRAWN300", "DRAWN3000", "DRAWN3001"):
        shutil.copytree(source, folder / name)


def of_images(document: dict[str, Any], images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The annotations of some of a COCO document's images."""
    ids = {image["id"] for image in images}
    return [one for one in document["annotations"] if one["image_id"] in ids]


def trained(shop: Shop, line: str) -> str:
    """The version that a training, or a mean of two, left."""
    status, told = shop.run(line)
    _LOG.info("%d %s", status, line)
    versions = re.findall(r'"version": "([^"]+)"', told) or re.findall(
        r"^(siamese-\S+): ", told, re.M
    )
    if status == 0 and versions:
        return str(versions[-1])
    pytest.fail(f"{line}\n{told[-3000:]}")


def test_every_command_of_retraining(shop: Shop) -> None:
    page = "docs/retrain.md"
    lines = typed(page)
    assert len(lines) > 20
    newest = "bundled"
    wrong = []
    for line in typed("README.md"):
        assert " train " not in line or any(one.startswith(line) for one in lines)
    for line in lines:
        named = line.replace("VERSION", newest)
        if re.match(r"garb segmenter (train|average) ", line):
            newest = trained(shop, named)
            continue
        with pytest.MonkeyPatch.context() as patch:
            if " import " in line:
                patch.setenv("GARB_HOME", str(shop.folder / "another machine"))
            wrong += shop.wrong(page, [named])
    assert not wrong, "\n\n".join(wrong)


def test_every_command_that_made_the_models(shop: Shop) -> None:
    assert shop.run("garb segmenter activate bundled --force")[0] == 0
    wrong: list[str] = []
    left: dict[str, list[str]] = {}
    places = ("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH")
    for line in typed("docs/models.md"):
        versions = left.setdefault(line.split()[1], [])
        for place, version in zip(places, versions, strict=False):
            line = line.replace(place, version)
        if " train " in line:
            versions.append(trained(shop, line))
        else:
            wrong += shop.wrong("docs/models.md", [line])
    assert {kind: len(versions) for kind, versions in left.items() if versions} == {
        "segmenter": 4,
        "parser": 3,
        "embedder": 8,
    }
    assert not wrong, "\n\n".join(wrong)


def test_every_command_that_measures_the_models(shop: Shop) -> None:
    lines = [line for line in spans("docs/models.md") if not line.startswith(ON_REAL_PHOTOS)]
    on_the_same_files = "python -m benchmarks.retrieval_baselines"
    files = f"{on_the_same_files} OUT/PRODUCTS.csv OUT/QUERIES.csv"
    lines = [files if line == on_the_same_files else line for line in lines]
    assert len(lines) > 8
    wrong = shop.wrong("docs/models.md", lines)
    assert not wrong, "\n\n".join(wrong)
