"""Weights of ImageNet come from a file or from torchvision, which may be out of reach."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import mobilenet_v2

from segmentation.errors import ModelError
from segmentation.training import imagenet
from segmentation.training.imagenet import mobilenet_features, seeing_halves


class Published:
    """Stands for torchvision's weights: random ones, or no network."""

    def __init__(self, state: dict[str, Tensor] | None = None) -> None:
        self._state = state

    def get_state_dict(self, **_options: object) -> dict[str, Tensor]:
        sys.stdout.write("Downloading: …")
        if self._state is None:
            raise URLError("no route to host")
        return self._state


def _publish(monkeypatch: pytest.MonkeyPatch, state: dict[str, Tensor] | None) -> None:
    monkeypatch.delenv("GARB_IMAGENET_WEIGHTS", raising=False)
    weights = type("Weights", (), {"IMAGENET1K_V1": Published(state)})
    monkeypatch.setattr(imagenet, "MobileNet_V2_Weights", weights)


def test_the_file_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = mobilenet_v2(num_classes=1001).state_dict()
    save_file(state, str(tmp_path / "imagenet.safetensors"))
    monkeypatch.setenv("GARB_IMAGENET_WEIGHTS", str(tmp_path / "imagenet.safetensors"))
    features = mobilenet_features()
    assert torch.equal(features["17.conv.0.0.weight"], state["features.17.conv.0.0.weight"])
    assert not any(name.startswith("classifier") for name in features)


def test_torchvisions_weights_see_what_they_were_trained_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(6)
    theirs = mobilenet_v2().eval()
    first = theirs.features[0]
    torch.nn.init.uniform_(first[1].running_mean, -1, 1)
    _publish(monkeypatch, theirs.state_dict())
    ours = mobilenet_v2().eval()
    ours.features.load_state_dict(mobilenet_features())
    rgb = torch.rand(1, 3, 32, 32)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (imagenet._MEAN, imagenet._STD))
    with torch.no_grad():
        expected = first((rgb - mean) / std)
        found = ours.features[0](rgb * 2 - 1)
    torch.testing.assert_close(found[..., 1:, 1:], expected[..., 1:, 1:], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(first(rgb * 2 - 1)[..., 1:, 1:], expected[..., 1:, 1:], atol=1e-2)
    assert capsys.readouterr().out == "", "stdout is the document's"


def test_only_the_first_layer_is_changed() -> None:
    features = mobilenet_v2().features.state_dict()
    changed = seeing_halves(features)
    same = {name for name, value in features.items() if torch.equal(value, changed[name])}
    assert features.keys() - same == {"0.0.weight", "0.1.running_mean"}


def test_without_a_network_the_reason_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    _publish(monkeypatch, None)
    with pytest.raises(ModelError, match="GARB_IMAGENET_WEIGHTS"):
        mobilenet_features()
