from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from segmentation.annotations.annotated_photo import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError
from segmentation.garment import Mask
from segmentation.training.ahead import made_ahead
from segmentation.training.data import InstanceDataset, alter_light, learned_names
from segmentation.training.ignoring import IGNORED
from segmentation.training.placement import Canvas

CANVAS = Canvas(height=128, width=96)


def _photo(folder: Path, number: int, *instances: Instance) -> AnnotatedPhoto:
    pixels = np.full((120, 90, 3), 20 * number, np.uint8)
    pixels[30:80, 20:60] = (200, 30, 30)
    path = folder / f"{number}.png"
    Image.fromarray(pixels).save(path)
    if not instances:
        cloth = np.zeros((120, 90), bool)
        cloth[30:80, 20:60] = True
        instances = (Instance("top", Mask(cloth)),)
    return AnnotatedPhoto(path, lambda: instances, frozenset({"top", "person"}))


def _dataset(folder: Path, *photos: AnnotatedPhoto, seed: int = 0) -> InstanceDataset:
    listed = photos or tuple(_photo(folder, number) for number in range(5))
    return InstanceDataset(listed, ("top", "person"), CANVAS, seed=seed)


def test_masks_and_boxes_lie_on_the_pixels_they_name(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    for index in range(5):
        image, target = dataset[index]
        assert image.shape == (3, 128, 96)
        assert image.dtype == torch.uint8
        mask = target["masks"][0].bool()
        red = image[0].int() - image[1].int() > 60
        union = (mask | red).sum()
        assert (mask & red).sum() / union > 0.9
        x0, y0, x1, y1 = (int(value) for value in target["boxes"][0])
        inside = mask[y0:y1, x0:x1]
        assert inside.sum() == mask.sum()
        assert bool(inside[0].any())
        assert bool(inside[:, -1].any())
        assert target["labels"].tolist() == [1]


def test_sample_depends_on_seed_epoch_and_photo_alone(tmp_path: Path) -> None:
    one, other = _dataset(tmp_path), _dataset(tmp_path)
    other[3]
    assert torch.equal(one[2][0], other[2][0])
    other.epoch = 1
    assert not torch.equal(one[2][0], other[2][0])
    assert not torch.equal(one[2][0], _dataset(tmp_path, seed=1)[2][0])


def test_crowds_unknown_categories_and_specks_are_not_learned(tmp_path: Path) -> None:
    cloth, speck = np.zeros((120, 90), bool), np.zeros((120, 90), bool)
    cloth[30:80, 20:60] = True
    speck[60, 40] = True
    photo = _photo(
        tmp_path,
        0,
        Instance("top", Mask(cloth), iscrowd=True),
        Instance("hat", Mask(cloth)),
        Instance("top", Mask(speck)),
        Instance("person", Mask(cloth)),
    )
    _, target = _dataset(tmp_path, photo)[0]
    assert target["labels"].tolist() == [2]
    assert torch.equal(target["ignored"], target["boxes"])


def test_photo_without_instances_is_a_sample_too(tmp_path: Path) -> None:
    empty = Instance("top", Mask(np.zeros((120, 90), bool)))
    _, target = _dataset(tmp_path, _photo(tmp_path, 0, empty))[0]
    assert target["boxes"].shape == (0, 4)
    assert target["labels"].shape == (0,)
    assert target["masks"].shape == (0, 128, 96)


def test_annotation_of_another_size_is_refused(tmp_path: Path) -> None:
    turned = Instance("top", Mask(np.ones((90, 120), bool)))
    with pytest.raises(AnnotationError, match="120×90"):
        _dataset(tmp_path, _photo(tmp_path, 0, turned))[0]


def test_batches_come_in_order_and_errors_come_through(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    order = [4, 0, 3, 1, 2]
    chunks = [order[:2], order[2:4], order[4:]]
    batches = list(made_ahead(dataset.batch, chunks))
    assert [len(targets) for _, targets in batches] == [2, 2, 1]
    images = torch.cat([images for images, _ in batches])
    for image, index in zip(images, order, strict=True):
        assert torch.equal(image, dataset[index][0])
    (tmp_path / "3.png").unlink()
    with pytest.raises(Exception, match=r"3\.png"):
        list(made_ahead(dataset.batch, chunks))


@pytest.mark.parametrize(
    ("labelled", "classes", "learned"),
    [
        (("shoes", "coat", "jeans"), ("top", "boots", "bag"), {"shoes": "boots", "coat": "top"}),
        (("t-shirt", "coat"), ("top", "bag"), {"t-shirt": "top"}),
        (("blouse",), ("top", "shirt"), {}),
        (("trousers", "chinos"), ("jeans",), {"trousers": "jeans"}),
    ],
)
def test_names_mean_the_one_class_that_they_can_mean(
    labelled: tuple[str, ...], classes: tuple[str, ...], learned: dict[str, str]
) -> None:
    found = learned_names(frozenset(labelled), classes)
    assert found == {**learned, **{name: name for name in classes}}


@pytest.mark.parametrize(
    ("drawn", "labelled", "learned", "ignored"),
    [
        ("shoes", ("shoes",), 1, 0),
        ("blouse", ("blouse",), 0, 1),
        # Who looked for all that is learned says by another name that it is none of it.
        ("blouse", ("blouse", "top", "shirt", "boots"), 0, 0),
    ],
)
def test_things_of_other_names_are_not_learned_as_background(
    drawn: str, labelled: tuple[str, ...], learned: int, ignored: int, tmp_path: Path
) -> None:
    cloth = np.zeros((120, 90), bool)
    cloth[30:80, 20:60] = True
    photo = _photo(tmp_path, 0, Instance(drawn, Mask(cloth)))
    photo = AnnotatedPhoto(photo.path, photo.read_instances, frozenset(labelled))
    dataset = InstanceDataset((photo,), ("top", "shirt", "boots"), CANVAS, seed=1)
    _, target = dataset[0]
    assert target["labels"].tolist() == [3] * learned
    assert len(target[IGNORED]) == ignored


def test_some_samples_show_two_photos_side_by_side(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    counts = []
    for epoch in range(30):
        dataset.epoch = epoch
        counts += [len(dataset[index][1]["labels"]) for index in range(5)]
    pairs = [count for count in counts if count == 2]
    assert set(counts) <= {1, 2}
    assert 5 < len(pairs) < 40


def test_light_changes_a_little_and_never_wraps_around() -> None:
    rng = np.random.default_rng(0)
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[4:] = 250
    for _ in range(50):
        altered = alter_light(rng, pixels)
        assert altered[:4].max() < 80
        assert altered[4:].min() > 150


def test_close_ups_show_what_is_learned(tmp_path: Path) -> None:
    left, right = np.zeros((120, 90), bool), np.zeros((120, 90), bool)
    left[10:30, 5:20] = True
    right[80:100, 70:85] = True
    photo = _photo(tmp_path, 0, Instance("top", Mask(left)), Instance("scarf", Mask(right)))
    dataset = InstanceDataset((photo,), ("scarf",), CANVAS, seed=0)
    shown = []
    for epoch in range(60):
        dataset.epoch = epoch
        shown.append(len(dataset[0][1]["labels"]))
    # Both lie far apart: a close-up of the top would leave the scarf out.
    assert shown.count(0) < 6
