"""What a server of these settings would use: folders, ports, its key, Ray's token."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from serve_app.base.api_key import UnusableKeyError, is_loopback, key_of, source_of_key
from serve_app.base.ray_token import token_file
from serve_app.base.settings import Settings
from serve_app.cli.checks import check_data_folder, port_is_free
from serve_app.cli.client import Client
from serve_app.cli.doctor.finding import Finding, Level
from serve_app.cli.messages import CommandError

_GIB = 1024**3


def folders(settings: Settings) -> Iterator[Finding]:
    """Whether the server may write where it has to, and whether there is room."""
    own = {"RENDER_DATA_DIR": settings.data_dir, "RENDER_LOG_DIR": settings.log_dir}
    for name, folder in own.items():
        yield _writable(name, folder, settings, wanted=True)
    roots = settings.resolved_output_roots
    found = [_writable("RENDER_OUTPUT_ROOTS", root, settings, wanted=False) for root in roots]
    yield from found
    if all(finding.level != "ok" for finding in found):
        yield Finding("RENDER_OUTPUT_ROOTS", "error", "no output folder can be written", "name one that can, or make it")


def _writable(name: str, folder: Path, settings: Settings, *, wanted: bool) -> Finding:
    """A folder: one that is not there yet counts by the nearest one above it that is."""
    level: Level = "error" if wanted else "warning"
    there = next((path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()), Path("/"))
    told = f"{folder} is not there yet, and {there}" if there != folder.absolute() else f"{there}"
    if not there.is_dir():
        return Finding(name, level, f"{there} is no folder", f"set {name} to one")
    try:
        with tempfile.TemporaryFile(dir=there):  # What os.access says is not what a read-only mount does.
            pass
    except OSError as failure:
        return Finding(name, level, f"{told} cannot be written: {failure.strerror}", f"set {name} to a folder that can")
    free = shutil.disk_usage(there).free
    if free < settings.min_free_bytes:
        remedy = "free some, or lower RENDER_MIN_FREE_BYTES"
        return Finding(name, "error", f"{told}: {free / _GIB:.1f} GiB are free, so no job would be accepted", remedy)
    return Finding(name, "ok", f"{told} can be written, {free / _GIB:.1f} GiB are free")


def job_store(settings: Settings) -> Iterator[Finding]:
    """Whether another server uses the jobs, or their store is damaged."""
    try:
        check_data_folder(settings.data_dir)
    except CommandError as failure:
        level: Level = "warning" if "another server uses" in str(failure) else "error"
        yield Finding("job store", level, str(failure))


def ports(settings: Settings) -> Iterator[Finding]:
    """The server's own port and that of metrics."""
    host, port = settings.server_host, settings.server_port
    if port_is_free(host, port):
        yield Finding("port", "ok", f"{port} on {host} is free")
    elif Client(f"http://127.0.0.1:{port}").answers():
        yield Finding("port", "ok", f"a Render Server answers on {port} already")
    else:
        yield Finding("port", "error", f"{port} on {host} is taken by another program", f"end it, or set RENDER_SERVER_PORT={port + 1}")
    metrics = settings.metrics_port
    if metrics and metrics != port and not port_is_free("0.0.0.0", metrics):
        yield Finding("metrics port", "warning", f"{metrics} is taken: metrics would be on a free one", "set RENDER_METRICS_PORT")


def key(settings: Settings) -> Iterator[Finding]:
    """The API key."""
    try:
        has_key = key_of(settings) is not None
    except UnusableKeyError as failure:
        yield Finding("API key", "error", str(failure))
        return
    if has_key or is_loopback(settings.server_host):
        yield Finding("API key", "ok", source_of_key(settings))
    else:
        remedy = "set RENDER_API_KEY or RENDER_API_KEY_FILE, or RENDER_SERVER_HOST=127.0.0.1"
        yield Finding("API key", "warning", f"none, and the server would listen on {settings.server_host}: anyone may use it", remedy)


def ray_token(settings: Settings) -> Iterator[Finding]:
    """Where Ray's token is kept."""
    path = token_file(os.environ)
    if path is None:
        yield Finding("Ray's token", "ok", "from RAY_AUTH_TOKEN")
        return
    there = next((folder for folder in path.parents if folder.exists()), Path("/"))
    if path.exists() or os.access(there, os.W_OK):
        yield Finding("Ray's token", "ok", f"{path} {'is there' if path.exists() else 'can be made'}")
    else:
        yield Finding("Ray's token", "error", f"{path} cannot be made", "set RAY_AUTH_TOKEN_PATH to a file that can be written")
