"""``render-server init``: the Serve configs and examples that come with the package, to begin with in a folder of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from serve_app.base.bundled import copy_bundled
from serve_app.cli.messages import CommandError, info, success


def init(arguments: argparse.Namespace) -> None:
    """Copy them; a file that is there already stays as it is, and is named."""
    folder = Path(arguments.folder)
    copied = 0
    try:
        for path, is_new in copy_bundled(folder):
            copied += is_new
            if not is_new:
                info(f"left as it is: {path}")
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {error.strerror or error}; name another folder") from error
    success(f"{copied} files copied to {folder.absolute()}; `render-server up` there uses its serve_config.yaml")
