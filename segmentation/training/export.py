"""A trained network → ONNX graph and half-precision weights, checked against each other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file, save
from torch import Tensor, nn

OPSET = 17
_SMALLEST_HALVED = 64


def export_onnx(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    input_names: Sequence[str],
    output_names: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]] | None = None,
) -> None:
    """Trace ``module`` on ``example`` into an ONNX file; weights are stored as float16.

    The tracing exporter is used: the other one fails on Mask R-CNN (a data-dependent guard).
    """
    module.eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # Tracing warns of every shape that it freezes.
        torch.onnx.export(
            module,
            example,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(input_names),
            output_names=list(output_names),
            dynamic_axes={name: dict(axes) for name, axes in (dynamic_axes or {}).items()},
        )
    halve_graph(path)


def halve_graph(path: Path) -> None:
    """Store the large float32 constants of an ONNX file as float16, cast back where they are used.

    Runtimes fold the casts when they load; only the file gets smaller.
    """
    model = onnx.load(str(path))
    kept, casts = [], []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < _SMALLEST_HALVED:
            kept.append(tensor)
            continue
        half_name = tensor.name + "_half"
        kept.append(numpy_helper.from_array(array.astype(np.float16), half_name))
        casts.append(
            onnx.helper.make_node("Cast", [half_name], [tensor.name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def save_weights(module: nn.Module, path: Path) -> None:
    """Save a state dict as float16 safetensors; integers and the buffers' exact names are kept."""
    state = {
        name: (value.half() if value.dtype == torch.float32 else value).contiguous().cpu().clone()
        for name, value in module.state_dict().items()
    }
    # `save_file` makes a file that only its owner may read, whatever the umask says.
    path.write_bytes(save(state))


def load_weights(path: Path) -> dict[str, Tensor]:
    """A state dict in float32 from `save_weights`' file."""
    state: dict[str, Any] = load_file(str(path))
    return {
        name: value.float() if value.dtype == torch.float16 else value
        for name, value in state.items()
    }


def round_to_half(module: nn.Module) -> None:
    """Round the parameters to float16 in place, so that what is measured is what is shipped."""
    with torch.no_grad():
        for value in module.state_dict().values():
            if value.dtype == torch.float32:
                value.copy_(value.half().float())
