"""Folders that two jobs met in: one was the other's target for a moment, and then it was not.

A job that takes the place of a folder with somebody else's output in it sees that afterwards and gives the place back. In that moment
others may have published below its own folder, which they found there.
"""

from __future__ import annotations

import secrets
import stat
from contextlib import suppress
from pathlib import Path

from serve_app.base.directory import Directory, Identity, identity_of
from serve_app.base.errors import ServiceError
from serve_app.base.output_roots import OutputRoots
from serve_app.templates.leftovers import is_left_by_job, staging_name
from serve_app.templates.publishing import StagingMark, Target, put_in_place


def leads_to(roots: OutputRoots, target: Path, quoted: str, parent: Identity, folder: Identity) -> bool:
    """Whether a target's path leads to the folder that was published, or to the one above it.

    Args:
        roots: the way to the target.
        target: its path.
        quoted: the same as the client named it.
        parent: the folder above, in which it was published.
        folder: what was published.
    """
    with suppress(OSError, ServiceError), roots.opened(target, quoted) as above:
        if above is not None and above.identity != parent:
            status = above.find(target.name)
            return status is not None and identity_of(status) == folder
        return above is not None
    return False


def bring_home(astray: Directory, parent: Directory, target: str, quoted: str, job_id: str) -> None:
    """Move what others have published in a staging folder, while it was the target, into what is the target now.

    What cannot be moved stays. So does what is not published yet: whoever works there sees in the end that the folder has moved.

    Args:
        astray: the staging folder, without the job's own files.
        parent: the folder that it and the target lie in.
        target: name of the target in it.
        quoted: the target as the client named it.
        job_id: whose staging folder it is.
    """
    with suppress(OSError):
        names = [name for name in astray.names() if not is_left_by_job(name)]
        if not names:
            return
        with suppress(FileExistsError):
            parent.make_folder(target)
        with parent.folder(target) as home:
            for name in names:
                with suppress(OSError, ServiceError):
                    _bring(astray, home, name, quoted, job_id)


def _bring(astray: Directory, home: Directory, name: str, quoted: str, job_id: str) -> None:
    if home.find(name) is None:
        astray.move(name, home, name)
        return
    if not stat.S_ISDIR(astray.status(name).st_mode):
        return
    # Both have such a folder: templates take the place of older ones, and folders above templates are gone through.
    between = staging_name(job_id, secrets.token_hex(8))
    astray.move(name, home, between)
    with home.folder(between) as folder:
        mark = StagingMark(between, *folder.identity, folder.mode)
        try:
            put_in_place(home, folder, mark, Target(name, f"{quoted.rstrip('/')}/{name}"), job_id, lambda: True)
        except (OSError, ServiceError):
            bring_home(folder, home, name, quoted, job_id)
            with suppress(OSError):
                home.remove_folder(between)
                return
            home.move(between, astray, name)
