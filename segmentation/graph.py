"""Exported graphs: OpenVINO runs them on a CPU, ONNX Runtime is the reference and the road to CUDA."""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segmentation.errors import MissingDependency
from segmentation.execution import ALL_CORES, Execution, Profile

Array = npt.NDArray[Any]
_FIRST_ARRAY = Lock()
Shapes = Mapping[str, tuple[int, ...]]


class Graph(Protocol):
    """A loaded network. `run` may be called from several threads at once."""

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Named arrays in, named arrays out; shapes and dtypes are the exported graph's.

        Inputs that it does not have are left out: graphs exported earlier lack some.
        """
        ...


class OpenVinoGraph:
    """A graph compiled by OpenVINO.

    In float32, or but for `Profile.EXACT` in bfloat16 where the processor multiplies it.
    """

    def __init__(
        self,
        path: Path,
        execution: Execution = ALL_CORES,
        *,
        input_shapes: Shapes | None = None,
    ) -> None:
        import openvino  # noqa: PLC0415 - an extra: a plain install has neither runtime

        core = openvino.Core()
        model = core.read_model(path)
        if input_shapes:
            model.reshape({name: list(shape) for name, shape in input_shapes.items()})
        outputs = len(model.outputs)
        halves = execution.profile is not Profile.EXACT and "BF16" in core.get_property(
            "CPU", "OPTIMIZATION_CAPABILITIES"
        )
        if halves:
            _keep_places_exact(model)
        config: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if halves else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": execution.streams,
        }
        if execution.threads:
            config["INFERENCE_NUM_THREADS"] = execution.threads
        self._compiled = core.compile_model(model, "CPU", config)
        self._inputs = {name for one in self._compiled.inputs for name in one.get_names()}
        # An output may carry inner names beside the exported one: answer to all of them.
        self._names = [output.get_names() for output in self._compiled.outputs[:outputs]]
        self._requests: SimpleQueue[Any] = SimpleQueue()
        for _ in range(execution.threads or os.cpu_count() or 1):
            self._requests.put(self._compiled.create_infer_request())
        self._touch_an_array()

    def _touch_an_array(self) -> None:
        """Read one array of OpenVINO's, in one thread alone.

        The first that a process reads sets up its binding to numpy, once. Two threads that both read
        their first wait for each other for ever: one holds the interpreter and waits for the set-up,
        the other is in it and waits for the interpreter.
        """
        request = self._requests.get()
        with _FIRST_ARRAY:
            _ = request.get_input_tensor(0).data
        self._requests.put(request)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        request = self._requests.get()
        try:
            request.infer(_known(inputs, self._inputs))
            found = {}
            for i, names in enumerate(self._names):
                found.update(dict.fromkeys(names, np.array(request.get_output_tensor(i).data)))
            return found
        finally:
            self._requests.put(request)


def _known(inputs: Mapping[str, Array], names: Set[str]) -> dict[str, Array]:
    return {name: array for name, array in inputs.items() if name in names}


def _keep_places_exact(model: Any) -> None:
    """Have the boxes that `ROIAlign` looks into worked out in float32.

    bfloat16 has eight digits: beyond 256 px it knows even pixels alone. What leads to an output stays
    float32, so these boxes are made outputs too.
    """
    for node in model.get_ops():
        if node.get_type_name() == "ROIAlign":
            model.add_outputs(node.input(1).get_source_output())


class OnnxRuntimeGraph:
    """A graph run by ONNX Runtime: CUDA where its GPU build is installed, else the CPU. In float32."""

    def __init__(self, path: Path, execution: Execution = ALL_CORES) -> None:
        import onnxruntime  # noqa: PLC0415 - an extra: a plain install has neither runtime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = execution.threads
        options.log_severity_level = 3
        wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
        available = onnxruntime.get_available_providers()
        providers = [name for name in wanted if name in available]
        self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        self._inputs = {one.name for one in self._session.get_inputs()}
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        values = self._session.run(self._names, _known(inputs, self._inputs))
        return dict(zip(self._names, values, strict=True))


def load_graph(
    path: Path,
    execution: Execution = ALL_CORES,
    *,
    input_shapes: Shapes | None = None,
) -> Graph:
    """Load an ONNX file into the fastest installed runtime.

    Raises:
        MissingDependency: neither OpenVINO nor ONNX Runtime is installed.
    """
    try:
        return OpenVinoGraph(path, execution, input_shapes=input_shapes)
    except ImportError:
        return load_reference_graph(path, execution)


def load_reference_graph(path: Path, execution: Execution = ALL_CORES) -> Graph:
    """Load an ONNX file into ONNX Runtime. Raises MissingDependency when it is not installed."""
    try:
        return OnnxRuntimeGraph(path, execution)
    except ImportError as error:
        raise MissingDependency(
            'no runtime for the models is installed: pip install "garb[cpu]" or "garb[gpu]"'
        ) from error
