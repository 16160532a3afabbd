"""What a log file gets of a long training."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from segmentation.training import progress as module
from segmentation.training.progress import LogLines


@pytest.mark.parametrize(
    ("is_terminal", "seconds", "lines"), [(False, 0.0, 3), (False, 60.0, 0), (True, 0.0, 0)]
)
def test_a_log_file_gets_lines_and_a_terminal_the_bar_alone(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, seconds: float, lines: int
) -> None:
    monkeypatch.setattr(module, "_LINE_SECONDS", seconds)
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=80)
    progress = Progress(console=console, disable=True)
    task = progress.add_task("training", total=10)
    told = LogLines(progress, task)
    for step in range(3):
        progress.update(task, advance=1, description=f"loss {step}")
        told.tell()
    written = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(written) == lines
    if lines:
        assert written[-1].startswith("loss 2, 3/10")
