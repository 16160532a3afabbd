"""What the parser learns best by: head, adversarial loss, classes and background, side by side.

Every case trains from ImageNet's weights on the same street photos, in the same order, for as many
steps; steps and seed are in its line. It is then measured on all held-out photos (names that end in
7) by the whole road, with the person that the segmenter predicts, its classes merged to the four; on
the quarter of them whose clothes are most like what lies beside them; and on the quarter whose
background is sharpest. One line a case; `report.html` and `table.md` in ``--out`` show all that are
there.

    python -m benchmarks.parser_comparison --photos DIR --labels DIR [--cases grey,picture] [--epochs N]
        [--batch N] [--most-photos N] [--whole] [--out DIR]

``--whole``: the network sees the whole photo at 512×768 instead of the person at 192×512, which has a
quarter of the pixels. A case that was stopped goes on, a finished one is not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.parser_difficulty import Difficulty, difficulty_of
from benchmarks.parser_report import markdown_table, write_comparison, write_picture
from indexer.bootstrap import open_models
from indexer.settings import Settings
from segmentation.annotations.label_png import LabelMap, LabelPair, list_label_pairs, read_label_map
from segmentation.annotations.read import label_names
from segmentation.evaluation.held_out import split
from segmentation.evaluation.parsing import Counts, confusion_matrix, figures_of
from segmentation.evaluation.road import merging_table, predicted_person
from segmentation.execution import Execution, Profile
from segmentation.garment import Mask
from segmentation.graph import load_graph
from segmentation.labels import LabelSet, lookup_table, parser_label_set
from segmentation.mask_rcnn.background import Background
from segmentation.mask_rcnn.predict import MaskRCNNPredictor
from segmentation.models import ModelKind, ModelStore, ModelVersion
from segmentation.photo import Photo, Pixels, read_photo
from segmentation.pix2pix.crop import (
    WHOLE_PHOTO_MARGIN,
    CropRecipe,
    cut_pixels,
    frame_person,
    person_kept,
    to_tensor,
)
from segmentation.pix2pix.losses import GanObjective
from segmentation.pix2pix.palette import Head, paint_labels
from segmentation.pix2pix.predict import INPUT, OUTPUT, PersonParser, as_pixels
from segmentation.training.imagenet import mobilenet_features
from segmentation.training.person_crops import batches_of
from segmentation.training.pix2pix import ParserProgress, ParserRecipe, TrainedParser, train_parser


@dataclass(frozen=True, slots=True)
class Case:
    """One way to train the parser."""

    classes: int = 4
    head: Head = Head.PROBABILITIES
    adversarial: bool = True
    background: Background = Background.GREY
    seed: int = 0
    share_of_rate: float = 1.0

    def recipe(self, arguments: argparse.Namespace) -> ParserRecipe:
        """Garb's own where the case does not say otherwise; a picture's losses are the paper's."""
        crop = WHOLE_PHOTO if arguments.whole else CropRecipe()
        recipe = ParserRecipe(
            epochs=arguments.epochs,
            batch=arguments.batch,
            seed=self.seed,
            head=self.head,
            crop=replace(crop, background=self.background),
        )
        recipe = replace(recipe, learning_rate=self.share_of_rate * recipe.learning_rate)
        if self.head == Head.PICTURE:
            # λ = 100 times the L1 distance beside the discriminator's cross entropy, throughout.
            recipe = replace(
                recipe,
                adversarial_weight=0.01,
                adversarial_from=0.0,
                objective=GanObjective.BCE,
            )
        return recipe if self.adversarial else replace(recipe, adversarial_weight=0.0)


CASES = {
    "grey": Case(),
    "no-adversarial": Case(adversarial=False),
    # At the full rate a picture showed no skin and no hair after 150 steps.
    "picture": Case(head=Head.PICTURE, share_of_rate=0.25),
    "picture-no-adversarial": Case(head=Head.PICTURE, share_of_rate=0.25, adversarial=False),
    "picture-full-rate": Case(head=Head.PICTURE),
    "none": Case(background=Background.NONE),
    "black": Case(background=Background.BLACK),
    "white": Case(background=Background.WHITE),
    "classes-29": Case(classes=29),
    "classes-59": Case(classes=59),
    "another-seed": Case(seed=1),
    "picture-59": Case(head=Head.PICTURE, share_of_rate=0.25, classes=59),
}
RESULT = "result.json"
SHOWN = 4  # photos of each hard kind
WHOLE_PHOTO = CropRecipe(width_px=512, height_px=768, margin=WHOLE_PHOTO_MARGIN)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A held-out photo, who is found in it (the photo's size; None: nobody), and how hard it is."""

    pair: LabelPair
    person: Mask | None
    difficulty: Difficulty


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    names = label_names(arguments.labels, None)
    kept, held_out = split(list_label_pairs(arguments.photos, arguments.labels))
    learned = spread(kept, arguments.most_photos)
    photos = look_at(held_out, names)
    groups = groups_of(photos)
    shown = groups["alike"][:SHOWN] + groups["sharp"][:SHOWN]
    for name in arguments.cases.split(","):
        folder = arguments.out / name
        result = folder / RESULT
        told = what_is_trained(name, CASES[name].recipe(arguments), len(learned))
        if result.is_file():
            if not told.items() <= json.loads(result.read_text("utf-8")).items():
                raise SystemExit(f"{result} is of other options: remove it or name another --out")
        else:
            trained = train_case(CASES[name], learned, names, folder, arguments)
            # One that was written when the measuring was stopped.
            shutil.rmtree(arguments.out / ModelKind.PARSER / name, ignore_errors=True)
            version = ModelStore(arguments.out, {}).create(
                ModelKind.PARSER, name, write=trained.write, card=trained.card()
            )
            figures = measure(PersonParser(version), photos, names, groups)
            save_pictures(version, [one for one in photos if one.pair.stem in shown], folder)
            result.write_text(json.dumps({**told, **figures}), "utf-8")
        print(result.read_text("utf-8"), flush=True)
    files = [arguments.out / name / RESULT for name in CASES]
    lines = [json.loads(file.read_text("utf-8")) for file in files if file.is_file()]
    (arguments.out / "table.md").write_text(markdown_table(lines), "utf-8")
    write_comparison(
        arguments.out / "report.html",
        lines,
        folder=arguments.out,
        shown=[one.pair for one in photos if one.pair.stem in shown],
        names=names,
    )


def look_at(pairs: Sequence[LabelPair], names: Sequence[str]) -> list[HeldOut]:
    """Find the persons once for all cases."""
    segmenter = MaskRCNNPredictor(open_models(Settings.from_env()).get(ModelKind.SEGMENTER))
    four = parser_label_set(4)
    table = lookup_table(names, four)
    found = []
    for pair in pairs:
        photo = read_photo(pair.path)
        difficulty = difficulty_of(
            photo,
            table[read_label_map(pair.label_path)],
            background=0,
            clothes=four.classes.index("clothes"),
        )
        found.append(HeldOut(pair, predicted_person(segmenter, photo), difficulty))
    return found


def groups_of(photos: Sequence[HeldOut]) -> dict[str, list[str]]:
    """Photos by name: all, and the hardest quarters, the hardest first."""
    quarter = max(1, len(photos) // 4)
    bordered = [one for one in photos if one.difficulty.contrast is not None]
    alike = sorted(bordered, key=lambda one: one.difficulty.contrast or 0.0)[:quarter]
    sharp = sorted(photos, key=lambda one: -one.difficulty.sharpness)[:quarter]
    groups = {"all": photos, "alike": alike, "sharp": sharp}
    return {name: [one.pair.stem for one in group] for name, group in groups.items()}


def train_case(
    case: Case,
    pairs: Sequence[LabelPair],
    names: Sequence[str],
    folder: Path,
    arguments: argparse.Namespace,
) -> TrainedParser:
    """Goes on where it was stopped."""

    def tell(progress: ParserProgress) -> None:
        print(f"{folder.name} {progress.step}/{progress.steps}", progress.losses, file=sys.stderr)

    return train_parser(
        pairs=pairs,
        names=names,
        label_set=parser_label_set(case.classes),
        work_dir=folder,
        recipe=case.recipe(arguments),
        imagenet=mobilenet_features(),
        on_progress=tell,
    )


def measure(
    parser: PersonParser,
    photos: Sequence[HeldOut],
    names: Sequence[str],
    groups: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Figures of the classes merged to four, a group each, and of the parser's own classes."""
    own, four = parser_label_set(len(parser.classes)), parser_label_set(4)
    merged = merging_table(parser.classes, four)
    own_total = np.zeros((len(own.classes), len(own.classes)), np.int64)
    by_photo: dict[str, Counts] = {}
    seconds = 0.0
    for one in photos:
        photo, numbers = read_photo(one.pair.path), read_label_map(one.pair.label_path)
        started = time.perf_counter()
        predicted = parser.label_map(photo, one.person) if one.person else np.zeros_like(numbers)
        seconds += time.perf_counter() - started
        own_total += _confusion(numbers, predicted, names, own)
        by_photo[one.pair.stem] = _confusion(numbers, merged[predicted], names, four)

    def figures(total: Counts, classes: Sequence[str], count: int) -> dict[str, Any]:
        return figures_of(total, classes=classes, photos=count, seconds=seconds).as_json()

    line: dict[str, Any] = {"own": figures(own_total, own.classes, len(photos))}
    for name, stems in groups.items():
        total = np.sum([by_photo[stem] for stem in stems], axis=0)
        line[name] = figures(total, four.classes, len(stems))
    return line


def _confusion(
    numbers: LabelMap, predicted: LabelMap, names: Sequence[str], of: LabelSet
) -> Counts:
    return confusion_matrix(lookup_table(names, of)[numbers], predicted, classes=len(of.classes))


def what_is_trained(name: str, recipe: ParserRecipe, photos: int) -> dict[str, Any]:
    """The first part of the case's line."""
    return {
        "case": name,
        "head": recipe.head.value,
        "adversarial": recipe.adversarial_weight > 0,
        "background": recipe.crop.background.name.lower(),
        "size": f"{recipe.crop.width_px}×{recipe.crop.height_px}",
        "seed": recipe.seed,
        "photos": photos,
        "steps": batches_of(photos, recipe.batch) * recipe.epochs,
        "batch": recipe.batch,
    }


def save_pictures(version: ModelVersion, photos: Sequence[HeldOut], folder: Path) -> None:
    """The four classes of a few photos in palette colours; of a picture head what it painted, too."""
    parser = PersonParser(version)
    merged = merging_table(parser.classes, parser_label_set(4))
    for one in photos:
        photo = read_photo(one.pair.path)
        if one.person is None:
            continue
        painted = paint_labels(merged[parser.label_map(photo, one.person)], classes=4)
        write_picture(folder / f"{one.pair.stem}.png", painted)
        if version.card["head"] == Head.PICTURE:
            picture = painted_by(version, photo, one.person)
            write_picture(folder / f"{one.pair.stem}-painted.png", picture)


def painted_by(version: ModelVersion, photo: Photo, person: Mask) -> Pixels:
    """The picture that a picture head gives for a photo's person, HWC uint8 of the graph's size."""
    recipe = CropRecipe.from_card(version.card["preprocessing"])
    frame = frame_person(person.box(), width=photo.width, height=photo.height, recipe=recipe)
    kept = person_kept(person.pixels, frame)
    seen = to_tensor(cut_pixels(photo.pixels, frame), kept, background=recipe.background)
    graph = load_graph(version.graph_path, Execution(profile=Profile.EXACT))
    return as_pixels(graph.run({INPUT: seen[None]})[OUTPUT][0])


def spread(pairs: Sequence[LabelPair], most: int) -> list[LabelPair]:
    """At most so many, spread over all."""
    if most >= len(pairs):
        return list(pairs)
    return [pairs[i * len(pairs) // most] for i in range(most)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--labels", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--most-photos", type=int, default=600, help="to learn from")
    parser.add_argument("--whole", action="store_true", help="the whole photo at 512×768")
    parser.add_argument("--out", type=Path, default=Path("var/parser_comparison"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


if __name__ == "__main__":
    main()
