"""Words and tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cell(text: object) -> str:
    """Text that stays in one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def code(text: object) -> str:
    """Text as code, in a table, too."""
    return f"`{' '.join(str(text).split())}`".replace("|", "\\|") if str(text) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells must be escaped already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(title: str, intro: str, *parts: str) -> str:
    """A page with a note that it is made."""
    body = "\n".join(part.strip() + "\n" for part in parts)
    return f"<!-- Made from the code by `make reference`; do not edit. -->\n\n# {title}\n\n{intro.strip()}\n\n{body}"
