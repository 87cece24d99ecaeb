"""One fault of a folder of templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes:
        file: name of the file, or of the folder.
        problem: what is wrong, with the value.
        consequence: what a consumer does with it, or what it means.
    """

    file: str
    problem: str
    consequence: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}; {self.consequence}"
