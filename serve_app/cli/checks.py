"""What must be right before a server can start, each with one line that says what to do."""

from __future__ import annotations

import argparse
import importlib.util
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from serve_app.base.api_key import key_of, source_of_key
from serve_app.base.errors import UnusableStoreError
from serve_app.base.settings import Settings
from serve_app.cad.sandbox.trial import missing_protection
from serve_app.cli.messages import CommandError, info, success, warning
from serve_app.jobs.database import check_store

# Debian and Ubuntu packages that hold the libraries the PyPI bpy and opencv load from the system.
SYSTEM_PACKAGES = "libgl1 libglib2.0-0 libice6 libsm6 libx11-6 libxext6 libxfixes3 libxi6 libxkbcommon0 libxrender1"


_RAY_ANSWERS_SEC = 5.0

_FREE_PORTS = range(20000, 32000)

_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def check(arguments: argparse.Namespace) -> None:
    """``render-server check``: what must be right before a server can start; ``doctor`` looks at more."""
    check_python()
    check_system_libraries()
    settings = Settings()
    key_of(settings)
    info(f"API key: {source_of_key(settings)}")
    check_confinement()
    success("Python and the system libraries are right")


def check_python() -> None:
    """Blender as a Python module exists for 3.11 alone."""
    if sys.version_info[:2] != (3, 11):
        running = ".".join(map(str, sys.version_info[:3]))
        raise CommandError(f"Python 3.11 is needed, because bpy 4.5 is built for it; this is {running}. Install python3.11 and run again.")


def check_system_libraries() -> None:
    """Ask the loader whether each library that Blender links to is there, without loading Blender."""
    found = importlib.util.find_spec("bpy")
    if found is None or found.origin is None:
        raise CommandError("bpy is not installed in this environment; run `make setup`.")
    ldd = shutil.which("ldd")
    if ldd is None:
        return
    folder = Path(found.origin).parent
    for library in [path for path in (folder / "__init__.so", folder.parent / "cv2" / "cv2.abi3.so") if path.exists()]:
        listing = subprocess.run([ldd, str(library)], capture_output=True, text=True, check=False).stdout
        missing = [line.split()[0] for line in listing.splitlines() if "not found" in line]
        if missing:
            raise CommandError(
                f"Blender needs system libraries that are missing ({', '.join(missing)}); "
                f"on Debian or Ubuntu: sudo apt-get install -y {SYSTEM_PACKAGES}"
            )


def check_confinement() -> None:
    """Say what the kernel lacks to confine the process that reads CADs: the server runs without it, less safely."""
    missing = missing_protection()
    for gap in missing:
        warning(gap)
    if not missing:
        info("CADs are read by a process that the kernel confines: Landlock, seccomp")


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there.

    Two Serve clusters can share a port without a word, and each gets half of the requests: so this asks by connecting,
    too.
    """
    wildcard = host in ("0.0.0.0", "::")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1)
        if probe.connect_ex((_LOOPBACK[family] if wildcard else host, port)) == 0:
            return False
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def check_port(host: str, port: int) -> None:
    """Refuse a port that something listens on."""
    if not port_is_free(host, port):
        raise CommandError(
            f"port {port} on {host} is taken by another program; stop it, or choose another port: RENDER_SERVER_PORT={port + 1}"
        )


def check_ray(address: str) -> None:
    """Refuse an address of a Ray cluster where nothing listens: Ray itself would try it for minutes, without a word.

    Args:
        address: ``host:port`` of the head, ``auto`` for the Ray of this machine, or an address of another kind, which is not looked at.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_RAY_ANSWERS_SEC):
            pass
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"--address {address}: no Ray answers there ({error}); give the address that `ray start --head` has named"
        ) from error


def check_data_folder(folder: Path) -> None:
    """Refuse a ``RENDER_DATA_DIR`` that another server uses, or whose job store is damaged."""
    try:
        check_store(folder)
    except UnusableStoreError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"RENDER_DATA_DIR ({folder}) cannot be used: {error.strerror}; set it to a folder that can be written"
        ) from error


def free_port() -> int:
    """A port on loopback that nothing listens on.

    It is used some seconds later. So it is none of those that the kernel gives to whoever asks for any port, as Ray's processes do, nor
    of those that Ray's workers of a cluster use (10002 to 19999).
    """
    for port in random.SystemRandom().sample(_FREE_PORTS, 100):
        if port_is_free("127.0.0.1", port):
            return port
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        found: int = listener.getsockname()[1]
        return found
