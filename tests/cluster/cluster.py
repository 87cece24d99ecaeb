"""A server on a Ray cluster of several machines, deployed as docs/cluster.md says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.machine import RAY_PORT, ROOT, Machine
from tests.cluster.network import Network
from tests.faults.fault_server import FaultServer
from tests.wait import wait_until

HEAD = "head"
_REDIS_PASSWORD = "of-this-test-alone"
_RENDERER_CPUS = 1.0
"""Of a machine with two CPUs: one renderer each, and none on the head, which is started with none."""


class Cluster(FaultServer):
    """A head that holds the data and renders nothing, and workers that render; a context manager.

    Args:
        folder: everything lies there; the head's disk in ``disk``.
        shared_disk: whether all machines see the head's disk, or each has one of its own in its place.
        workers: how many there are at first.
        renderers: how many are wanted; more than there are workers wait for a place.
        redis: address of a Redis for the head's state; none keeps it in the head's memory.
    """

    def __init__(self, folder: Path, *, shared_disk: bool, workers: int = 2, renderers: int = 2, redis: bool = False) -> None:
        (folder / "disk").mkdir()
        super().__init__(folder / "disk")
        self.network = Network()
        self.machines: dict[str, Machine] = {}
        self._base, self.shared, self._count, self._renderers, self._redis = folder, shared_disk, workers, renderers, redis
        self.settings = {
            "input_roots": [str(self.folder)],
            "output_roots": [str(self.folder)],
            "data_dir": str(self.data),
            "log_dir": str(self.folder / "logs"),
            "cache_max_bytes": 0,
            "min_free_bytes": 0,
            "view_timeout_sec": 60,
        }
        self.data.mkdir()
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token"), "RAY_USAGE_STATS_ENABLED": "0"}
        (folder / "token").write_text("of-this-test-alone-0123456789abcdef")
        (folder / "token").chmod(0o600)

    def machine(self, name: str) -> Machine:
        """A machine by its name, made when it is asked for first."""
        if name not in self.machines:
            hidden = None if self.shared or name in (HEAD, "redis") else self.folder
            self.machines[name] = Machine(self.network, name, self._base / name, hidden, self.environment)
        return self.machines[name]

    def start_head(self, *, data: bool = True) -> None:
        """Start Ray on the head, as the node with the data or not, and wait until it takes deployments."""
        head = self.machine(HEAD)
        redis = []
        if self._redis:
            head.environment["RAY_REDIS_ADDRESS"] = self._redis_address()
            redis.append(f"--redis-password={_REDIS_PASSWORD}")
        resources = json.dumps({"render_data": 1} if data else {})
        head.ray_start("--head", f"--port={RAY_PORT}", "--num-cpus=0", "--num-gpus=0", "--resources", resources, *redis)
        self._wait_for_ray(head)

    def _redis_address(self) -> str:
        """Address of the Redis, on a machine of its own, which is started if it does not run."""
        redis = self.machine("redis")
        if not redis.runs:
            guarded = ["--bind", redis.address, "--requirepass", _REDIS_PASSWORD]
            redis.start(["redis-server", *guarded, "--save", "", "--dir", "/tmp/ray"])
        return f"{redis.address}:6379"

    def start_worker(self, name: str, *arguments: str) -> Machine:
        """Start Ray on a machine that renders."""
        worker = self.machine(name)
        worker.ray_start(f"--address={self.machine(HEAD).address}:{RAY_PORT}", *(arguments or ("--num-cpus=2", "--num-gpus=0")))
        return worker

    def start_all(self) -> None:
        """Start head and workers, deploy, and wait until every renderer that fits is ready."""
        self.start_head()
        for number in range(self._count):
            self.start_worker(f"worker{number}")
        self.deploy()
        self.wait_for_renderers(*(f"worker{number}" for number in range(self._count)))

    def _wait_for_ray(self, head: Machine) -> None:
        def up() -> bool:
            assert head.runs, head.log
            return self._command("-m", "ray.serve.scripts", "status").returncode == 0

        wait_until(up, lambda: head.log, 300, step=0.5)

    def _command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120)

    def deploy(self, **args: Any) -> None:
        """``serve deploy`` on the head; ``args`` over those of the test's config."""
        content = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
        content["proxy_location"] = "HeadOnly"
        content["http_options"] = {"host": "0.0.0.0", "port": self.port}
        content["applications"][0]["args"] = {
            "ingress_resources": {"render_data": 0.01},
            "settings": self.settings,
            "min_renderers": self._renderers,
            "max_renderers": self._renderers,
            "cpus_per_renderer": _RENDERER_CPUS,
            **args,
        }
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(content))
        done = self._command("-m", "ray.serve.scripts", "deploy", str(path))
        assert done.returncode == 0, done.stdout + done.stderr

    def serve_status(self) -> dict[str, Any]:
        """What ``serve status`` says of the application."""
        done = self._command("-m", "ray.serve.scripts", "status")
        return dict((yaml.safe_load(done.stdout) or {}).get("applications", {}).get("render-server", {})) if done.returncode == 0 else {}

    def renderers(self) -> dict[str, str]:
        """States of the renderers by the names of their machines; of two on one, of the one that is not lost."""
        names = {machine.address: machine.name for machine in self.machines.values()}
        with self.http() as http:
            status = http.get("/api/v1/status").json()
        told = sorted(status["renderers"], key=lambda renderer: renderer["state"] != "lost")
        return {names[renderer["node_address"]]: renderer["state"] for renderer in told}

    def wait_for_renderers(self, *names: str, state: Sequence[str] = ("ready", "busy")) -> None:
        """Wait until each of these machines has a renderer in such a state."""

        def there() -> bool:
            if not self.answers(ready=False):
                return False
            states = self.renderers()
            return all(states.get(name) in state for name in names)

        wait_until(there, self.log_tail, 240, step=0.3)

    def log_tail(self) -> str:
        """What there is to say when something did not happen."""
        consoles = [f"--- {machine.name}\n{machine.log}" for machine in self.machines.values()]
        try:
            status = str(self.answers(ready=False) and self.renderers())
        except Exception as error:
            status = repr(error)
        return "\n".join([status, json.dumps(self.serve_status(), default=str)[-2000:], *consoles])

    def rendered(self, job_id: str) -> list[tuple[int, str]]:
        """The views of a job in the order in which they were taken into its folder, each with the id of its renderer: by the job's log."""
        log = (self.folder / "logs" / f"{job_id}.log").read_text()
        lines = [line for line in log.splitlines() if "view rendered" in line]
        return [(int(_field(line, "view")), _field(line, "renderer")) for line in lines]

    def machines_of(self, job_id: str) -> set[str]:
        """Names of the machines that views of a job were rendered on, of those whose renderers the server still names."""
        names = {machine.address: machine.name for machine in self.machines.values()}
        with self.http() as http:
            told = http.get("/api/v1/status").json()["renderers"]
        machine_of = {renderer["id"]: names[renderer["node_address"]] for renderer in told}
        return {machine_of[renderer] for _, renderer in self.rendered(job_id) if renderer in machine_of}

    def audit(self, *, everything: bool = False) -> None:
        """As ``FaultServer.audit``, and no view was taken into its job's folder twice."""
        super().audit(everything=everything)
        for job_id in self.accepted:
            twice = {view: times for view, times in Counter(view for view, _ in self.rendered(job_id)).items() if times > 1}
            assert not twice, f"{job_id}: {twice}"

    def wait_until_up(self, *, ready: bool = False) -> float:
        """Wait until the server answers."""
        wait_until(lambda: self.answers(ready=ready), self.log_tail, 240, step=0.3)
        return 0.0

    def close(self) -> None:
        """Pull every plug and take the network away."""
        for machine in self.machines.values():
            machine.kill()
        self.network.close()
        shutil.rmtree(self._base / "disk", ignore_errors=True)


def _field(line: str, name: str) -> str:
    found = re.search(rf"\b{name}=(\S+)", line)
    assert found is not None, line
    return found[1].strip("'\"")
