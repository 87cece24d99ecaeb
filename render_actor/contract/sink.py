"""What a renderer and the service agree on about a sink: names in it, and what a client is told when it cannot be written."""

from __future__ import annotations

import errno

from render_actor.contract.file_kinds import TEMPLATE_KINDS, FileKind
from render_actor.contract.types import FailureCode
from render_actor.contract.view_files import file_names

PROBE = "probe"
"""Name of the file in a sink that holds its nonce: whoever reads it there sees the very folder that the service has made."""

OUTPUT_FIELD = "output_dir"
"""The request field that names where files go."""


def attempt_names(view: int, fence: int, kinds: tuple[FileKind, ...] = TEMPLATE_KINDS) -> tuple[str, ...]:
    """Names in a sink of the files of one attempt at a view; no other attempt has them.

    Args:
        view: index of the camera.
        fence: of the attempt.
        kinds: of the files, in this order.
    """
    return tuple(f"{stem}.{fence:x}.{ending}" for stem, ending in (name.split(".") for name in file_names(view, kinds)))


def write_failure(error: OSError, quoted: str) -> tuple[FailureCode, str]:
    """Why files of a job cannot be written: the code, and the sentence for the client.

    Args:
        error: what the disk said.
        quoted: the folder as the client named it.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "storage_full", f"there is no space left for output_dir {quoted!r}; make room, and send the request again"
    return "output_not_writable", f"output_dir {quoted!r} cannot be written: {error.strerror or error}"
