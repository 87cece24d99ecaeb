"""What became of a dataset: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from serve_app.cli.bop.work import Outcome

_WIDTH_OF_A_FILE = 160


def print_table(outcomes: Sequence[Outcome]) -> None:
    """A row for each CAD."""
    table = Table("object", "CAD", box=SIMPLE_HEAD)
    table.add_column("views", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("state")
    table.add_column("warnings and errors", overflow="fold")
    for outcome in outcomes:
        said = [*([outcome.error] if outcome.error else []), *outcome.warnings]
        table.add_row(
            str(outcome.order.model.object_id),
            outcome.order.model.path.name,
            str(outcome.views or ""),
            f"{outcome.seconds:.1f}" if outcome.job_id else "",
            outcome.state,
            "; ".join(said),
        )
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    console.print(table, markup=False, highlight=False)


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All that is known of each CAD."""
    objects = [
        {
            "object_id": outcome.order.model.object_id,
            "cad_path": str(outcome.order.model.path),
            "folder": str(outcome.order.folder),
            "job_id": outcome.job_id or None,
            "state": outcome.state,
            "published": outcome.published,
            "resumed": outcome.resumed,
            "views": outcome.views,
            "seconds": outcome.seconds,
            "warnings": outcome.warnings,
            "error": outcome.error or None,
        }
        for outcome in outcomes
    ]
    return {"published": sum(outcome.published for outcome in outcomes), "failed": len(failed(outcomes)), "objects": objects}


def failed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those whose files are not in place."""
    return [outcome for outcome in outcomes if not outcome.published]
