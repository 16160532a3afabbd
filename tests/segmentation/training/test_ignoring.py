import torch

from segmentation.mask_rcnn.architecture import Architecture
from segmentation.mask_rcnn.network import build_network
from segmentation.training.ignoring import ignore_regions

BOX = torch.tensor([[10.0, 10.0, 40.0, 60.0]])
ELSEWHERE = torch.tensor([[60.0, 70.0, 90.0, 120.0]])


def _network() -> torch.nn.Module:
    torch.manual_seed(0)
    network = build_network(Architecture.MOBILENET_V2_FPN, classes=2)
    ignore_regions(network)
    return network


def _target(ignored: torch.Tensor) -> dict[str, torch.Tensor]:
    masks = torch.zeros(1, 128, 96, dtype=torch.uint8)
    return {"boxes": BOX, "labels": torch.tensor([1]), "masks": masks, "ignored": ignored}


def test_proposals_on_an_ignored_region_are_neither_background_nor_a_thing() -> None:
    heads = _network().roi_heads
    places = torch.cat([BOX, ELSEWHERE, ELSEWHERE + 4, torch.tensor([[0.0, 70.0, 30.0, 120.0]])])
    (sampled,), _, (labels,), _ = heads.select_training_samples([places], [_target(ELSEWHERE)])
    # The thing itself is among the proposals.
    assert sorted(labels.tolist()) == [0, 1, 1]
    assert sampled[labels == 0].tolist() == [[0.0, 70.0, 30.0, 120.0]]


def test_anchors_on_an_ignored_region_are_left_out() -> None:
    proposals = _network().rpn
    places = torch.cat([BOX, ELSEWHERE, torch.tensor([[0.0, 70.0, 30.0, 120.0]])])
    (labels,), _ = proposals.assign_targets_to_anchors([places], [_target(ELSEWHERE)])
    assert labels.tolist() == [1, -1, 0]
    (labels,), _ = proposals.assign_targets_to_anchors([places], [_target(torch.zeros(0, 4))])
    assert labels.tolist() == [1, 0, 0]


def test_a_thing_on_an_ignored_region_is_learned_all_the_same() -> None:
    network = _network()
    targets = [_target(BOX)]
    _, _, (labels,), _ = network.roi_heads.select_training_samples([BOX], targets)
    assert labels.tolist() == [1, 1]
    (labels,), _ = network.rpn.assign_targets_to_anchors([BOX], targets)
    assert labels.tolist() == [1]
