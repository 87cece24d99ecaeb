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

import cv2
import httpx
import numpy as np
import psutil
import yaml

from serve_app.cli.checks import free_port
from serve_app.cli.server_process import ServerProcess
from serve_app.jobs.states import FINAL_STATES
from serve_app.templates.copy import sha256_of

ROOT = Path(__file__).parents[2]
SMALL = {"resolution": 64, "samples": 1}
KINDS = {"renderer": "ray::BlenderActor", "replica": ":RenderWorker", "ingress": ":Ingress"}
_LONGEST_SEC = 240.0


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
        self.accepted: dict[str, str] = {}
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
            "RENDER_CACHE_MAX_BYTES": "0",
            "RENDER_VIEW_TIMEOUT_SEC": "60",
            "RENDER_MIN_FREE_BYTES": "0",
            "FAULT_FOLDER": str(folder / "faults"),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "injection"), str(ROOT)]),
            **(environment or {}),
        }
        self.process: ServerProcess | None = None
        self._number = 0

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
            env={**os.environ, **self._environment, "RENDER_SERVER_PORT": str(self.port)},
            stdout=(self.folder / "server.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        until = time.monotonic() + _LONGEST_SEC
        while True:
            try:
                with self.http() as http:
                    if http.get("/api/v1/status").json().get("renderer_ready"):
                        return command
            except (httpx.HTTPError, ValueError):
                pass
            assert time.monotonic() < until and command.poll() is None, self.log_tail()
            time.sleep(0.2)

    def wait_until_up(self, *, ready: bool = False) -> float:
        """Wait until the server answers; returns the seconds that took."""
        began = time.monotonic()
        while True:
            assert self.process is not None and not self.process.ended, self.log_tail()
            assert time.monotonic() - began < _LONGEST_SEC, self.log_tail()
            try:
                status = self.http().get("/api/v1/status").json()
                if not ready or status.get("renderer_ready"):
                    return time.monotonic() - began
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(0.2)

    def log_tail(self) -> str:
        """The last lines of the server's console."""
        return (self.folder / "server.log").read_text(errors="replace")[-4000:]

    def http(self) -> httpx.Client:
        """An HTTP client."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

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
        until = time.monotonic() + _LONGEST_SEC
        while not (found := self.pids(kind)):
            assert time.monotonic() < until, f"there is no {kind}: {self.log_tail()}"
            time.sleep(0.05)
        return found

    def body(self, cad: str, output: str, **options: Any) -> dict[str, Any]:
        """A render request; paths are relative to the folder."""
        return {"cad_path": str(self.folder / cad), "output_dir": str(self.folder / "out" / output), **SMALL, **options}

    def submit(self, cad: str = "crate.obj", name: str = "job", **options: Any) -> str:
        """Submit a job under an id of its own, as often as it takes to be accepted: what a careful client does."""
        self._number += 1
        job_id = f"{name}-{self._number}"
        body = self.body(cad, job_id, **options)
        until = time.monotonic() + _LONGEST_SEC
        while True:
            try:
                with self.http() as http:
                    response = http.put(f"/jobs/{job_id}", json=body)
                if response.status_code == 200:
                    self.accepted[job_id] = str(response.json()["status"])
                    return job_id
                assert response.status_code in (429, 500, 503), response.text
            except httpx.HTTPError:
                pass
            assert time.monotonic() < until, self.log_tail()
            time.sleep(0.3)

    def job(self, job_id: str) -> dict[str, Any]:
        """A job's record, as soon as the server answers."""
        until = time.monotonic() + _LONGEST_SEC
        while True:
            try:
                with self.http() as http:
                    response = http.get(f"/jobs/{job_id}")
                if response.status_code in (200, 404):
                    record: dict[str, Any] = response.json()
                    return record
            except (httpx.HTTPError, ValueError):
                pass
            assert time.monotonic() < until, self.log_tail()
            time.sleep(0.3)

    def wait_for_all(self) -> Counter[str]:
        """Wait until every accepted job has ended; returns how many ended how."""
        until = time.monotonic() + _LONGEST_SEC
        for job_id in self.accepted:
            while (record := self.job(job_id)).get("status") not in FINAL_STATES:
                assert "status" in record, f"{job_id} is lost: {record}"
                assert time.monotonic() < until, f"{job_id} does not end: {record}\n{self.log_tail()}"
                time.sleep(0.3)
        return Counter(self.job(job_id)["status"] for job_id in self.accepted)

    def begun(self, job_id: str) -> Counter[int]:
        """How often each view of a job was begun by a Blender."""
        path = self.folder / "faults" / "rendered"
        lines = map(json.loads, path.read_text().splitlines() if path.exists() else [])
        return Counter(line["view"] for line in lines if line["job"] == job_id)

    def audit(self) -> None:
        """Check every invariant over all jobs so far; they must have ended."""
        for job_id in self.accepted:
            record = self.job(job_id)
            assert record.get("status") in FINAL_STATES, f"{job_id}: {record}"
            folder = Path(record["templates_dir"])
            if record["status"] == "succeeded":
                check_templates(folder, job_id, record["total_poses"])
        for folder in (self.folder / "out").rglob("templates"):
            check_templates(folder, None, None)
        leftovers = [str(path) for path in (self.folder / "out").rglob("*.partial*")] + [
            str(path) for path in (self.folder / "out").rglob("*.old")
        ]
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
    """A published folder is whole: every file decodes, is the one of the manifest, and every mask shows something."""
    manifest = json.loads((folder / "manifest.json").read_text())
    assert job_id is None or manifest["job_id"] == job_id
    assert views is None or len(manifest["views"]) == views
    names = {"manifest.json"}
    for view in manifest["views"]:
        for name, file in view["files"].items():
            names.add(name)
            assert sha256_of(folder / name) == file["sha256"], f"{folder / name} is not what the manifest says"
        index = view["index"]
        mask = cv2.imread(str(folder / f"mask_{index}.png"), cv2.IMREAD_UNCHANGED)
        rgb = cv2.imread(str(folder / f"rgb_{index}.png"), cv2.IMREAD_UNCHANGED)
        xyz = np.load(folder / f"xyz_{index}.npy")
        assert mask.any() and rgb.shape == xyz.shape == (*mask.shape, 3)
    assert names == set(os.listdir(folder)) and len(names) == 3 * len(manifest["views"]) + 1


def report(what: str, **figures: float) -> None:
    """Print a line of the table that ``make faults`` shows."""
    sys.stdout.write(f"\nFAULT {what}: {' '.join(f'{name}={value}' for name, value in figures.items())}\n")
