"""Judges by its content whether a folder holds templates and nothing else, so that another may take its place."""

from __future__ import annotations

import re
import stat
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from render_actor.contract.file_kinds import ENDINGS, KINDS
from render_actor.contract.sink import PROBE
from serve_app.base.directory import Directory
from serve_app.base.errors import ServiceError
from serve_app.templates.file_forms import HEAD_BYTES, MANIFEST_FORM, PNG, XYZ_NPY, FileForm
from serve_app.templates.layouts.layout import MANIFEST, Layout
from serve_app.templates.layouts.registry import DEFAULT, LAYOUTS

_Forms = list[tuple[str, FileForm]]
"""Regular expressions of paths, and by which first bytes such a file is known; a path may be met by more than one."""

_ANYWHERE: Mapping[str, FileForm] = {
    # What desktops leave in every folder that they show.
    r"\.DS_Store": FileForm(rb"\x00\x00\x00\x01Bud1.*", b"\x00\x00\x00\x01Bud1"),
    r"Thumbs\.db": FileForm(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.*", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    # A file that was removed on an NFS server while somebody had it open; it goes by itself.
    r"\.nfs[0-9a-f]+": FileForm(rb".*", b""),
}
"""What may lie beside the files of any layout, by name."""

UNPLACED = "unplaced"
"""Name in a staging folder of a file that will lie beside the published one."""

_ARRIVING: Mapping[str, FileForm] = {
    **{rf"{kind}_\d+\.[0-9a-f]+\.{ENDINGS[kind]}": XYZ_NPY if kind == "xyz" else PNG for kind in KINDS},
    re.escape(PROBE): FileForm(rb"[0-9a-f]{32}", b""),
    re.escape(UNPLACED): FileForm(rb".*", b""),
}
"""What renderers write, what they know their folder by, and what is on its way beside the published folder: no folder is published with
it."""

_LAYOUT_IN_MANIFEST = re.compile(rb'\{\s*"format": \d+,\s*"job_id": "[^"]*",\s*"layout": "([^"]*)"')


class Contents(NamedTuple):
    """What lies in a folder.

    Attributes:
        templates: paths of files that are templates, or may lie beside them.
        folders: names of sub-folders that templates may lie in.
        others: paths of all other entries: somebody would miss them.
    """

    templates: list[str]
    folders: list[str]
    others: list[str]


def others_in(folder: Directory) -> list[str]:
    """The entries of a folder that are no templates: somebody would miss them. See ``sorted_out``."""
    return sorted_out(folder).others


def sorted_out(folder: Directory, *, half_written: bool = False, known: Container[str] = ()) -> Contents:
    """Which entries of a folder are templates, and which are not.

    An entry is a template if it is a regular file whose path and content are those of one of the folder's layout, or of what else lies
    beside them. The layout is the one that the manifest names; without a manifest it is one whose names tell it: an older server left
    none. An empty file of such a name is what a kill leaves.

    Args:
        folder: to look at.
        half_written: whether a file may end before its template does, as those of a server or a renderer that was killed, may be of any
            layout, and may have the name that a renderer gives it.
        known: paths that are taken for templates without a look.

    Returns:
        Its entries. What comes into the folder while it is looked at is in none of the lists.

    Raises:
        OSError: it cannot be looked at.
    """
    names = sorted(folder.names())
    layouts = LAYOUTS.values() if half_written else _layouts_of(folder, names)
    forms: _Forms = [(re.escape(MANIFEST), MANIFEST_FORM), *(_ARRIVING.items() if half_written else ())]
    forms += [each for layout in layouts for each in layout.forms.items()]
    found = Contents([], [], [])
    for name in names:
        if name not in known and _is_folder_of(forms, folder, name):
            found.folders.append(name)
            with folder.folder(name) as below:
                paths = [f"{name}/{inner}" for inner in sorted(below.names())]
        else:
            paths = [name]
        for path in paths:
            known_or_looked_at = path in known or _is_template(folder, path, forms, half_written)
            (found.templates if known_or_looked_at else found.others).append(path)
    return found


def _layouts_of(folder: Directory, names: list[str]) -> Iterable[Layout]:
    """The layouts that a folder can be of."""
    status = folder.find(MANIFEST) if MANIFEST in names else None
    if status and stat.S_ISREG(status.st_mode) and (head := _head(folder, MANIFEST)) and MANIFEST_FORM.fits(head):
        named = _LAYOUT_IN_MANIFEST.match(head)
        layout = LAYOUTS.get(named[1].decode(errors="replace")) if named else DEFAULT  # The first servers had no other.
        return [layout] if layout is not None else []
    # By the names that it has: what else is there is sorted out file by file.
    return [layout for layout in LAYOUTS.values() if layout.is_told_by([name for name in names if _is_known(layout, name)])]


def _is_known(layout: Layout, name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in layout.forms)


def _is_folder_of(forms: _Forms, folder: Directory, name: str) -> bool:
    """Whether an entry is a folder that templates may lie in."""
    if not any(re.fullmatch(pattern.split("/")[0], name) for pattern, _ in forms if "/" in pattern):
        return False
    status = folder.find(name)
    return status is not None and stat.S_ISDIR(status.st_mode)


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


def check_file_replaceable(folder: Directory, name: str, form: FileForm, quoted: str) -> None:
    """Refuse to put a file in the place of anything but one of the same form.

    Args:
        folder: that it will lie in.
        name: of it.
        form: of it.
        quoted: its path as the client names it, for messages.

    Raises:
        ServiceError: there is something else.
        OSError: it cannot be looked at.
    """
    if not is_of_form(folder, name, form):
        raise ServiceError(
            "output_not_replaceable",
            f"{quoted!r} is something else than the server writes there; move it, or use another output_dir",
            "output_dir",
        )


def is_of_form(folder: Directory, name: str, form: FileForm, *, half_written: bool = False) -> bool:
    """Whether an entry, whatever its name, is a regular file of a form, or has just gone.

    Raises:
        OSError: it cannot be looked at.
    """
    status = folder.find(name)
    if status is None:
        return True
    head = _head(folder, name) if stat.S_ISREG(status.st_mode) else b"no file"
    return head is None or form.fits(head, half_written=half_written)


def not_replaceable(quoted: str, others: list[str]) -> ServiceError:
    """The error for a folder that holds what is no template."""
    some = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return ServiceError(
        "output_not_replaceable",
        f"{quoted!r} holds files that are not templates and would be lost ({some}); move them, or use another output_dir",
        "output_dir",
    )


def _is_template(folder: Directory, path: str, forms: _Forms, half_written: bool) -> bool:
    status = folder.find(path)
    if status is None:  # It has just gone.
        return True
    possible = [form for pattern, form in forms if re.fullmatch(pattern, path)]
    possible += [form for pattern, form in _ANYWHERE.items() if re.fullmatch(pattern, path.rpartition("/")[2])]
    if not possible or not stat.S_ISREG(status.st_mode):
        return False
    head = _head(folder, path)
    return head is None or any(form.fits(head, half_written=half_written) for form in possible)


def _head(folder: Directory, path: str) -> bytes | None:
    """The first bytes of a regular file; None where it has just gone."""
    try:
        with folder.open_file(path) as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError:
        return None
