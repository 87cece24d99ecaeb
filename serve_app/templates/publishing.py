"""Puts a staging folder in its target's place, and judges afterwards what was put there and what was replaced.

Whatever is looked at before a rename may be something else in the moment of the rename. So it is looked at again where it then lies, and
what must not have been moved is moved back.
"""

from __future__ import annotations

import errno
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from serve_app.base.directory import Directory, Identity, identity_of
from serve_app.base.errors import ServiceError
from serve_app.templates.leftovers import aside_name, remove_templates
from serve_app.templates.replaceable import not_replaceable, others_in, sorted_out
from serve_app.templates.swap import swap

_MAX_TRIES = 5
"""Other jobs and servers may publish the same folder at the same time."""


@dataclass(frozen=True)
class StagingMark:
    """By what a later server knows the staging folder of a job again.

    Attributes:
        name: of the folder, beside the target.
        device: that it lies on.
        inode: of it.
        mode: permissions that it gets when it is published.
    """

    name: str
    device: int
    inode: int
    mode: int

    @property
    def identity(self) -> Identity:
        """Which folder it is."""
        return self.device, self.inode

    def to_json(self) -> str:
        """As text, for the job store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> StagingMark:
        """Inverse of ``to_json``."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Target:
    """The folder that is published.

    Attributes:
        name: in the folder above it.
        quoted: as the client named it, for messages.
    """

    name: str
    quoted: str


def put_in_place(
    parent: Directory, folder: Directory, mark: StagingMark, target: Target, job_id: str, is_reached: Callable[[], bool]
) -> list[str]:
    """Publish a staging folder.

    Args:
        parent: holds it and the target.
        folder: the staging folder, open.
        mark: says which it is.
        target: what it becomes.
        job_id: whose it is.
        is_reached: whether the target's path leads to it; not where somebody has moved a folder above.

    Returns:
        Sentences for the client: what of the replaced folder could not be removed.

    Raises:
        ServiceError: somebody else changed what is here, or the target holds something else than templates; nothing was published.
        OSError: as ``ServiceError``.
    """
    status = parent.find(mark.name)
    if status is None or identity_of(status) != mark.identity:
        raise changed_by_others(target.quoted, "the folder itself")
    with suppress(OSError):  # Not every file system has permissions.
        folder.set_mode(mark.mode)
    for _ in range(_MAX_TRIES):
        try:
            parent.rename(mark.name, target.name)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            _check_published(parent, mark, target, lambda: parent.rename(target.name, mark.name), is_reached)
            return []
        # There is an earlier folder, or another job was quicker.
        undo = swap(parent, mark.name, target.name, lambda: aside_name(job_id, secrets.token_hex(8)))
        if undo is not None:
            _check_published(parent, mark, target, undo, is_reached)
            return _remove_replaced(parent, mark, target, undo)
    raise changed_by_others(target.quoted, "the folder that is replaced")


def _check_published(
    parent: Directory, mark: StagingMark, target: Target, undo: Callable[[], None], is_reached: Callable[[], bool]
) -> None:
    """See that the target is this folder, where a client looks for it, or templates that another server has published in turn."""
    for _ in range(_MAX_TRIES):
        try:
            with parent.folder(target.name) as folder:
                if folder.identity == mark.identity:
                    _check_reached(target, undo, is_reached)
                    return
                found = sorted_out(folder)
                if found.templates and not found.others:
                    return
                if identity_of(parent.status(target.name)) == folder.identity:
                    break
        except OSError:  # A link, or it has gone.
            break
        # While it was looked at, it was replaced and emptied.
    with suppress(OSError):
        undo()
    raise changed_by_others(target.quoted, "the folder itself")


def _check_reached(target: Target, undo: Callable[[], None], is_reached: Callable[[], bool]) -> None:
    """See that a client finds what is published; it may lie in another job's folder, which was the one above for a moment."""
    if is_reached():
        return
    try:
        undo()
    except OSError:
        if is_reached():  # That job has brought it to where it belongs.
            return
    raise moved_above(target.quoted)


def _remove_replaced(parent: Directory, mark: StagingMark, target: Target, undo: Callable[[], None]) -> list[str]:
    """Remove the folder that was replaced, or undo that where it turns out to hold something else than templates."""
    try:
        with parent.folder(mark.name) as old:
            others = others_in(old)
            if others:
                raise not_replaceable(target.quoted, others)
            if remove_templates(parent, mark.name, old):
                return []
    except (OSError, ServiceError):
        try:
            undo()
        except OSError:  # It is published then, and what it has replaced is kept.
            return [_kept(parent, mark, target)]
        raise
    return [_kept(parent, mark, target)]


def _kept(parent: Directory, mark: StagingMark, target: Target) -> str:
    """Give what is left of the replaced folder a name that shows it; returns the sentence for the client."""
    kept = f"{target.name}.replaced-{secrets.token_hex(4)}"
    try:
        parent.rename(mark.name, kept)
    except OSError:
        kept = mark.name
    return f"the folder that was replaced could not be removed whole; what is left of it is kept beside the templates, in {kept!r}"


def moved_above(quoted: str) -> ServiceError:
    """The error of a job whose files nobody would find."""
    return ServiceError(
        "output_not_writable",
        f"a folder above {quoted!r} was moved or replaced by somebody else meanwhile; send the request again",
        "output_dir",
    )


def changed_by_others(quoted: str, what: str) -> ServiceError:
    """The error of a job whose files are not what was written."""
    return ServiceError(
        "output_not_writable",
        f"files of {quoted!r} were changed by somebody else while they were collected ({what}); send the request again",
        "output_dir",
    )
