"""Progress on stderr: a bar with the time left, and one JSON line an epoch beside the checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINE_SECONDS = 60.0


class LogLines:
    """How far a task of a progress bar is, in a line a minute: a log file shows no bar."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._told_at = time.monotonic()

    def tell(self) -> None:
        """To be called at every step; prints nothing on a terminal."""
        now = time.monotonic()
        if self._progress.console.is_terminal or now - self._told_at < _LINE_SECONDS:
            return
        self._told_at = now
        task = self._progress.tasks[self._task]
        left = f", {task.time_remaining / 60:.0f} minutes left" if task.time_remaining else ""
        self._progress.console.print(
            f"{task.description}, {task.completed:.0f}/{task.total:.0f}{left}"
        )


class TrainingProgress:
    """Shows steps; `note` appends a JSON line to the log."""

    def __init__(self, progress: Progress, log: Path, total: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task("training", total=total, completed=done)
        self._lines = LogLines(progress, self._task)
        self._log = log

    def advance(self, text: str) -> None:
        """One step further, with a short text of losses."""
        self._progress.update(self._task, advance=1, description=text)
        self._lines.tell()

    def note(self, **values: Any) -> None:
        """Append to the log."""
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": round(time.time(), 1), **values}) + "\n")


@contextmanager
def training_progress(
    log: Path, *, total: int, done: int = 0, console: Console | None = None
) -> Iterator[TrainingProgress]:
    """A progress bar of ``total`` steps of which ``done`` were done before; by default on stderr."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console or Console(stderr=True)) as progress:
        yield TrainingProgress(progress, log, total, done)
