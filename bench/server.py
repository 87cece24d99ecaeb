"""A server of the benchmark's own, and what its processes use."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import yaml

from serve_app.cli.checks import free_port
from serve_app.cli.client import Client
from serve_app.cli.demo import wait_for_renderer
from serve_app.cli.server_process import ServerProcess, stop_in_order


@dataclass(frozen=True)
class Cost:
    """Of one job: CPU seconds (user and system) of every process of the server, wall seconds at the client, and the job."""

    cpu: float
    wall: float
    job: dict[str, Any]

    @property
    def views(self) -> int:
        """How many were rendered."""
        return int(self.job["total_poses"])


class BenchServer:
    """A server with a fixed number of renderers, all ready; a context manager that stops it.

    Args:
        folder: for its files, and the only one that it writes to.
        cads: folder of the CADs.
        renderers: how many.
        num_gpus: of each renderer; 0 renders on the CPU.
        cache_bytes: of its cache of finished templates; 0 for none.
        environment: more settings.
        application: other values of the application in the Serve config, ``args`` among them.
    """

    def __init__(
        self,
        folder: Path,
        cads: Path,
        renderers: int,
        num_gpus: float,
        cache_bytes: int,
        environment: dict[str, str] | None = None,
        application: dict[str, Any] | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        config = yaml.safe_load((Path(__file__).parents[1] / "serve_config.yaml").read_text())
        other = dict(application or {})
        args = {"min_renderers": renderers, "max_renderers": renderers, "gpus_per_renderer": num_gpus, **other.pop("args", {})}
        config["applications"][0]["args"] |= args
        config["applications"][0] |= other
        (folder / "serve_config.yaml").write_text(yaml.safe_dump(config))
        settings = {
            "RENDER_INPUT_ROOTS": f"{cads}:{folder.parent}",
            "RENDER_OUTPUT_ROOTS": str(folder),
            "RENDER_DATA_DIR": str(folder / "data"),
            "RENDER_LOG_DIR": str(folder / "logs"),
            "RENDER_CACHE_MAX_BYTES": str(cache_bytes),
            **(environment or {}),
        }
        stop_in_order()  # Again for each server: the end of the last one has left signals ignored.
        log = folder / "server.log"
        with log.open("wb") as output:
            self._process = ServerProcess(folder / "serve_config.yaml", "127.0.0.1", free_port(), output, environment=settings)
        self._client = Client(self._process.url)
        try:
            wait_for_renderer(self._process, self._client, log)
            while sum(renderer["state"] in ("ready", "busy") for renderer in self.renderers()) < renderers:
                time.sleep(0.5)
        except BaseException:
            self._process.stop()
            raise

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._process.url

    def ingress_cpu(self) -> float:
        """CPU seconds so far of the process that answers requests."""
        times = self._ingress.cpu_times()
        return float(times.user + times.system)

    def ingress_megabytes(self) -> float:
        """Memory of the process that answers requests."""
        return float(self._ingress.memory_info().rss / 1e6)

    @cached_property
    def _ingress(self) -> psutil.Process:
        below = psutil.Process(self._process.process.pid).children(recursive=True)
        return next(process for process in below if "Ingress" in " ".join(process.cmdline()))

    @property
    def pid(self) -> int:
        """Of the process that leads its session."""
        return self._process.process.pid

    def processes(self) -> list[psutil.Process]:
        """All of the server's."""
        return self._process.session()

    def renderers(self) -> list[dict[str, Any]]:
        """What the server says of its renderers."""
        found: list[dict[str, Any]] = self._client.get("/api/v1/status")["renderers"]
        return found

    def render(self, cad: Path, output: str, **options: Any) -> Cost:
        """Render through HTTP, and wait until the files are published."""
        cpu, began = self._cpu(), time.monotonic()
        body = {"cad_path": str(cad), "output_dir": str(self.folder / output), **options}
        job = self._client.post_waiting("/render/templates", body)
        wall = time.monotonic() - began
        if job["status"] != "succeeded":
            raise RuntimeError(f"a job of the benchmark failed: {job['error_message']}")
        return Cost(self._cpu() - cpu, wall, job)

    def _cpu(self) -> float:
        """CPU seconds so far of the server's session, and of processes that ended in it."""
        seconds = 0.0
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if os.getsid(process.pid) == self._process.process.pid:
                    times = process.cpu_times()
                    seconds += times.user + times.system + times.children_user + times.children_system
        return seconds

    def __enter__(self) -> BenchServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.stop()
