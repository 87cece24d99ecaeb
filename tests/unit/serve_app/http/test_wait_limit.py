"""How many requests may wait for their job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serve_app.base.errors import ServiceError
from serve_app.base.settings import Settings
from serve_app.http.wait_limit import WaitLimit
from tests.unit.serve_app.http.fake_server import FakeService, api, client

BODY = {"cad_path": "a", "output_dir": "b"}
WAITING_ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/render/templates?wait=true", BODY),
    ("PUT", "/jobs/mine?wait=true", BODY),
    ("POST", "/api/v1/render-templates", BODY),
    ("POST", "/api/v1/render-templates-batch", {"items": [BODY]}),
]


class BusyService(FakeService):
    """Takes long to accept what is not a batch."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[Any] = asyncio.Queue()
        self.go_on = asyncio.Event()

    async def accept(self, request: Any, group: str = "", **keys: Any) -> None:
        if request.priority != "batch":
            self.came.put_nowait(request)
            await self.go_on.wait()
        await super().accept(request)


@pytest.mark.timeout(60)
async def test_requests_that_wait_leave_places_for_others(settings: Settings) -> None:
    service = BusyService()
    async with client(api(settings, service, max_waiting_requests=3)) as http:
        waiting = [asyncio.create_task(http.request(method, path, json=sent)) for method, path, sent in WAITING_ROUTES[:3]]
        for _ in waiting:
            await service.came.get()
        for method, path, sent in WAITING_ROUTES:
            refused = await http.request(method, path, json=sent)
            assert refused.status_code == 429 and refused.json()["code"] == "too_many_waiting" and refused.headers["Retry-After"]
        assert (await http.post("/render/templates", json={**BODY, "priority": "batch"})).status_code == 404
        waiting[0].cancel()
        await asyncio.wait({waiting[0]})
        waiting.append(asyncio.create_task(http.request(*WAITING_ROUTES[0][:2], json=BODY)))
        await service.came.get()
        service.go_on.set()
        assert [(await task).status_code for task in waiting[1:]] == [404] * 3


def test_a_place_is_free_again_after_an_error() -> None:
    limit = WaitLimit(1)
    with pytest.raises(ZeroDivisionError), limit.place():
        raise ZeroDivisionError
    with limit.place():
        with pytest.raises(ServiceError, match="RENDER_MAX_WAITING_REQUESTS is 1") as caught, limit.place():
            raise AssertionError("there was no place")
        assert caught.value.code == "too_many_waiting" and caught.value.retry_after_sec
