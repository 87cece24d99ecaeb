"""The console command against the real server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from serve_app.cli.checks import free_port
from serve_app.cli.contact_sheet import write_contact_sheet
from tests.integration.conftest import Server
from tests.wait import wait_until


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "serve_app.cli.main", *words], capture_output=True, text=True, check=False, timeout=300)


def test_smoke_passes_on_a_good_server(server: Server) -> None:
    words = ["--url", server.url, "--cad", str(server.folder / "flange.stl"), "--output", str(server.folder / "smoke")]
    done = command("smoke", *words, "--resolution", "64")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert all(line.startswith(("[INFO]", "[SUCCESS]")) for line in lines)
    assert [line.split(":")[0] for line in lines if line.startswith("[SUCCESS]")] == [
        "[SUCCESS] health",
        "[SUCCESS] status",
        "[SUCCESS] render",
        "[SUCCESS] files",
    ]


def test_smoke_fails_with_one_line_where_no_server_is() -> None:
    done = command("smoke", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1 and done.stderr.startswith("[ERROR] no server answers") and len(done.stderr.splitlines()) == 1


def test_render_and_jobs(server: Server) -> None:
    output = server.folder / "by_command"
    done = command("render", str(server.folder / "flange.stl"), str(output), "--url", server.url, "--resolution", "64", "--samples", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("[SUCCESS] 42 templates in ")
    listing = command("jobs", "--url", server.url, "--limit", "1")
    assert "succeeded" in listing.stdout and "42/42" in listing.stdout
    job_id = listing.stdout.split()[0]
    assert "job succeeded" in command("jobs", job_id, "--log", "--url", server.url).stdout
    write_contact_sheet(output / "templates", 42, output / "sheet.png")
    assert (output / "sheet.png").stat().st_size > 10_000


def test_a_refused_render_is_one_error_line(server: Server) -> None:
    done = command("render", "/etc/hostname", str(server.folder / "x"), "--url", server.url, "--no-upload")
    assert done.returncode == 1 and "RENDER_INPUT_ROOTS" in done.stderr


def test_the_server_sends_no_usage_statistics(server: Server) -> None:
    # A process that renamed itself shows no environment any more.
    seen = {}
    for process in psutil.Process(server.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # It has just ended.
            seen[process.name()] = process.environ()
    readable = {name: environment for name, environment in seen.items() if "PATH" in environment}
    assert {"raylet", "gcs_server"} <= set(readable)
    assert all(environment.get("RAY_USAGE_STATS_ENABLED") == "0" for environment in readable.values())


def test_check_says_where_the_key_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("a secret key\n")
    monkeypatch.setenv("RENDER_API_KEY", "")
    monkeypatch.setenv("RENDER_API_KEY_FILE", str(tmp_path / "key"))
    done = command("check")
    assert done.returncode == 0 and f"'{tmp_path}/key' (RENDER_API_KEY_FILE)" in done.stdout and "a secret key" not in done.stdout


@pytest.mark.parametrize("words", [("check",), ("up",), ("demo",), ("jobs",)])
def test_a_key_file_that_is_not_usable_is_one_error_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("RENDER_API_KEY", "")
    monkeypatch.setenv("RENDER_API_KEY_FILE", str(tmp_path / "none"))
    done = command(*words)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"[ERROR] RENDER_API_KEY_FILE ('{tmp_path}/none') cannot be read: No such file or directory; name a file")


@pytest.mark.parametrize("words", [("nonsense",), ("up", "--config", "none.yaml", "--port", "1")])
def test_a_wrong_command_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    done = command(*words)
    assert done.returncode != 0 and "Traceback" not in done.stderr


def test_up_takes_its_port_from_the_environment_and_ends_in_order(tmp_path: Path) -> None:
    """SIGTERM while Ray is still starting, the moment at which processes were once left behind."""
    port, metrics_port = free_port(), free_port()
    ports = {"RENDER_SERVER_PORT": str(port), "RENDER_METRICS_PORT": str(metrics_port)}
    environment = {**os.environ, "RENDER_SERVER_HOST": "127.0.0.1", "RENDER_DATA_DIR": str(tmp_path), **ports}
    config = Path(__file__).parents[2] / "serve_config.yaml"
    up = subprocess.Popen(
        [sys.executable, "-m", "serve_app.cli.main", "up", "--config", str(config)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert up.stdout is not None and f"http://127.0.0.1:{port}" in up.stdout.readline()
    assert f"metrics for Prometheus: port {metrics_port}," in up.stdout.readline()
    server = psutil.Process(up.pid).children()[0]

    def raylet_runs() -> bool:
        with contextlib.suppress(psutil.Error):  # One of them has just ended.
            return any("raylet" in process.name() for process in server.children(recursive=True))
        return False

    wait_until(raylet_runs, "Ray's start")
    up.send_signal(signal.SIGTERM)
    up.communicate(timeout=90)
    left = [process for process in psutil.process_iter() if _session_of(process) == server.pid]
    assert up.returncode == 0 and left == []


def _session_of(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (OSError, psutil.Error):
        return None
