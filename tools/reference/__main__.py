"""Writes every reference page; ``--check`` says which are not what the code says, and writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools.reference.api import api
from tools.reference.client import client
from tools.reference.command_line import command_line
from tools.reference.errors import errors
from tools.reference.metrics import metrics
from tools.reference.options import options
from tools.reference.settings import settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

PAGES: dict[str, Callable[[], str]] = {
    "api.md": api,
    "options.md": options,
    "errors.md": errors,
    "settings.md": settings,
    "metrics.md": metrics,
    "command-line.md": command_line,
    "client.md": client,
}


def stale() -> list[str]:
    """Names of pages that are not as the code is now."""
    return [name for name, made in PAGES.items() if not (FOLDER / name).is_file() or (FOLDER / name).read_text() != made()]


def main() -> None:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        if names := stale():
            sys.exit(f"docs/reference: not as the code is now: {', '.join(names)}; run `make reference`")
        return
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made())


if __name__ == "__main__":
    main()
