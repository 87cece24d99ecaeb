"""One real server, with real Blenders, for all integration tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve_app.cli.checks import free_port, port_is_free
from serve_app.cli.client import Client
from serve_app.cli.demo import wait_for_renderer
from serve_app.cli.server_process import ServerProcess
from tests.http_client import http_client
from tests.wait import wait_until

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference" / "obj_000005"
WEBHOOK_SECRET = "of the shared server's webhooks"
CHECKER = ROOT.parent / "shared" / "check_templates.py"


@dataclass
class Server:
    """A running server and the folder that it may use."""

    url: str
    folder: Path
    pid: int
    metrics_port: int = 0

    def http(self) -> httpx.Client:
        """An HTTP client."""
        return http_client(self.url, 300)

    def render(self, cad: str, output: str, **options: Any) -> dict[str, Any]:
        """Render and wait, through the job interface; paths are relative to ``folder``."""
        body = {"cad_path": str(self.folder / cad), "output_dir": str(self.folder / output), **options}
        with self.http() as http:
            response = http.post("/render/templates", params={"wait": "true"}, json=body)
        assert response.status_code == 200, response.text
        job: dict[str, Any] = response.json()
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        """A job's record."""
        with self.http() as http:
            record: dict[str, Any] = http.get(f"/jobs/{job_id}").json()
        return record

    def wait_for_views(self, job_id: str, count: int) -> None:
        """Wait until a job that is not done yet has rendered some views."""

        def enough() -> bool:
            record = self.job(job_id)
            assert record["status"] in ("queued", "running"), record
            return bool(record["rendered_count"] >= count)

        wait_until(enough, lambda: self.job(job_id))

    def log(self, job_id: str) -> str:
        """The log of a job."""
        with self.http() as http:
            return http.get(f"/jobs/{job_id}/log").text


def start_server(folder: Path, environment: dict[str, str] | None = None, host: str = "127.0.0.1", metrics_port: int = 0) -> ServerProcess:
    """Start a server of one's own on a free port; without Ray's dashboard, unless ``environment`` says otherwise."""
    port = free_port()
    assert port_is_free(host, port)
    settings = {
        "RENDER_INPUT_ROOTS": f"{folder}:{REFERENCE}",
        "RENDER_OUTPUT_ROOTS": str(folder),
        "RENDER_DATA_DIR": str(folder / "data"),
        "RENDER_LOG_DIR": str(folder / "logs"),
        "RENDER_DASHBOARD": "0",
        **(environment or {}),
    }
    output = (folder / "server.log").open("wb")
    return ServerProcess(ROOT / "serve_config.yaml", host, port, output, environment=settings, metrics_port=metrics_port)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shared server, with a renderer that is ready."""
    folder = tmp_path_factory.mktemp("server")
    for example in (ROOT / "examples").iterdir():
        if example.suffix in (".ply", ".obj", ".stl", ".mtl", ".png"):
            shutil.copy(example, folder)
    metrics_port = free_port()
    webhooks = {"RENDER_WEBHOOK_HOSTS": "127.0.0.1", "RENDER_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with start_server(folder, webhooks, metrics_port=metrics_port) as process:
        wait_for_renderer(process, Client(process.url), folder / "server.log")
        yield Server(process.url, folder, process.process.pid, metrics_port)
