"""Judges by its content whether a folder holds templates and nothing else, so that another may take its place."""

from __future__ import annotations

import json
import re
import stat
from typing import Any

from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.base.npy import npy_shape

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024**2
"""Of a manifest that is read; the largest ones are a few MB."""

_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_NPY = b"\x93NUMPY"
_KINDS = (
    (re.compile(r"(rgb|mask)_\d+\.png"), _PNG),
    (re.compile(r"xyz_\d+\.npy"), _NPY),
    # What desktops leave in every folder that they show.
    (re.compile(r"\.DS_Store"), b"\x00\x00\x00\x01Bud1"),
    (re.compile(r"Thumbs\.db"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    # A file that was removed on an NFS server while somebody had it open; it goes by itself.
    (re.compile(r"\.nfs[0-9a-f]+"), b""),
)
"""By which name and which first bytes a file is known."""

_HEAD_BYTES = 256
"""Enough for the header of an xyz file."""


def others_in(folder: Directory) -> list[str]:
    """The entries of a folder that are no templates: somebody would miss them. See ``sorted_out``."""
    return sorted_out(folder)[1]


def sorted_out(folder: Directory, *, half_written: bool = False) -> tuple[list[str], list[str]]:
    """Which entries of a folder are templates, and which are not.

    An entry is a template if it is a regular file that a manifest of ours in this folder names, with the size that it says, or whose
    name and content are those of a template: an older server left no manifest. An empty file of such a name is what a kill leaves.

    Args:
        folder: to look at.
        half_written: whether a file may end before its template does, as those of a server that was killed.

    Returns:
        The names of the templates, the manifest last: it vouches for others of them; and the names of all other entries. What comes into
        the folder while it is looked at is in neither.

    Raises:
        OSError: it cannot be looked at.
    """
    names = sorted(folder.names(), key=lambda name: (name == MANIFEST, name))
    manifest = read_manifest(folder) if MANIFEST in names else None
    named = _files_of(manifest) if manifest is not None else {}

    def is_template(name: str) -> bool:
        status = folder.find(name)
        if status is None:  # It has just gone.
            return True
        if not stat.S_ISREG(status.st_mode):
            return False
        if name == MANIFEST:
            return manifest is not None or half_written
        return named.get(name) == status.st_size or _is_of_its_kind(folder, name, half_written)

    found = {name: is_template(name) for name in names}
    return [name for name in names if found[name]], [name for name in names if not found[name]]


def check_replaceable(parent: Directory | None, name: str, quoted: str) -> None:
    """Refuse to publish over anything but templates.

    Args:
        parent: the folder that the target lies in; None where that is not there.
        name: of the target in it; it need not be there.
        quoted: the target as the client named it, for messages.

    Raises:
        ServiceError: it is a file or a link, or holds files that are no templates and would be lost; or it cannot be looked at.
    """
    try:
        status = parent.find(name) if parent is not None else None
        if parent is None or status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            raise ServiceError("output_not_replaceable", f"{quoted!r} is a file or a link; name a folder", "output_dir")
        with parent.folder(name) as folder:
            others = others_in(folder)
    except OSError as error:
        reason = error.strerror or error
        raise ServiceError("output_not_writable", f"{quoted!r} cannot be read: {reason}", "output_dir") from error
    if others:
        raise not_replaceable(quoted, others)


def not_replaceable(quoted: str, others: list[str]) -> ServiceError:
    """The error for a folder that holds what is no template."""
    some = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return ServiceError(
        "output_not_replaceable",
        f"{quoted!r} holds files that are not templates and would be lost ({some}); move them, or use another output_dir",
        "output_dir",
    )


def _is_of_its_kind(folder: Directory, name: str, half_written: bool) -> bool:
    """Whether a file's first bytes are those that its name promises."""
    magic = next((magic for kind, magic in _KINDS if kind.fullmatch(name)), None)
    if magic is None:
        return False
    try:
        with folder.open_file(name) as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return True
    if not head or (half_written and len(head) < _HEAD_BYTES and magic.startswith(head[: len(magic)])):
        return True
    return head.startswith(magic) and (magic is not _NPY or is_xyz(head))


def is_xyz(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an array of object coordinates: (H, W, 3), of floats."""
    try:
        shape, kind = npy_shape(head)
    except ValueError:
        return False
    return kind == "f" and len(shape) == 3 and shape[2] == 3


def read_manifest(folder: Directory) -> dict[str, Any] | None:
    """The manifest in a folder; None when there is none, or it is not one of ours."""
    try:
        with folder.open_file(MANIFEST) as file:
            manifest = json.loads(file.read(MAX_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(manifest, dict) and isinstance(manifest.get("job_id"), str) and isinstance(manifest.get("views"), list)
    return manifest if ours else None


def _files_of(manifest: dict[str, Any]) -> dict[str, int]:
    """Bytes of each file that a manifest names; none where it is damaged."""
    try:
        return {name: int(file["bytes"]) for view in manifest["views"] for name, file in view["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
