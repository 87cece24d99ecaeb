"""Files and folders as servers leave them, for tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from render_actor.contract.view_files import FileContent
from render_actor.view.encoding import encode_png, encode_xyz, mask_pixels
from serve_app.base.output_roots import OutputRoots
from serve_app.base.own_folders import OwnFolders
from serve_app.templates.leftovers import staging_name
from serve_app.templates.staging import StagingFolder


def template(name: str, brightness: int = 0) -> bytes:
    """Content of a file: a template where it has the name of one."""
    if name.startswith("rgb"):
        return encode_png(np.full((8, 8, 3), brightness, dtype=np.uint8))
    if name.startswith("mask"):
        return encode_png(mask_pixels(np.full((8, 8), brightness % 2 == 0)))
    if name.startswith("xyz"):
        return encode_xyz(np.full((8, 8, 3), brightness, dtype=np.float16))
    return b"no template"


def content_of(data: bytes) -> FileContent:
    """What a file with these bytes holds."""
    return FileContent(hashlib.sha256(data).hexdigest(), len(data))


def roots_at(*roots: Path, own: list[Path] | None = None) -> OutputRoots:
    """Output roots of a server with these folders of its own."""
    return OutputRoots([root.resolve() for root in roots], OwnFolders(own or []))


def staging_at(root: Path, target: Path, job_id: str) -> StagingFolder:
    """A job's staging folder, not open yet."""
    return StagingFolder(roots_at(root), target, job_id, str(target))


def leftover(target: Path, job_id: str, *names: str, number: int = 0) -> Path:
    """A staging folder that a server has left, with template files in it."""
    folder = target.parent / staging_name(job_id, f"{number:016x}")
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(template(name))
    return folder


def leftovers_of(target: Path, job_id: str) -> list[Path]:
    """The staging folders of a job that lie on the disk."""
    return sorted(target.parent.glob(f".render-{job_id}-*.partial"))
