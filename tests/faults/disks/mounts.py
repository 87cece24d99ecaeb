"""Disks of a server's own mount namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.fault_server import FaultServer

CAN_MOUNT = (
    os.geteuid() == 0
    and shutil.which("nsenter") is not None
    and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0
)
needs_mounts = pytest.mark.skipif(not CAN_MOUNT, reason="mounting a small disk needs root and unshare")


def can_loop() -> bool:
    """Whether disks can be made of files, and told to have an error."""
    return shutil.which("mkfs.ext4") is not None and Path("/dev/loop-control").exists() and Path("/sys/fs/ext4").is_dir()


needs_loop = pytest.mark.skipif(not can_loop(), reason="a disk with errors needs loop devices and ext4")


def inside(server: FaultServer, command: str) -> str:
    """Run a command in the server's mount namespace."""
    pid = server.wait_for_pids("ingress")[0]
    return subprocess.run(["nsenter", "-t", str(pid), "-m", "sh", "-c", command], check=True, capture_output=True, text=True).stdout


def status_of(server: FaultServer, name: str) -> tuple[int, str]:
    with server.http() as http:
        response = http.put(f"/jobs/{name}", json=server.body("crate.obj", name))
    if response.status_code == 200:
        server.accepted.append(name)
    return response.status_code, response.json().get("code", "")
