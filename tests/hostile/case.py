"""One hostile file, and what may become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["refused", "rendered", "either"]
Maker = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """One file, and what may become of it.

    Attributes:
        kind: class, for the table.
        label: tells it from others of its class.
        suffix: ending of its name.
        make: writes it, and whatever lies beside it, given its path.
        outcome: what may become of it.
        native: whether native code of others reads it, which such a file may bring down, or to work until its time is over.
    """

    kind: str
    label: str
    suffix: str
    make: Maker
    outcome: Outcome = "refused"
    native: bool = False

    @property
    def name(self) -> str:
        """Unique and short."""
        return f"{self.kind}-{self.label}{self.suffix}"


Data = bytes | str | Callable[[], bytes | str]
"""Content of a file; large ones are made when they are wanted."""


def case(kind: str, label: str, suffix: str, data: Data, outcome: Outcome = "refused", **beside: bytes | Maker) -> Case:
    """A case of plain bytes; ``beside`` gives other files of its folder, by name with ``__`` for the dot."""

    def make(path: Path) -> None:
        whole = data if isinstance(data, bytes | str) else data()
        path.write_bytes(whole.encode() if isinstance(whole, str) else whole)
        for name, content in beside.items():
            other = path.parent / name.replace("__", ".")
            if callable(content):
                content(other)
            else:
                other.write_bytes(content)

    return Case(kind, label, suffix, make, outcome)


def sparse(size: int) -> Maker:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make
