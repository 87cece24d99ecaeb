"""A real server that tests hurt, and the audit of what it must never break."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import yaml

from render_actor.contract.cameras import camera_poses
from serve_app.cli.checks import free_port
from serve_app.cli.server_process import ServerProcess
from serve_app.jobs.states import FINAL_STATES
from serve_app.templates.checker.contract import check_contract
from tests.http_client import http_client
from tests.wait import wait_until

ROOT = Path(__file__).parents[2]
SMALL = {"resolution": 64, "samples": 1}
KINDS = {"renderer": "ray::BlenderActor", "replica": ":RenderWorker", "ingress": ":Ingress"}
_LONGEST_SEC = 240.0
FEW_VIEWS = 12
"""Of a job that need not be a long one: the option ``FaultServer.few``."""


class FaultServer:
    """A server of its own folder, which may be killed and started again.

    Args:
        folder: everything of it lies there.
        environment: settings beside the harness's own.
        args: of the application, over those of ``serve_config.yaml``.
        prefix: command that the server is started with.
    """

    def __init__(
        self, folder: Path, environment: dict[str, str] | None = None, args: dict[str, Any] | None = None, prefix: Sequence[str] = ()
    ) -> None:
        self.folder, self.port, self._prefix = folder, free_port(), prefix
        self.url = f"http://127.0.0.1:{self.port}"
        self.accepted: list[str] = []
        self.data = folder / "data"
        (folder / "faults").mkdir()
        for name in ("knot.ply", "crate.obj", "crate.mtl", "crate.png", "flange.stl"):
            shutil.copy(ROOT / "examples" / name, folder)
        config = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
        config["applications"][0]["args"].update({"min_renderers": 2, **(args or {})})
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        self._environment = {
            "RENDER_INPUT_ROOTS": str(folder),
            "RENDER_OUTPUT_ROOTS": str(folder),
            "RENDER_DATA_DIR": str(self.data),
            "RENDER_LOG_DIR": str(folder / "logs"),
            "RENDER_DASHBOARD": "0",
            "RENDER_CACHE_MAX_BYTES": "0",
            "RENDER_VIEW_TIMEOUT_SEC": "60",
            "RENDER_MIN_FREE_BYTES": "0",
            "FAULT_FOLDER": str(folder / "faults"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "injection"), str(ROOT)]),
            **(environment or {}),
        }
        self.process: ServerProcess | None = None
        self._number = 0
        self._audited: set[Path] = set()
        self.few = self.views(FEW_VIEWS)

    def start(self, *, ready: bool = True) -> None:
        """Start the server, and wait until it answers, and, unless told otherwise, until a renderer is ready."""
        output = (self.folder / "server.log").open("ab")
        self.process = ServerProcess(
            self.folder / "config.yaml", "127.0.0.1", self.port, output, environment=self._environment, prefix=self._prefix
        )
        self.wait_until_up(ready=ready)

    def start_with_command(self) -> subprocess.Popen[bytes]:
        """Start the server with ``render-server up`` and wait until it answers."""
        command = subprocess.Popen(
            [sys.executable, "-m", "serve_app.cli.main", "up", "--config", str(self.folder / "config.yaml"), "--host", "127.0.0.1"],
            env={**os.environ, **self._environment, "RENDER_SERVER_PORT": str(self.port), "RENDER_METRICS_PORT": "0"},
            stdout=(self.folder / "server.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: self.answers(ready=True) or command.poll() is not None, self.log_tail, _LONGEST_SEC)
        assert command.poll() is None, self.log_tail()
        return command

    def wait_until_up(self, *, ready: bool = False) -> float:
        """Wait until the server answers; returns the seconds that took."""
        began = time.monotonic()

        def up() -> bool:
            assert self.process is not None and not self.process.ended, self.log_tail()
            return self.answers(ready=ready)

        wait_until(up, self.log_tail, _LONGEST_SEC, step=0.2)
        return time.monotonic() - began

    def answers(self, *, ready: bool) -> bool:
        """Whether the server answers, and, if asked for, has a renderer that is ready."""
        try:
            with self.http() as http:
                status = http.get("/api/v1/status").json()
        except (httpx.HTTPError, ValueError):
            return False
        return not ready or bool(status.get("renderer_ready"))

    def log_tail(self) -> str:
        """The last lines of the server's console."""
        return (self.folder / "server.log").read_text(errors="replace")[-4000:]

    def http(self) -> httpx.Client:
        """An HTTP client."""
        return http_client(self.url, 300)

    def stop(self) -> None:
        """Stop the server as its command does."""
        if self.process is not None:
            self.process.stop()
            self.process = None

    def kill_everything(self) -> None:
        """``kill -9`` of every process of the server."""
        assert self.process is not None
        processes = [psutil.Process(pid) for pid in self._session()]
        for process in processes:
            with_suppressed_kill(process)
        psutil.wait_procs(processes, timeout=20)
        self.stop()

    def _session(self) -> list[int]:
        assert self.process is not None
        return [process.pid for process in self.process.session()]

    def pids(self, kind: str) -> list[int]:
        """Processes of a kind: ``renderer``, ``replica`` or ``ingress``."""
        found = []
        for pid in self._session():
            try:
                if KINDS[kind] in " ".join(psutil.Process(pid).cmdline()):
                    found.append(pid)
            except psutil.Error:
                continue
        return found

    def wait_for_pids(self, kind: str) -> list[int]:
        """Processes of a kind, as soon as there is one."""
        return wait_until(lambda: self.pids(kind), lambda: f"there is no {kind}: {self.log_tail()}", _LONGEST_SEC)

    def body(self, cad: str, output: str, **options: Any) -> dict[str, Any]:
        """A render request; paths are relative to the folder."""
        return {"cad_path": str(self.folder / cad), "output_dir": str(self.folder / "out" / output), **SMALL, **options}

    def views(self, count: int) -> dict[str, str]:
        """The option of a job that has only the first of the 42 cameras."""
        path = self.folder / f"views_{count}.npy"
        np.save(path, camera_poses(0)[:count])
        return {"camera_poses_path": str(path)}

    def submit(self, cad: str = "crate.obj", name: str = "job", **options: Any) -> str:
        """Submit a job under an id of its own, as often as it takes to be accepted: what a careful client does."""
        self._number += 1
        job_id = f"{name}-{self._number}"
        body = self.body(cad, job_id, **options)

        def accepted() -> bool:
            try:
                with self.http() as http:
                    response = http.put(f"/jobs/{job_id}", json=body)
            except httpx.HTTPError:
                return False
            assert response.status_code in (200, 429, 500, 503), response.text
            return response.status_code == 200

        wait_until(accepted, self.log_tail, _LONGEST_SEC, step=0.3)
        self.accepted.append(job_id)
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        """A job's record, as soon as the server answers."""

        def record() -> dict[str, Any] | None:
            try:
                with self.http() as http:
                    response = http.get(f"/jobs/{job_id}")
                return dict(response.json()) if response.status_code in (200, 404) else None
            except (httpx.HTTPError, ValueError):
                return None

        return wait_until(record, self.log_tail, _LONGEST_SEC, step=0.3) or {}

    def wait_for_views(self, job_id: str, count: int) -> dict[str, Any]:
        """Wait until a job that is not done yet has rendered some views; returns its record."""

        def enough() -> dict[str, Any] | None:
            record = self.job(job_id)
            assert record["status"] in ("queued", "running"), record
            return record if record["rendered_count"] >= count else None

        return wait_until(enough, lambda: self.job(job_id), _LONGEST_SEC) or {}

    def wait_until_begun(self, job_id: str) -> None:
        """Wait until a job is no longer queued."""
        wait_until(lambda: self.job(job_id)["status"] != "queued", lambda: self.job(job_id), _LONGEST_SEC)

    def wait_for_all(self, jobs: Sequence[str] = ()) -> Counter[str]:
        """Wait until these jobs, or every accepted one, have ended; returns how many ended how."""
        statuses: Counter[str] = Counter()

        def ended(job_id: str) -> bool:
            record = self.job(job_id)
            assert "status" in record, f"{job_id} is lost: {record}"
            return record["status"] in FINAL_STATES

        for job_id in jobs or self.accepted:
            wait_until(lambda job_id=job_id: ended(job_id), lambda job_id=job_id: f"{self.job(job_id)}\n{self.log_tail()}", _LONGEST_SEC)  # type: ignore[misc]
            statuses[self.job(job_id)["status"]] += 1
        return statuses

    def errors(self, jobs: Sequence[str]) -> list[str]:
        """What the jobs that did not succeed say."""
        records = [self.job(job_id) for job_id in jobs]
        return [f"{record['job_id']} {record['status']}: {record.get('error')}" for record in records if record["status"] != "succeeded"]

    def begun(self, job_id: str) -> Counter[int]:
        """How often each view of a job was begun by a Blender."""
        path = self.folder / "faults" / "rendered"
        lines = map(json.loads, path.read_text().splitlines() if path.exists() else [])
        return Counter(line["view"] for line in lines if line["job"] == job_id)

    def audit(self, *, everything: bool = False) -> None:
        """Check every invariant over all jobs so far; they must have ended.

        Args:
            everything: read also the folders that an earlier audit has read.
        """
        if everything:
            self._audited.clear()
        for job_id in self.accepted:
            record = self.job(job_id)
            assert record.get("status") in FINAL_STATES, f"{job_id}: {record}"
            folder = Path(record["templates_dir"])
            if record["status"] == "succeeded" and folder not in self._audited:
                check_templates(folder, job_id, record["total_poses"])
                self._audited.add(folder)
        for folder in set((self.folder / "out").rglob("templates")) - self._audited:
            check_templates(folder, None, None)
        leftovers = [str(path) for name in (".render-*", "*.partial*", "*.old") for path in (self.folder / "out").rglob(name)]
        assert not leftovers, leftovers
        together = self.folder / "faults" / "two-at-a-view"
        assert not together.exists(), together.read_text()


def with_suppressed_kill(process: psutil.Process) -> None:
    """Kill a process that may be gone."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.Error:
        return


def check_templates(folder: Path, job_id: str | None, views: int | None) -> None:
    """A published folder is whole: it keeps the contract, every file is the one of the manifest, and there is no other."""
    manifest = json.loads((folder / "manifest.json").read_text())
    assert job_id is None or manifest["job_id"] == job_id
    assert views is None or len(manifest["views"]) == views
    findings = check_contract(folder, views)
    assert not findings, "\n".join(map(str, findings))
    assert len(os.listdir(folder)) == 3 * len(manifest["views"]) + 1


def report(what: str, **figures: float) -> None:
    """Print a line of the table that ``make faults`` shows."""
    sys.stdout.write(f"\nFAULT {what}: {' '.join(f'{name}={value}' for name, value in figures.items())}\n")
