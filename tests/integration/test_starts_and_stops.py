"""What a person sees of a server's start and stop; a server that keeps no renderer; starts that cannot succeed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from serve_app.cli.checks import free_port
from tests.http_client import http_client
from tests.integration.conftest import ROOT, Server
from tests.wait import wait_until

MAX_LINES_TO_READY = 10
DOWNSCALE_DELAY_SEC = 5
OF_A_BUSY_MACHINE = ("Failed to get queue length from", "Didn't receive health check response for proxy", "have taken more than")
"""What Serve may warn of where a process starts or answers slowly."""


def config_of(folder: Path, **args: Any) -> Path:
    """A Serve config with other arguments of the application."""
    content = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    content["applications"][0]["args"].update(args)
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return folder / "config.yaml"


def settings_of(folder: Path, **more: str) -> dict[str, str]:
    own = {"RENDER_DATA_DIR": "data", "RENDER_LOG_DIR": "logs", "RENDER_OUTPUT_ROOTS": "."}
    return {
        **os.environ,
        **{name: str(folder / value) for name, value in own.items()},
        "RENDER_INPUT_ROOTS": str(folder),
        "RENDER_SERVER_HOST": "127.0.0.1",
        "RENDER_SERVER_PORT": str(free_port()),
        **more,
    }


def up(settings: dict[str, str], *words: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
    """``render-server up`` that ends by itself."""
    command = [sys.executable, "-m", "serve_app.cli.main", "up", *words]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=timeout, cwd=ROOT)


def test_a_server_that_keeps_no_renderer_starts_them_for_a_job_and_takes_them_away(tmp_path: Path) -> None:
    """From none to the most and back, and all that a person sees of it."""
    shutil.copy(ROOT / "examples" / "knot.ply", tmp_path)
    settings = settings_of(tmp_path, RENDER_LOG_FORMAT="json")
    config = config_of(tmp_path, min_renderers=0, max_renderers=2, downscale_delay_sec=DOWNSCALE_DELAY_SEC)
    console = tmp_path / "console"
    command = [sys.executable, "-m", "serve_app.cli.main", "up", "--config", str(config)]
    server = subprocess.Popen(command, env=settings, stdout=console.open("wb"), stderr=subprocess.STDOUT, cwd=ROOT)

    def lines(event: str = "") -> list[dict[str, Any]]:
        whole = console.read_text().rpartition("\n")[0]
        told = [line for line in map(json.loads, whole.splitlines()) if not any(words in line["event"] for words in OF_A_BUSY_MACHINE)]
        return [line for line in told if line["event"].startswith(event)]

    try:
        wait_until(lambda: lines("ready") or server.poll() is not None, console.read_text)
        assert len(lines()) <= MAX_LINES_TO_READY and {line["level"] for line in lines()} == {"info"}
        assert f"http://127.0.0.1:{settings['RENDER_SERVER_PORT']}" in lines()[-1]["event"]
        with http_client(f"http://127.0.0.1:{settings['RENDER_SERVER_PORT']}", 30) as http:
            assert http.get("/ready").status_code == 200 and _renderers(http) == 0
            job_id = _rendered_from_none(http, tmp_path, "out", 2)
            log_of_job = http.get(f"/jobs/{job_id}/log").text
        assert "waits for a renderer to start" in log_of_job and "views are rendered again" not in log_of_job
        wait_until(lambda: lines("job succeeded"), console.read_text)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(90)
    assert server.returncode == 0
    after = [(line["event"].partition(";")[0].partition(":")[0], line["level"]) for line in lines()[lines().index(lines("ready")[0]) + 1 :]]
    assert after == [("job succeeded", "info"), ("stopping", "info"), ("stopped", "info")]
    assert lines()[-1]["event"] == "stopped; no job goes on at the next start"
    log = tmp_path / "logs" / f"server-{settings['RENDER_SERVER_PORT']}.out"
    assert any(str(log) in line["event"] for line in lines()) and "Imported and built app" in log.read_text()


def _renderers(http: httpx.Client) -> int:
    return len(http.get("/api/v1/status").json()["renderers"])


def _rendered_from_none(http: httpx.Client, folder: Path, output: str, most: int) -> str:
    """Have a job done by a server without a renderer, see it get so many at least, and see them go again."""
    body = {"cad_path": "knot.ply", "output_dir": output, "resolution": 64, "samples": 2 + most}
    body |= {name: str(folder / str(body[name])) for name in ("cad_path", "output_dir")}
    job_id = http.post("/render/templates", json=body).json()["job_id"]

    def job() -> dict[str, Any]:
        record: dict[str, Any] = http.get(f"/jobs/{job_id}").json()
        return record

    wait_until(lambda: _renderers(http) >= most, job)
    wait_until(lambda: job()["status"] == "succeeded", job)
    assert "waiting_for" not in job() and len(os.listdir(job()["templates_dir"])) == 42 * 3 + 1
    wait_until(lambda: _renderers(http) == 0, lambda: f"{_renderers(http)} renderers are left")
    return job_id


def test_a_second_server_on_a_data_folder_is_refused_at_once(server: Server, tmp_path: Path) -> None:
    done = up(settings_of(tmp_path, RENDER_DATA_DIR=str(server.folder / "data")))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"[ERROR] another server uses {server.folder / 'data'}; stop it, or set RENDER_DATA_DIR to another folder\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"RENDER_MAX_SAMPLES": "5"}, "RENDER_MAX_SAMPLES"),
        ({"RENDER_DATA_DIR": "/proc/data"}, "RENDER_DATA_DIR (/proc/data) cannot be used"),
        ({"RENDER_LOG_FORMAT": "xml"}, "RENDER_LOG_FORMAT must be text or json"),
    ],
)
def test_a_wrong_setting_is_one_error_line(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    done = up(settings_of(tmp_path, **settings))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and done.stderr.startswith("[ERROR] ") and said in done.stderr


def test_a_damaged_job_store_is_one_error_line_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "jobs.sqlite3"
    database.write_bytes(b"SQLite format 3\0" + os.urandom(8192))
    content = database.read_bytes()
    done = up(settings_of(tmp_path))
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "is damaged or cannot be used" in done.stderr and "move jobs.sqlite3" in done.stderr
    assert database.read_bytes() == content


def test_an_application_that_serve_gives_up_ends_the_server_with_one_error_line(tmp_path: Path) -> None:
    done = up(settings_of(tmp_path), "--config", str(config_of(tmp_path, min_renderers=9)))
    assert done.returncode == 1 and done.stderr == ""
    (error,) = [line for line in done.stdout.splitlines() if not line.startswith("[INFO]")]
    assert error.startswith("[ERROR]") and "min_renderers (9) must not exceed max_renderers (2)" in error
