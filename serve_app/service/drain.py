"""Lets an operator, or the command that runs the server, have it stop in good order.

The signal is a file in ``RENDER_DATA_DIR``: it works for every way of starting the server, reaches the ingress wherever it
runs, and only who may write there can give it. An empty file asks; the server writes ``drained`` and the number of jobs that are
left into it when it has stopped working. It is removed at the next start.
"""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from serve_app.base.logs import server_event
from serve_app.base.settings import Settings

_LOOK_SEC = 0.3
_DRAINED = "drained"


def _request_file(data_dir: Path) -> Path:
    return data_dir / "drain"


async def drain_on_demand(settings: Settings, drain: Callable[[], Awaitable[int | None]]) -> None:
    """Wait for the request, drain, and say so with the number of jobs that are left. Only a regular file is a request."""
    request = _request_file(settings.data_dir)
    try:
        request.unlink(missing_ok=True)
    except OSError as error:
        server_event("error", "what is in the place of drain requests cannot be removed: none is seen", path=str(request), cause=str(error))
    while not _is_request(request):
        await asyncio.sleep(_LOOK_SEC)
    left = await drain()
    request.write_text(f"{_DRAINED} {left or 0}\n")


def _is_request(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def request_drain(data_dir: Path, time_limit_sec: float) -> int | None:
    """Ask the server that uses a data folder to drain, and wait until it has.

    Returns:
        How many jobs are left for the next server; None when it has not drained within ``time_limit_sec``.
    """
    request = _request_file(data_dir)
    try:
        request.touch()
        until = time.monotonic() + time_limit_sec
        while time.monotonic() < until:
            match request.read_text().split("\n")[:-1]:  # A line that is whole.
                case [answer] if answer.startswith(_DRAINED):
                    return int(answer.removeprefix(_DRAINED))
            time.sleep(_LOOK_SEC / 3)
    except OSError:
        return None
    return None
