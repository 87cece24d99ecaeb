"""The commands in README and the documentation, each with its mark."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "client").glob("README*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

_BLOCK = re.compile(
    r"^(?P<mark> *<!-- *(?P<told>.*?) *-->\n)?(?P<indent> *)```(?P<kind>bash|python|console|sh)\n(?P<text>.*?)^ *```$", re.M | re.S
)
_MARK = re.compile(r"run|not run: \S.*")
_SEPARATORS = {"&&", "||", "|", ";", "&"}


@dataclass(frozen=True)
class Block:
    """A fenced block of commands.

    Attributes:
        page: the file that has it.
        line: where it begins.
        kind: ``bash`` or ``python``.
        mark: ``run``, or ``not run: REASON``; empty where it has none.
        text: what is between the fences.
    """

    page: Path
    line: int
    kind: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether a test runs it."""
        return self.mark == "run"

    @property
    def is_marked(self) -> bool:
        """Whether the mark is one of the two."""
        return _MARK.fullmatch(self.mark) is not None

    def commands(self) -> Iterator[list[str]]:
        """Its shell commands, each as words."""
        if self.kind == "python":
            return
        yield from _split(_without_comments(self.text.replace("\\\n", " ")))


def blocks(page: Path) -> list[Block]:
    """All blocks of a page."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["kind"], found["told"] or "", found["text"])
        for found in _BLOCK.finditer(text)
    ]


def all_blocks() -> list[Block]:
    """All blocks of all pages."""
    return [block for page in PAGES for block in blocks(page)]


def inline_code(page: Path) -> list[str]:
    """What stands between single backquotes in the text."""
    outside = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.M | re.S)
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", outside)]


def _without_comments(text: str) -> str:
    """Shell text without what stands behind a `#` that begins a word; quoted text stays."""
    parts = re.split(r"""('[^']*'|"(?:\\.|[^"\\])*")""", text)
    return "".join(part if number % 2 else re.sub(r"(?<!\S)#[^\n]*", "", part) for number, part in enumerate(parts))


def _split(text: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars="&|;\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    command: list[str] = []
    for word in lexer:
        if word in _SEPARATORS or not word.strip():
            if command:
                yield command
            command = []
        else:
            command.append(word)
    if command:
        yield command
