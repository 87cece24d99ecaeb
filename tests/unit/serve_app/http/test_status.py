"""What the server tells of itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from render_actor.contract.types import Failure, RendererStatus
from serve_app.http.status import server_status
from serve_app.service.service import RenderService
from serve_app.service.state import ServiceState
from serve_app.uploads.limits import UploadLimits
from serve_app.uploads.store import UploadStore


class Results:
    """Of two jobs."""

    bytes_used, max_bytes, ttl_sec = 7, 9, 60.0

    def __len__(self) -> int:
        return 2


async def test_the_state_of_a_server(tmp_path: Path) -> None:
    broken = RendererStatus("b", "failed", "node", None, None, Failure("renderer_start_failed", "no GPU"), restarts=2)
    starting = RendererStatus("a", "starting", "node", None, None, None, restarts=0)
    cache = {"cache_bytes": 5, "cache_max_bytes": 6, "cache_entries": 1}
    state = ServiceState([broken, starting], jobs_queued=3, jobs_running=1, draining=True, uptime_sec=2.5, **cache)

    async def state_now() -> ServiceState:
        return state

    uploads = UploadStore(tmp_path / "uploads", UploadLimits(10, 20, 3, 40, 50.0), lambda upload_id: False)
    service = cast(RenderService, SimpleNamespace(state=state_now, uploads=uploads, kept_results=Results()))
    status = await server_status(service, {"out": tmp_path, "gone": tmp_path / "not there"})
    assert (status.server, status.renderer_ready, status.draining, status.uptime) == ("running", False, True, 2.5)
    assert (status.jobs_queued, status.jobs_running) == (3, 1)
    assert [renderer.id for renderer in status.renderers] == ["a", "b"]
    assert status.renderers[0].error is None and status.renderers[0].device is None
    error = status.renderers[1].error
    assert error is not None and (error.code, error.detail) == ("renderer_start_failed", "no GPU")
    assert list(status.machine.disk_free_bytes) == ["out"] and status.machine.memory_total_bytes > 0
    assert status.uploads.model_dump() == {
        **{"bytes": 0, "max_bytes": 40, "count": 0, "ttl_sec": 50.0},
        **{"max_file_bytes": 10, "max_upload_bytes": 20, "max_files": 3},
    }
    assert status.results.model_dump() == {"bytes": 7, "max_bytes": 9, "count": 2, "ttl_sec": 60.0}
    assert status.cache.model_dump() == {"bytes": 5, "max_bytes": 6, "count": 1}
    state.renderers.append(RendererStatus("c", "busy", "node", 1, None, None, restarts=0))
    assert (await server_status(service, {})).renderer_ready
