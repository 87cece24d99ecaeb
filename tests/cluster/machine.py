"""A machine of the test's own: its network, its processes, its disk, and on it a real ``ray start``."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.cluster.network import Network

ROOT = Path(__file__).parents[2]
RAY_PORT = 6379
OBJECT_STORE_BYTES = 256 * 1024**2


class Machine:
    """A network, mount and process namespace.

    Args:
        network: that it is attached to.
        name: of it.
        folder: what is its own lies there.
        hidden: a folder of the head's disk in whose place this machine has an empty one of its own; None where the disk is shared.
        environment: of all its processes.

    Attributes:
        environment: the same, to be changed before Ray is started.
    """

    def __init__(self, network: Network, name: str, folder: Path, hidden: Path | None, environment: dict[str, str]) -> None:
        self.name, self._folder, self._hidden, self.environment = name, folder, hidden, dict(environment)
        self.namespace, self.address = network.attach(name)
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("ray", "disk"):
            (folder / part).mkdir(parents=True)

    @property
    def log(self) -> str:
        """The last lines of its console."""
        path = self._folder / "console.log"
        return path.read_text(errors="replace")[-1500:] if path.exists() else ""

    def ray_start(self, *arguments: str) -> None:
        """Start Ray; returns at once."""
        ray = [
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            "--block",
            "--disable-usage-stats",
            f"--node-ip-address={self.address}",
        ]
        self.start([*ray, f"--object-store-memory={OBJECT_STORE_BYTES}", *arguments])

    def start(self, command: Sequence[str]) -> None:
        """Start a command that is the machine's first process: when it is killed, so is all that it has started."""
        mounts = [f"mount --bind {shlex.quote(str(self._folder / 'ray'))} /tmp/ray"]
        if self._hidden is not None:
            mounts.append(f"mount --bind {shlex.quote(str(self._folder / 'disk'))} {shlex.quote(str(self._hidden))}")
        Path("/tmp/ray").mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            [
                *("ip", "netns", "exec", self.namespace, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("sh", "-ec", "\n".join([*mounts, f"exec {shlex.join(command)}"])),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / "console.log").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def runs(self) -> bool:
        """Whether its first process does."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Of its first process, as long as that runs."""
        return self._process.pid if self._process is not None and self.runs else None

    def kill(self) -> None:
        """Pull the plug: every process of it is gone when this returns."""
        if self._process is not None:
            first = psutil.Process(self._process.pid).children() if self.runs else []
            self._process.kill()
            self._process.wait()
            psutil.wait_procs(first, timeout=30)  # The first one of a process namespace ends after all others.
            self._process = None
