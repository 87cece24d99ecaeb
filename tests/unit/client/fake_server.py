"""A server that keeps jobs and answers as told; what the real one does with the same calls is in tests/integration/test_client.py."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from render_server_client import AsyncClient, Client

Answer = Callable[[httpx.Request], httpx.Response]


def job_of(job_id: str, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    return {"job_id": job_id, "status": status, "rendered_count": 2, "total_poses": 2, "processing_time": 1.5, "warnings": [], **more}


def refusal(status: int, code: str, **headers: str) -> Answer:
    body = {"detail": f"a sentence about {code}", "code": code, "field": None if code == "not_found" else "cad_path"}
    return lambda _: httpx.Response(status, json=body, headers=headers)


def silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("connection reset", request=request)


def nobody(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


class FakeServer:
    """Answers with ``script`` first, one entry a request (None: as usual), then as usual.

    Attributes:
        asked: requests by method and path.
        bodies: JSON that was sent, with its idempotency key.
        routes: further answers by method and path.
        older: whether there is no ``/api/v1/jobs``.
        begun: what is told of a job beside the usual, by its id.
        archive: what every ``templates.zip`` is; None where there is none.
    """

    def __init__(self) -> None:
        self.script: list[Answer | None] = []
        self.asked: Counter[str] = Counter()
        self.bodies: list[tuple[dict[str, Any], str | None]] = []
        self.routes: dict[str, Answer] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.older = False
        self.begun: Callable[[str], dict[str, Any]] = lambda _: {}
        self.archive: bytes | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, key = request.url.path, f"{request.method} {request.url.path}"
        self.asked[key] += 1
        scripted = self.script.pop(0) if self.script else None
        if scripted is not None:
            return scripted(request)
        if key in self.routes:
            return self.routes[key](request)
        if self.older and path.startswith("/api/v1/jobs"):
            return refusal(404, "not_found")(request)
        parts = path.removeprefix("/api/v1").strip("/").split("/")
        if request.method in ("POST", "PUT") and (path == "/render/templates" or parts[0] == "jobs"):
            body, idempotency = json.loads(request.content), request.headers.get("Idempotency-Key")
            self.bodies.append((body, idempotency))
            job_id = parts[1] if request.method == "PUT" else f"job-of-{idempotency}"
            self.jobs.setdefault(job_id, job_of(job_id, **self.begun(job_id)))
            return httpx.Response(200, json={"job_id": job_id, "status": "queued"})
        if parts[-1] == "templates.zip" and self.archive is not None:
            return httpx.Response(200, content=self.archive)
        if parts == ["jobs"]:
            found = [job for job in self.jobs.values() if job["status"] == request.url.params.get("status")]
            return httpx.Response(200, json={"jobs": found, "total": len(found)})
        if parts[0] == "jobs" and len(parts) == 2 and parts[1] in self.jobs:
            return httpx.Response(200, json=self.jobs[parts[1]])
        if parts[0] == "jobs" and len(parts) == 2:
            return refusal(404, "job_not_found")(request)
        return refusal(404, "not_found")(request)

    def client(self, patience_sec: float = 5.0) -> Client:
        client = Client("http://server", patience_sec=patience_sec)
        client._http = httpx.Client(transport=httpx.MockTransport(self), base_url="http://server")
        return client

    def async_client(self, patience_sec: float = 5.0) -> AsyncClient:
        client = AsyncClient("http://server", patience_sec=patience_sec)
        client._http = httpx.AsyncClient(transport=httpx.MockTransport(self), base_url="http://server")
        return client
