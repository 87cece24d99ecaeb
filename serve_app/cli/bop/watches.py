"""Shows how far a dataset is: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from serve_app.cli.bop.work import Outcome

_LINE_EVERY_SEC = 30.0


def told(outcome: Outcome) -> str:
    """What became of a CAD, in a few words."""
    name = outcome.order.model.path.name
    if outcome.state == "there":
        return f"{name}: {outcome.views} views are there already"
    if outcome.state == "succeeded":
        return f"{name}: {outcome.views} views in {outcome.seconds:.1f} s"
    return f"{name}: {outcome.state}: {outcome.error}"


class Lines:
    """A line for each CAD that has ended, and now and then one for those that have not.

    Args:
        outcomes: of all CADs.
        say: prints a line.
    """

    def __init__(self, outcomes: Sequence[Outcome], say: Callable[[str], None]) -> None:
        self._outcomes, self.say = outcomes, say
        self._last = time.monotonic()

    def ended(self, outcome: Outcome) -> None:
        """See ``Watch``."""
        self.say(f"{sum(each.ended for each in self._outcomes)}/{len(self._outcomes)} {told(outcome)}")
        self._last = time.monotonic()

    def moved(self) -> None:
        """See ``Watch``."""
        if time.monotonic() - self._last >= _LINE_EVERY_SEC:
            running = [each for each in self._outcomes if each.state == "running"]
            views = ", ".join(f"{each.order.model.path.name} {each.done}/{each.views}" for each in running[:4])
            self.say(f"{sum(each.ended for each in self._outcomes)}/{len(self._outcomes)} have ended" + (f"; {views}" if views else ""))
            self._last = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is to be put back."""


class Bars:
    """Two bars, and above them a line for each CAD that has no files.

    Args:
        outcomes: of all CADs.
    """

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self._outcomes = outcomes
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}"),
        )
        self._progress = Progress(*columns, console=Console())
        self._objects = self._progress.add_task("objects", total=len(outcomes), now="")
        self._views = self._progress.add_task("views", total=None, now="")

    def say(self, text: str) -> None:
        """See ``Watch``."""
        self._progress.console.print(text, markup=False, highlight=False)

    def ended(self, outcome: Outcome) -> None:
        """See ``Watch``."""
        if not outcome.published:
            self.say(told(outcome))

    def moved(self) -> None:
        """See ``Watch``."""
        known = [each for each in self._outcomes if each.views]
        views = round(sum(each.views for each in known) / len(known) * len(self._outcomes)) if known else None
        names = ", ".join(each.order.model.path.name for each in self._outcomes if each.state == "running")
        self._progress.update(self._objects, completed=sum(each.ended for each in self._outcomes), now=names[:60])
        self._progress.update(self._views, completed=sum(each.done for each in known), total=views)

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()


def watch_for(outcomes: Sequence[Outcome], say: Callable[[str], None], *, bars: bool) -> Lines | Bars:
    """Bars where standard output is a terminal and they are wanted, lines otherwise."""
    return Bars(outcomes) if bars and sys.stdout.isatty() else Lines(outcomes, say)
