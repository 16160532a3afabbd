from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from segmentation.graph import load_reference_graph
from segmentation.mask_rcnn.pooling import PyramidRoIAlign
from segmentation.training.export import export_onnx


@pytest.fixture
def pyramid() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {str(level): torch.randn(2, 4, 64 >> level, 48 >> level) for level in range(4)}


def _boxes(count: int, seed: int) -> Tensor:
    """Of all sizes, so that every level of the pyramid has some."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.rand(count, 2, generator=generator) * 90
    sides = 10 ** (1 + 1.7 * torch.rand(count, 2, generator=generator))
    return torch.cat([start, start + sides], dim=1)


@pytest.mark.parametrize("size", [7, 14])
def test_it_pools_what_torchvision_pools(pyramid: dict[str, Tensor], size: int) -> None:
    boxes, shapes = [_boxes(40, 1), _boxes(25, 2)], [(256, 192)] * 2
    own = PyramidRoIAlign(size)(pyramid, boxes, shapes)
    theirs = MultiScaleRoIAlign(list(pyramid), size, 2)(pyramid, boxes, shapes)
    assert torch.equal(own, theirs)


class _Pooling(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pool = PyramidRoIAlign(7)

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor, boxes: Tensor) -> Tensor:
        levels = {"0": a, "1": b, "2": c, "3": d}
        return torch.as_tensor(self.pool(levels, [boxes], [(256, 192)]))


def test_exported_it_scatters_nothing_and_pools_the_same(
    pyramid: dict[str, Tensor], tmp_path: Path
) -> None:
    levels = [level[:1] for level in pyramid.values()]
    names, path = [*"abcd", "boxes"], tmp_path / "pool.onnx"
    export_onnx(
        _Pooling(), (*levels, _boxes(30, 3)), path,
        input_names=names, output_names=["pooled"],
        dynamic_axes={"boxes": {0: "n"}, "pooled": {0: "n"}},
    )  # fmt: skip
    assert "ScatterElements" not in {node.op_type for node in onnx.load(str(path)).graph.node}
    inputs = [*levels, _boxes(50, 4)]
    found = load_reference_graph(path).run(
        {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
    )
    assert torch.allclose(torch.from_numpy(found["pooled"]), _Pooling()(*inputs), atol=1e-5)
