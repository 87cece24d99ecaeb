"""How the service stands, as it tells it."""

from __future__ import annotations

from dataclasses import dataclass

from render_actor.contract.types import RendererStatus


@dataclass(frozen=True)
class ServiceState:
    """What the service tells of itself; how that is answered is HTTP's."""

    renderers: list[RendererStatus]
    jobs_queued: int
    jobs_running: int
    draining: bool
    uptime_sec: float
    cache_bytes: int
    cache_max_bytes: int
    cache_entries: int
