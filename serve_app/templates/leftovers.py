"""Staging folders as they lie on the disk: their names, what a kill leaves of them, and their removal."""

from __future__ import annotations

import re
from contextlib import suppress

from serve_app.base.directory import Directory
from serve_app.templates.file_forms import MODEL_PLY
from serve_app.templates.replaceable import Contents, is_of_form, sorted_out

_PARTIAL, _ARRIVALS, _ASIDE, _MESH = _SUFFIXES = ".partial", ".arrivals", ".aside", ".mesh"
_NAME = re.compile(r"\.render-(?P<job_id>.+)-[0-9a-f]{16}(\.partial|\.arrivals|\.aside|\.mesh)")


def staging_name(job_id: str, token: str) -> str:
    """Name of a job's staging folder.

    Args:
        job_id: whose.
        token: 16 random hex digits: nobody can put something in its place before it is made.
    """
    return f".render-{job_id}-{token}{_PARTIAL}"


def arrivals_name(job_id: str, token: str) -> str:
    """Name of the folder that a job's renderers write into; see ``staging_name``."""
    return f".render-{job_id}-{token}{_ARRIVALS}"


def aside_name(job_id: str, token: str) -> str:
    """Name that a target has for the moment in which a job's staging folder takes its place, where that needs two steps."""
    return f".render-{job_id}-{token}{_ASIDE}"


def mesh_name(job_id: str, token: str) -> str:
    """Name that a mesh has beside the target for the moment in which it is exchanged."""
    return f".render-{job_id}-{token}{_MESH}"


def staging_folders(parent: Directory) -> dict[str, str | None]:
    """The entries of a folder that are named as staging folders, with those for renderers, as targets that were moved aside, or as meshes.

    Args:
        parent: may hold targets.

    Returns:
        The job's id by the entry's name; None for those of earlier servers (job store of format 3 or older), whose names do not tell it.

    Raises:
        OSError: the folder cannot be read.
    """
    names = [name for name in parent.names() if name.startswith(".") and name.endswith(_SUFFIXES)]
    return {name: match["job_id"] if (match := _NAME.fullmatch(name)) else None for name in names}


def is_left_by_job(name: str) -> bool:
    """Whether a name is one of those that jobs give what they work on."""
    return _NAME.fullmatch(name) is not None


def templates_left(folder: Directory) -> Contents | None:
    """What a server left in a folder, the last of it perhaps half written; None where there is something else in it."""
    try:
        found = sorted_out(folder, half_written=True)
    except OSError:
        return None
    return None if found.others else found


def remove_given_up(folder: Directory) -> None:
    """Remove the folder that a target was to lie in, if that is a staging folder by now, and empty.

    Another job had published it in its place, where this one has found it, and has taken it back: then that job could not remove it.
    """
    name = folder.path.name
    if is_left_by_job(name):
        with suppress(OSError), folder.folder("..", to_pass=True) as above:
            remove_if_empty(above, name, folder)


def remove_leftover(parent: Directory, name: str, target: str) -> bool:
    """Remove a staging folder that nobody works in any more, unless it holds something else than templates.

    Args:
        parent: holds it.
        name: of it.
        target: name of the folder that it was for. One that was moved aside, with no other in its place since, goes back there.

    Returns:
        Whether it has gone.
    """
    try:
        if name.endswith(_ASIDE) and parent.find(target) is None:
            parent.rename(name, target)
            return True
        if name.endswith(_MESH):
            if not is_of_form(parent, name, MODEL_PLY, half_written=True):
                return False
            parent.remove_file(name)
            return True
        with parent.folder(name) as folder:
            return templates_left(folder) is not None and remove_templates(parent, name, folder, half_written=True)
    except OSError:  # A link or a file, or it has gone.
        return False


def remove_leftovers_of(parent: Directory, job_id: str, target: str, keep: str = "") -> None:
    """Remove what earlier servers left of a job.

    Args:
        parent: holds the job's target.
        job_id: whose.
        target: name of the job's target.
        keep: name of a staging folder that stays.
    """
    with suppress(OSError):
        for name, owner in staging_folders(parent).items():
            if owner == job_id and name != keep:
                remove_leftover(parent, name, target)


def remove_templates(parent: Directory, name: str, folder: Directory, *, half_written: bool = False) -> bool:
    """Remove a folder with the templates in it; what else is in it stays, and so does the folder then.

    Args:
        parent: holds it.
        name: of it.
        folder: the same, open.
        half_written: whether a file may end before its template does.

    Returns:
        Whether it has gone.
    """
    try:
        found = sorted_out(folder, half_written=half_written)
        for entry in found.templates:
            with suppress(FileNotFoundError):
                folder.remove_file(entry)
        for below in found.folders:
            with suppress(OSError):  # Somebody else has something in it; then its folder stays, too.
                folder.remove_folder(below)
        return remove_if_empty(parent, name, folder)
    except OSError:
        return False


def remove_if_empty(parent: Directory, name: str, folder: Directory) -> bool:
    """Remove an empty folder, if its name still leads to it.

    Returns:
        Whether it has gone.
    """
    try:
        with parent.folder(name) as there:
            if there.identity != folder.identity:
                return False
        parent.remove_folder(name)
    except OSError:
        return False
    return True
