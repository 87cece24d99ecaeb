"""How much room a job takes on the disk of its output."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DiskNeed:
    """What a job is going to write.

    Attributes:
        disk: number of the device that its output lies on.
        bytes: of all its files.
        replaces: whether an earlier folder goes when it publishes, so that in the end it takes about nothing more.
    """

    disk: int
    bytes: int
    replaces: bool
