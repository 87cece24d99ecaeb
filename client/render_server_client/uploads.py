"""Sends a CAD, with the files that it refers to, to a server that does not see them."""

from __future__ import annotations

import base64
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from render_server_client.companions import companions
from render_server_client.errors import FilesError, RefusedError
from render_server_client.models import Upload
from render_server_client.wire import Call, Session, Steps

UPLOADS = "/api/v1/uploads"

RESUMABLE_BYTES = 32 * 1024**2
"""An upload from this size on is sent in pieces, so that a lost connection costs a piece and not all."""

PIECE_BYTES = 8 * 1024**2

POSES_NAME = "camera_poses.npy"
"""Of a list of cameras in an upload."""

Named = dict[Path, str]
"""Files, and what they are called in an upload; the CAD first."""

_SEND_TIMEOUT_SEC = 300.0
_TUS = {"Tus-Resumable": "1.0.0"}


def upload(session: Session, cad: Path, more: Sequence[Path] = (), poses: Path | None = None) -> Steps[Upload]:
    """Upload a CAD.

    Args:
        session: with the server.
        cad: a CAD, or a zip of one.
        more: files that it needs and that it does not name itself; they must lie in its folder or below.
        poses: a list of cameras, wherever it lies; it is ``POSES_NAME`` in the upload.

    Raises:
        FilesError: a file cannot be read, or lies elsewhere.
        RefusedError: the server takes no uploads, or not this one.
    """
    with tempfile.TemporaryDirectory(prefix="render-upload-") as scratch:
        files = {path: path.relative_to(cad.resolve().parent).as_posix() for path in gathered(cad, more)}
        if poses is not None:
            files[_list_of_cameras(cad, poses, files)] = POSES_NAME
        try:
            if any("/" in name for name in files.values()):
                files = _zipped(files, Path(scratch))
            size = sum(path.stat().st_size for path in files)
            if size >= RESUMABLE_BYTES and len(files) > 1:
                files = _zipped(files, Path(scratch))
            if size >= RESUMABLE_BYTES:
                return (yield from _in_pieces(session, next(iter(files))))
            return Upload.from_json((yield from session.json(Call("POST", UPLOADS, body=_parts(files), timeout_sec=_SEND_TIMEOUT_SEC))))
        except OSError as error:
            raise FilesError(f"{error.filename or cad} cannot be read: {error.strerror or error}; check the path and its rights") from error


def gathered(cad: Path, more: Sequence[Path] = ()) -> list[Path]:
    """The CAD and what it needs, the CAD first, by absolute paths without links.

    Raises:
        FilesError: a file is not there, cannot be read, or lies outside the CAD's folder.
    """
    try:
        resolved = cad.resolve(strict=True)
        files = [resolved, *companions(resolved), *(path.resolve(strict=True) for path in more)]
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its path leads nowhere"
        raise FilesError(f"{getattr(error, 'filename', None) or cad} cannot be read: {reason}; check the path and its rights") from error
    for path in files:
        if not path.is_file():
            raise FilesError(f"{path} is no file; name a CAD file, or a zip of one")
        if resolved.parent not in path.parents:
            raise FilesError(f"{path} does not lie in the CAD's folder, {resolved.parent}; move it there")
    return list(dict.fromkeys(files))


def _list_of_cameras(cad: Path, poses: Path, files: Named) -> Path:
    """Where a list of cameras lies, if it can go with the other files."""
    if cad.suffix.lower() == ".zip":
        raise FilesError(f"{cad} is sent as it is: put {poses} into it as NAME.npy, and say camera_poses_path='upload:NAME.npy'")
    try:
        resolved = poses.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise FilesError(f"{poses} cannot be read: {error}; check camera_poses_path") from error
    if any(name == POSES_NAME and path != resolved for path, name in files.items()):
        raise FilesError(f"{poses} is sent as {POSES_NAME}, and more_files has another file of that name; leave that one out")
    return resolved


def _parts(files: Named) -> Any:
    def body(opened: ExitStack) -> dict[str, Any]:
        return {"files": [("file", (name, opened.enter_context(path.open("rb")))) for path, name in files.items()]}

    return body


def _zipped(files: Named, folder: Path) -> Named:
    """A zip of files by their names, called for the first of them."""
    target = folder / f"{next(iter(files)).stem}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for path, name in files.items():
            archive.write(path, name)
    return {target: target.name}


def _in_pieces(session: Session, path: Path) -> Steps[Upload]:
    """By tus: what the server has of it, it keeps when the connection breaks."""
    size = path.stat().st_size
    name = base64.b64encode(path.name.encode()).decode()
    head = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
    created = yield from session.request(Call("POST", UPLOADS, headers=head))
    place = _path_of(created)
    offset = 0
    backoff = session.backoff()
    while offset < size:
        try:
            answer = yield from session.request(_piece(place, path, offset))
            backoff = session.backoff()
        except RefusedError as refusal:
            if refusal.status != httpx.codes.CONFLICT or backoff.next() is None:
                raise
            # The server has more, or less, of it than it has told: a piece came whose answer was lost.
            answer = yield from session.request(Call("HEAD", place, headers=_TUS))
        offset = int(answer.headers["Upload-Offset"])
    return Upload.from_json((yield from session.json(Call("GET", place))))


def _piece(place: str, path: Path, offset: int) -> Call:
    def body(opened: ExitStack) -> dict[str, Any]:
        with path.open("rb") as file:
            file.seek(offset)
            return {"content": file.read(PIECE_BYTES)}

    head = {**_TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return Call("PATCH", place, body=body, headers=head, timeout_sec=_SEND_TIMEOUT_SEC)


def _path_of(created: httpx.Response) -> str:
    """Where the upload lies, by its path alone: behind a proxy the server may not know its own address."""
    return httpx.URL(created.headers["Location"]).path
