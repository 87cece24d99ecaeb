from __future__ import annotations

import threading

from pydantic import SecretStr

from serve_app.base.settings import Settings
from tests.unit.serve_app.http.fake_server import api, client


async def test_no_request_takes_a_thread(settings: Settings) -> None:
    """FastAPI runs a plain function of a route, or of what it depends on, in a thread: two hundred waiting clients took eighty."""
    before = set(threading.enumerate())
    body = {"cad_path": "a.ply", "output_dir": "out"}
    async with client(api(settings, api_key=SecretStr("key"))) as http:
        http.headers["X-API-Key"] = "key"
        answers = [
            await http.get("/health"),
            await http.get("/jobs?limit=1"),
            await http.get("/jobs/unknown"),
            await http.post("/render/templates?wait=true", json=body),
            await http.put("/jobs/mine", json=body),
            await http.post("/api/v1/render-templates", json=body),
            await http.post("/api/v1/render-templates-batch", json=[body]),
            await http.get("/api/v1/status"),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 404, 404, 200, 500]
    assert not [thread.name for thread in set(threading.enumerate()) - before if "AnyIO" in thread.name]
