"""What a supervisor needs of the Blenders that it starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from render_actor.contract.types import BatchResult, BlenderReport, Failure, ViewBatch
from render_actor.contract.view_files import RenderedView

Told = Callable[[RenderedView], None]
"""Gets each view of a batch as soon as its files are made."""


class BlenderProcess(Protocol):
    """One Blender, in a process of its own."""

    @property
    def gone(self) -> bool:
        """Whether it was ready and its process has ended since."""
        ...

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of its process, or None where it is not known."""
        ...

    async def warm_up(self) -> BlenderReport | Failure:
        """Wait until it is ready; called once."""
        ...

    async def render(self, batch: ViewBatch, told: Told) -> BatchResult | Failure:
        """Render a batch.

        Args:
            batch: what to render.
            told: gets each view.

        Returns:
            Its answer, which may itself be a failure of a view, or why the Blender was lost.
        """
        ...

    async def end(self) -> None:
        """Kill it, in whatever state it is, and return when its process is seen dead."""
        ...

    def take_over_cores(self) -> None:
        """Claim the cores that it was started on: their owner has ended."""
        ...


Launch = Callable[[tuple[int, ...]], BlenderProcess]
"""Starts a Blender, without waiting for it, on the given cores of another, or on cores of its own where none are given."""
