"""Judges by its content whether a folder holds templates and nothing else, so that another may take its place."""

from __future__ import annotations

import re
import stat

from render_actor.contract.sink import PROBE
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError

MANIFEST = "manifest.json"
_HEAD_BYTES = 256
"""Enough for the header of an xyz file."""

_PNG = rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR.*"
_XYZ = rb"\x93NUMPY[\x01-\x03].{3,5}\{[^{}]*'descr': '[<>=]?f\d{1,2}'[^{}]*'shape': \(\d{1,9}, \d{1,9}, 3\)[^{}]*\}.*"
"""Told by its bytes: numpy would evaluate what it finds there."""

_KINDS = {
    r"(rgb|mask)_\d+\.png": (_PNG, b"\x89PNG\r\n\x1a\n"),
    r"xyz_\d+\.npy": (_XYZ, b"\x93NUMPY"),
    # What our manifests begin with. It is not parsed: a large one would take the whole process's time.
    r"manifest\.json": (rb'\{\s*"(format": \d+,\s*"job_id|job_id)": ".*', b"{"),
    # What desktops leave in every folder that they show.
    r"\.DS_Store": (rb"\x00\x00\x00\x01Bud1.*", b"\x00\x00\x00\x01Bud1"),
    r"Thumbs\.db": (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.*", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    # A file that was removed on an NFS server while somebody had it open; it goes by itself.
    r"\.nfs[0-9a-f]+": (rb".*", b""),
}
"""By which name, and by which first bytes, a file is known; and the first of these, where a file ends before its template does."""

_ARRIVING_KINDS = {
    r"(rgb|mask)_\d+\.[0-9a-f]+\.png": (_PNG, b"\x89PNG\r\n\x1a\n"),
    r"xyz_\d+\.[0-9a-f]+\.npy": (_XYZ, b"\x93NUMPY"),
    re.escape(PROBE): (rb"[0-9a-f]{32}", b""),
}
"""The same of what renderers write, and of what they know their folder by: it is never published."""


def others_in(folder: Directory) -> list[str]:
    """The entries of a folder that are no templates: somebody would miss them. See ``sorted_out``."""
    return sorted_out(folder)[1]


def sorted_out(folder: Directory, *, half_written: bool = False) -> tuple[list[str], list[str]]:
    """Which entries of a folder are templates, and which are not.

    An entry is a template if it is a regular file whose name and content are those of one, or of what else lies beside them; an older
    server left no manifest. An empty file of such a name is what a kill leaves.

    Args:
        folder: to look at.
        half_written: whether a file may end before its template does, as those of a server or a renderer that was killed, and may have
            the name that a renderer gives it.

    Returns:
        The names of the templates, and the names of all other entries. What comes into the folder while it is looked at is in neither.

    Raises:
        OSError: it cannot be looked at.
    """
    found = {name: _is_template(folder, name, half_written) for name in sorted(folder.names())}
    return [name for name in found if found[name]], [name for name in found if not found[name]]


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


def _is_template(folder: Directory, name: str, half_written: bool) -> bool:
    kinds = _KINDS | _ARRIVING_KINDS if half_written else _KINDS
    kind = next((kind for names, kind in kinds.items() if re.fullmatch(names, name)), None)
    status = folder.find(name)
    if status is None:  # It has just gone.
        return True
    if kind is None or not stat.S_ISREG(status.st_mode):
        return False
    whole, begin = kind
    try:
        with folder.open_file(name) as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return True
    if not head or re.fullmatch(whole, head, re.DOTALL):
        return True
    return half_written and len(head) < _HEAD_BYTES and begin.startswith(head[: len(begin)])
