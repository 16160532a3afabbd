import builtins
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
from onnx import TensorProto, helper

from segmentation.errors import MissingDependency
from segmentation.execution import Execution, Profile
from segmentation.graph import OnnxRuntimeGraph, OpenVinoGraph, load_graph, load_reference_graph

ONE_CORE = Execution(threads=1, profile=Profile.EXACT)


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """y = 2 x for x of (n, 3)."""
    shape = ["n", 3]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "model.onnx"
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("kind", [OpenVinoGraph, OnnxRuntimeGraph])
def test_named_arrays_go_in_and_come_out(kind: Any, doubling: Path) -> None:
    graph = kind(doubling, ONE_CORE)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    first = graph.run({"x": x})
    second = graph.run({"x": x + 1})
    assert np.array_equal(first["y"], 2 * x)
    assert np.array_equal(second["y"], 2 * x + 2)


@pytest.mark.parametrize("kind", [OpenVinoGraph, OnnxRuntimeGraph])
def test_threads_do_not_see_each_others_answers(kind: Any, doubling: Path) -> None:
    graph = kind(doubling, ONE_CORE)
    wrong: list[int] = []

    def ask(number: int) -> None:
        x = np.full((4, 3), number, np.float32)
        for _ in range(50):
            if not np.array_equal(graph.run({"x": x})["y"], 2 * x):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_first_array_is_read_before_threads_can_ask(
    doubling: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    tensor = openvino.InferRequest.get_input_tensor

    def reading(self: Any, *which: int) -> Any:
        read.append(threading.current_thread().name)
        return tensor(self, *which)

    monkeypatch.setattr(openvino.InferRequest, "get_input_tensor", reading)
    OpenVinoGraph(doubling)
    assert read == [threading.current_thread().name]


def test_input_shape_can_be_fixed(doubling: Path) -> None:
    graph = load_graph(doubling, ONE_CORE, input_shapes={"x": (5, 3)})
    assert graph.run({"x": np.ones((5, 3), np.float32)})["y"].shape == (5, 3)


def _forbid(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    original = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name in names:
            raise ImportError(f"No module named {name!r}")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_onnx_runtime_stands_in_for_openvino(
    doubling: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(load_graph(doubling, ONE_CORE), OpenVinoGraph)
    _forbid(monkeypatch, "openvino")
    graph = load_graph(doubling, ONE_CORE)
    assert isinstance(graph, OnnxRuntimeGraph)


def test_without_any_runtime_the_extra_is_named(
    doubling: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid(monkeypatch, "openvino", "onnxruntime")
    for load in (load_graph, load_reference_graph):
        with pytest.raises(MissingDependency, match=r"garb\[cpu\]"):
            load(doubling)


@pytest.fixture
def pooling(tmp_path: Path) -> Path:
    """Rows of a picture, whose places are halved and pooled: both are worked out in the graph."""
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["picture", "kernel"], ["features"]),
            helper.make_node("Mul", ["boxes", "half"], ["places"]),
            helper.make_node(
                "RoiAlign", ["features", "places", "images"], ["pooled"],
                output_height=1, output_width=1, sampling_ratio=1, spatial_scale=1.0, mode="avg",
                coordinate_transformation_mode="half_pixel",
            ),
            helper.make_node("Conv", ["pooled", "kernel"], ["answer"]),
        ],
        "pooling",
        [
            helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 1, 1, 512]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 4]),
        ],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [1, 1, 1, 1])],
        [
            helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, 1, 1], [1.0]),
            helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5]),
            helper.make_tensor("images", TensorProto.INT64, [1], [0]),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "pooling.onnx"
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("profile", Profile)
def test_places_are_exact_to_the_pixel_in_every_profile(pooling: Path, profile: Profile) -> None:
    # A pixel's value is 1 in the odd columns: those that bfloat16 does not know beyond 256.
    picture = (np.arange(512, dtype=np.float32) % 2).reshape(1, 1, 1, 512)
    graph = OpenVinoGraph(pooling, Execution(threads=1, profile=profile))
    answers = [
        graph.run({"picture": picture, "boxes": np.array([[2 * x, 0, 2 * x + 2, 2]], np.float32)})
        for x in range(400, 408)
    ]
    assert [answer["answer"].item() for answer in answers] == [0, 1] * 4
    assert all(set(answer) == {"answer"} for answer in answers)
