"""What the machine has: Python, libraries, memory, GPUs, the kernel's confinement."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from serve_app.base.settings import Settings
from serve_app.cad.sandbox.trial import missing_protection
from serve_app.cli.checks import check_python, check_system_libraries
from serve_app.cli.doctor.finding import Finding
from serve_app.cli.messages import CommandError

_GIB = 1024**3
_RENDERER_BYTES = 0.6 * _GIB
_SERVER_BYTES = 2 * _GIB
"""Ray, Serve and one renderer."""

_WANTED_SHM = 2 * _GIB
"""Ray keeps parsed CADs there; where it finds less, it keeps them on a disk and says so."""


def python() -> Iterator[Finding]:
    """The interpreter."""
    try:
        check_python()
    except CommandError as failure:
        yield Finding("Python", "error", str(failure))
    else:
        yield Finding("Python", "ok", f"{platform.python_version()} on {platform.machine()}")


def system_libraries() -> Iterator[Finding]:
    """What Blender and OpenCV load from the system."""
    try:
        check_system_libraries()
    except CommandError as failure:
        yield Finding("system libraries", "error", str(failure))
    else:
        yield Finding("system libraries", "ok", "all that Blender links to are there")


def memory() -> Iterator[Finding]:
    """RAM."""
    free = psutil.virtual_memory().available
    told = f"{free / _GIB:.1f} GiB are free; a server takes 2 GiB with one renderer, 0.6 GiB for each further one"
    if free < _SERVER_BYTES:
        yield Finding("memory", "warning", told, "end other programs, or use another machine")
    else:
        yield Finding("memory", "ok", f"{told}: enough for {1 + int((free - _SERVER_BYTES) / _RENDERER_BYTES)}")


def sandbox() -> Iterator[Finding]:
    """What confines the process that reads CADs."""
    missing = missing_protection()
    for gap in missing:
        yield Finding("kernel sandbox", "warning", gap)
    if not missing:
        yield Finding("kernel sandbox", "ok", "CADs are read by a process that the kernel confines: Landlock, seccomp")


def gpu(settings: Settings) -> Iterator[Finding]:
    """GPUs, and whether the settings want one that is not there."""
    cards, fault = nvidia_cards()
    for card in cards:
        yield Finding("GPU", "ok", card)
    if cards:
        if settings.device == "CPU":
            yield Finding("GPU", "warning", "RENDER_DEVICE is CPU, so no GPU is used", "unset it")
        return
    if fault:
        yield Finding("GPU", "warning", fault, "install or load the NVIDIA driver; in a container, start it with --gpus all")
    elif Path("/dev/kfd").exists():
        yield Finding("GPU", "ok", "an AMD GPU's driver is loaded; RENDER_DEVICE=HIP uses it")
        return
    if settings.device not in ("auto", "CPU"):
        yield Finding(
            "GPU",
            "error",
            f"RENDER_DEVICE is {settings.device}, and no such GPU is seen",
            "unset it, or give this machine its GPU's driver",
        )
    elif not fault:
        yield Finding("GPU", "ok", "none is seen: Blender renders on the CPU")


def nvidia_cards() -> tuple[list[str], str]:
    """A sentence for each card, and what is wrong where there is one that cannot be used."""
    there = any(Path("/dev").glob("nvidia[0-9]*"))
    command = shutil.which("nvidia-smi")
    if command is None:
        return [], "an NVIDIA GPU is there, but not its driver's nvidia-smi" if there else ""
    query = [command, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.SubprocessError) as failure:
        return [], f"nvidia-smi cannot be run ({failure})"
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[:200]
        return [], f"nvidia-smi finds no usable GPU: {said}"
    rows = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines() if line.count(",") >= 2]
    return [f"{name}, driver {driver}, {size}" for name, driver, size, *_ in rows], ""


def shared_memory(settings: Settings) -> Iterator[Finding]:
    """``/dev/shm``, which Ray's object store lies in."""
    folder = Path("/dev/shm")
    if not folder.is_dir():
        yield Finding("/dev/shm", "warning", "it is not there, so Ray keeps its objects on a disk", "mount a tmpfs there")
        return
    free = shutil.disk_usage(folder).free
    told = f"{free / _GIB:.1f} GiB are free"
    if free < settings.min_free_bytes:
        level_remedy = "start the container with --shm-size=2g or more, remove files there, or lower RENDER_MIN_FREE_BYTES"
        yield Finding("/dev/shm", "error", f"{told}, less than RENDER_MIN_FREE_BYTES: no job would be accepted", level_remedy)
    elif free < _WANTED_SHM:
        yield Finding("/dev/shm", "warning", f"{told}; large CADs want more", "start the container with --shm-size=2g or more")
    else:
        yield Finding("/dev/shm", "ok", told)
