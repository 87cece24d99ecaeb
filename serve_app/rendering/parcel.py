"""Files of several views that travel as one object of Ray's."""

from __future__ import annotations

import asyncio
from typing import Any

from ray.exceptions import RayError

from render_actor.contract.view_files import PackedView
from serve_app.base.aio import spawn


class PayloadLostError(Exception):
    """The renderer that held a view's files was lost before they were fetched."""


class Parcel:
    """The files of the views of one answer; fetched once, when those of the first are asked for.

    Args:
        payload: Ray object reference to all of them; None where the renderer ended before it had sent them.
    """

    def __init__(self, payload: Any) -> None:
        self._payload = payload
        self._fetching: asyncio.Task[tuple[PackedView, ...]] | None = None

    async def files(self, place: int) -> PackedView:
        """The files of a view.

        Args:
            place: of the view among those of the parcel.

        Raises:
            PayloadLostError: they were lost with their renderer.
        """
        if self._payload is None:
            raise PayloadLostError("the renderer ended before it had sent them")
        if self._fetching is None:
            self._fetching = spawn(self._fetched())
        try:  # Shielded: whoever wants a view no more must not take the others' away.
            return (await asyncio.shield(self._fetching))[place]
        except RayError as error:
            raise PayloadLostError(str(error)) from error

    async def _fetched(self) -> tuple[PackedView, ...]:
        files: tuple[PackedView, ...] = await self._payload
        return files
