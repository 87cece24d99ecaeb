"""Ray's token: whoever has it may run code as the server, so its file is for the server's user alone."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def token_file(environment: Mapping[str, str]) -> Path | None:
    """Where a Ray with this environment looks for its token; None when the environment holds the token itself."""
    if environment.get("RAY_AUTH_TOKEN"):
        return None
    return Path(environment.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")


def ensure_token(path: Path | None) -> None:
    """Make the token file if there is none.

    Raises:
        OSError: it cannot be made.
    """
    if path is None or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # Another server of this user was faster.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))


def keep_token_private(path: Path | None) -> None:
    """Close the token file to other users, where it is this user's and open: Ray makes one that all may read."""
    if path is None:
        return
    with contextlib.suppress(OSError):  # Not there, or not ours to change, such as a cluster's mounted secret.
        if path.stat().st_uid == os.getuid() and path.stat().st_mode & 0o077:
            path.chmod(0o600)
