"""What one look at this machine has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: of what was looked at.
        level: ``error``: no server works so. ``warning``: one does, less well.
        text: what was found.
        remedy: what to do about it; empty where nothing is to be done.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        """For a person."""
        return f"{self.name}: {self.text}" + (f"; {self.remedy}" if self.remedy else "")
