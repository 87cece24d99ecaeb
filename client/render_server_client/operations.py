"""What a client can ask for, each as steps; see ``wire``."""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx

from render_server_client.errors import RefusedError
from render_server_client.models import CadInfo, Job, Upload
from render_server_client.uploads import POSES_NAME, gathered, upload
from render_server_client.wire import JOBS, Call, Session, Steps

UploadChoice = bool | Literal["auto"]

_INSPECT = "/api/v1/cad/inspect"
_POSES = "camera_poses_path"

_READ_TIMEOUT_SEC = 300.0
"""Reading a CAD may take the server a while."""


def submit(
    session: Session,
    cad: Path | Upload,
    *,
    output_dir: str | Path | None,
    uploads: UploadChoice,
    more: Sequence[Path],
    key: str | None,
    job_id: str | None,
    group: str | None,
    options: Mapping[str, Any],
) -> Steps[Job]:
    """See ``Client.submit``."""
    if uploads == "auto" and isinstance(cad, Path):
        uploads = output_dir is None or not (yield from shares(session, cad))
    poses = _poses_here(options) if uploads and isinstance(cad, Path) else None
    body = {**options, **(yield from _named(session, cad, bool(uploads), more, poses))}
    if poses is not None:
        body |= _with_poses(options, f"upload:{POSES_NAME}")
    if output_dir is not None:
        body["output_dir"] = absolute(output_dir)
    if job_id is not None:
        call = Call("PUT", f"{JOBS}/{job_id}", json=body, params={"group": group})
    else:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        call = Call("POST", "/render/templates", json=body, params={"group": group}, headers=headers)
    return Job.from_json((yield from session.json(call)))


def _poses_here(options: Mapping[str, Any]) -> Path | None:
    """The list of cameras that goes with an upload; None where the request names none, or none that lies here: the server may have it."""
    name = options.get(_POSES) or _camera_poses(options).get(_POSES)
    path = Path(name).expanduser() if isinstance(name, str | Path) else None
    return path if path is not None and path.is_file() else None


def _with_poses(options: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The option that names a list of cameras, with another name of it."""
    if options.get(_POSES):
        return {_POSES: text}
    return {"camera": {**options["camera"], "poses": {**_camera_poses(options), _POSES: text}}}


def _camera_poses(options: Mapping[str, Any]) -> Mapping[str, Any]:
    camera = options.get("camera")
    poses = camera.get("poses") if isinstance(camera, Mapping) else None
    return poses if isinstance(poses, Mapping) else {}


def _named(session: Session, cad: Path | Upload, uploads: bool, more: Sequence[Path], poses: Path | None = None) -> Steps[dict[str, str]]:
    """How a request names a CAD, which is uploaded first where that is wanted, with a list of cameras if there is one."""
    if isinstance(cad, Upload):
        return {"upload_id": cad.id}
    if not uploads:
        return {"cad_path": absolute(cad)}
    sent = yield from upload(session, cad, more, poses)
    named = {"upload_id": sent.id}
    return {**named, "cad": cad.name} if len(sent.cads) > 1 and cad.name in sent.cads else named


def inspect(
    session: Session, cad: Path | Upload, *, uploads: UploadChoice, more: Sequence[Path], options: Mapping[str, Any]
) -> Steps[CadInfo]:
    """See ``Client.inspect``."""
    if uploads == "auto" and isinstance(cad, Path):
        uploads = not (yield from shares(session, cad))
    named = yield from _named(session, cad, bool(uploads), more)
    return CadInfo.from_json((yield from session.json(_inspection({**options, **named}))))


def shares(session: Session, cad: Path) -> Steps[bool]:
    """Whether the server sees the very files that lie here, told by one CAD for all of its folder.

    The server is asked to look at the same path, and must tell the same SHA-256: on another machine the path may lead to another file. An
    older server tells none; it is believed where it is on this machine.
    """
    path = gathered(cad)[0]
    known = session.shared.get(str(path.parent))
    if known is not None:
        return known
    try:
        seen = yield from session.json(_inspection({"cad_path": absolute(cad)}))
    except RefusedError as refusal:
        if refusal.status == httpx.codes.UNAUTHORIZED:
            raise
        # A path that is not allowed there, no such file, or one that is no CAD: then an upload is refused as well, and says why.
        shared = refusal.no_such_route and on_this_machine(session.url)
    else:
        told = seen.get("sha256")
        shared = on_this_machine(session.url) if told is None else told == digest(path)
    session.shared[str(path.parent)] = shared
    return shared


def _inspection(body: Mapping[str, Any]) -> Call:
    return Call("POST", _INSPECT, json=body, timeout_sec=_READ_TIMEOUT_SEC)


def digest(path: Path) -> str:
    """SHA-256 of a file in hex."""
    sum_ = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1024**2):
            sum_.update(block)
    return sum_.hexdigest()


def on_this_machine(url: str) -> bool:
    """Whether an address is this machine's own. What listens there may still be the end of a tunnel, or in a container."""
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def absolute(path: str | Path) -> str:
    """A path as seen from anywhere: the server may have been started in another folder."""
    return str(Path(path).expanduser().absolute())


def job(session: Session, job_id: str) -> Steps[Job]:
    """One job."""
    return Job.from_json((yield from session.json(Call("GET", f"{JOBS}/{job_id}"))))


def jobs(session: Session, status: Sequence[str], limit: int, text: str | None) -> Steps[list[Job]]:
    """Jobs, newest first."""
    params = {"status": list(status) or None, "limit": limit, "q": text}
    listing = yield from session.json(Call("GET", JOBS, params=params))
    return [Job.from_json(record) for record in listing["jobs"]]


def cancel(session: Session, job_id: str) -> Steps[Job]:
    """Cancel a job."""
    return Job.from_json((yield from session.json(Call("DELETE", f"{JOBS}/{job_id}"))))


def log(session: Session, job_id: str) -> Steps[str]:
    """A job's log."""
    return (yield from session.request(Call("GET", f"{JOBS}/{job_id}/log"))).text


def status(session: Session) -> Steps[dict[str, Any]]:
    """The server, its renderers, its queue and its machine."""
    found: dict[str, Any] = yield from session.json(Call("GET", "/api/v1/status"))
    return found
