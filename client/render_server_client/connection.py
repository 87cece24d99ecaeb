"""What a client is made of: the server's address, httpx's options, the CAD of a call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from render_server_client.models import Upload
from render_server_client.operations import on_this_machine
from render_server_client.wire import Session

DEFAULT_URL = "http://127.0.0.1:8004"


def server_url(url: str | None) -> str:
    """An address, that of ``RENDER_SERVER_URL``, or the default one."""
    return url or os.environ.get("RENDER_SERVER_URL") or DEFAULT_URL


def cad_of(cad: str | Path | Upload) -> Path | Upload:
    """A CAD, however it was named."""
    return cad if isinstance(cad, Upload) else Path(cad).expanduser()


def http_options(session: Session) -> dict[str, Any]:
    """What httpx's clients take."""
    # A proxy never stands before this machine's own server, and certificates are read only where there is TLS: they take 30 ms.
    encrypted = session.url.startswith("https:")
    here = on_this_machine(session.url)
    return {"base_url": session.url, "headers": session.headers, "timeout": 30.0, "trust_env": not here, "verify": encrypted}
