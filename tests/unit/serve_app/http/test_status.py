"""What the server tells of itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from render_actor.contract.types import Failure, RendererStatus
from serve_app.http.status import server_status
from serve_app.service.service import RenderService, ServiceState


async def test_the_state_of_a_server(tmp_path: Path) -> None:
    broken = RendererStatus("b", "failed", "node", None, None, Failure("renderer_start_failed", "no GPU"), restarts=2)
    starting = RendererStatus("a", "starting", "node", None, None, None, restarts=0)
    state = ServiceState([broken, starting], jobs_queued=3, jobs_running=1, draining=True, uptime_sec=2.5)

    async def state_now() -> ServiceState:
        return state

    service = cast(RenderService, SimpleNamespace(state=state_now))
    status = await server_status(service, {"out": tmp_path, "gone": tmp_path / "not there"})
    assert (status.server, status.renderer_ready, status.draining, status.uptime) == ("running", False, True, 2.5)
    assert (status.jobs_queued, status.jobs_running) == (3, 1)
    assert [renderer.id for renderer in status.renderers] == ["a", "b"]
    assert status.renderers[0].error is None and status.renderers[0].device is None
    error = status.renderers[1].error
    assert error is not None and (error.code, error.detail) == ("renderer_start_failed", "no GPU")
    assert list(status.machine.disk_free_bytes) == ["out"] and status.machine.memory_total_bytes > 0
    state.renderers.append(RendererStatus("c", "busy", "node", 1, None, None, restarts=0))
    assert (await server_status(service, {})).renderer_ready
