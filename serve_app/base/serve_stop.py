"""Whether Serve is about to stop this replica: it waits for the open requests first, and tells the application only after that."""

from __future__ import annotations

import ray


def replica_stops() -> bool:
    """Whether it is; False, too, where Serve does not say: it is an internal of Serve."""
    try:
        actors = list(ray._private.worker.global_worker.actors.values())
        return any(actor._replica_impl._shutting_down for actor in actors)
    except AttributeError:
        return False
