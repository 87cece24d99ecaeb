"""Holds a Blender to the time limit and the memory limit of a batch."""

from __future__ import annotations

import asyncio

from render_actor.blender.failures import OUT_OF_MEMORY
from render_actor.contract.types import BatchResult, Failure, ViewBatch
from render_actor.worker.protocol import BlenderProcess, Told


async def render_within_limits(
    blender: BlenderProcess, batch: ViewBatch, told: Told, memory_limit: int, watch_sec: float
) -> BatchResult | Failure:
    """Have a batch rendered.

    Args:
        blender: renders it.
        batch: gives the time limit.
        told: gets each view.
        memory_limit: bytes that the Blender's process may take.
        watch_sec: seconds between two looks at its memory.

    Returns:
        The Blender's answer, or a failure as soon as it is over one of the limits; then it is still running.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + batch.time_limit_sec
    answer = asyncio.ensure_future(blender.render(batch, told))
    try:
        while not (await asyncio.wait({answer}, timeout=min(watch_sec, max(0.0, deadline - loop.time()))))[0]:
            # Memory first: who takes too much is slow as well, and would be tried again as one that hung.
            if (used := blender.memory_bytes or 0) > memory_limit:
                return _too_large(used, memory_limit)
            if loop.time() >= deadline:
                return _hung(batch.time_limit_sec)
        return answer.result()
    finally:
        answer.cancel()


def _hung(limit_sec: float) -> Failure:
    return Failure("renderer_lost", f"a renderer hung: it gave no answer within {limit_sec:g} s (RENDER_VIEW_TIMEOUT_SEC)")


def _too_large(used: int, limit: int) -> Failure:
    return Failure(
        "out_of_memory",
        f"{OUT_OF_MEMORY}: the renderer took {used / 2**30:.1f} GiB, and {limit / 2**30:.1f} GiB are allowed; use a lower resolution or "
        "a simpler CAD, or have the operator raise renderer_memory_bytes",
    )
