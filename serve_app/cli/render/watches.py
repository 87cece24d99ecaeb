"""Shows how far a ``render`` command is: a bar for each CAD on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from serve_app.cli.render.work import Task

_LINE_EVERY_SEC = 10.0
_MOST_BARS = 24
"""Beyond so many, only CADs that something happens to have a bar."""


def time_left(task: Task) -> str:
    """How long its views will take at the present rate; empty where that is not known yet."""
    if task.state != "running" or not task.rate:
        return ""
    seconds = round((task.total - task.rendered) / task.rate)
    return f"{seconds // 60}:{seconds % 60:02} left"


def told(task: Task) -> str:
    """What it does, in a word or two."""
    if task.state == "running" and task.job is not None:
        if task.job.waiting_for:
            return f"waits for {task.job.waiting_for}" if not task.rendered else "rendered by an equal job"
        return f"{task.rate:.1f} views/s" if task.rate else "running"
    return task.state


class Lines:
    """Now and then a line that says how far the CADs are.

    Args:
        say: prints a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._last = say, time.monotonic()

    def ended(self, task: Task) -> None:
        """See ``Watch``."""

    def moved(self, tasks: Sequence[Task]) -> None:
        """See ``Watch``."""
        if time.monotonic() - self._last < _LINE_EVERY_SEC:
            return
        self._last = time.monotonic()
        going = [task for task in tasks if task.state not in ("waiting", "done", "failed")]
        views = ", ".join(f"{task.order.cad.name} {task.rendered}/{task.total or '?'} views, {told(task)}" for task in going[:4])
        self._say(f"{sum(task.ended for task in tasks)} of {len(tasks)} have ended" + (f"; {views}" if views else ""))

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is to be put back."""


class Bars:
    """A bar for each CAD; one that has ended gives its place to a line above, where there are many."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}"),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = Progress(*columns, console=Console(stderr=False))
        self._bars: dict[int, TaskID] = {}

    def ended(self, task: Task) -> None:
        """See ``Watch``."""
        self._show(task)

    def moved(self, tasks: Sequence[Task]) -> None:
        """See ``Watch``."""
        for task in tasks:
            self._show(task)
        shown = [task for task in tasks if id(task) in self._bars]
        for task in shown if len(shown) > _MOST_BARS else ():
            if task.ended:
                self._progress.update(self._bars[id(task)], visible=False)

    def _show(self, task: Task) -> None:
        if id(task) not in self._bars:
            if task.state == "waiting":
                return
            self._bars[id(task)] = self._progress.add_task(task.order.cad.name[:40], total=None, now="", left="")
        bar = self._bars[id(task)]
        self._progress.update(bar, completed=task.rendered, total=task.total or None, now=told(task), left=time_left(task))

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()


def watch_for(say: Callable[[str], None], *, bars: bool) -> Lines | Bars:
    """Bars where standard output is a terminal and they are wanted, lines otherwise."""
    return Bars() if bars and sys.stdout.isatty() else Lines(say)
