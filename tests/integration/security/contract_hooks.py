"""Hooks of schemathesis: most render requests name a real CAD and are cheap, so that what follows a good one is tried too."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import schemathesis
from pydantic import ValidationError

from serve_app.jobs.callback import CALLBACK_PATTERN
from serve_app.jobs.request import RenderRequest
from serve_app.templates.layouts.registry import DEFAULT, LAYOUTS

_FOLDER = Path(os.environ["CONTRACT_FOLDER"])
_OUTPUTS = 20
_FORM = {"resolution": 64, "samples": 1, "camera_poses_path": str(_FOLDER / "one_pose.npy")}
_count = itertools.count()


@schemathesis.serializer("application/offset+octet-stream")
def _piece(context: Any, value: Any) -> bytes:
    """A piece of an upload, as tus has it."""
    return _bytes_of(value)


def _bytes_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Change a request just before it is sent; what makes it a bad one stays."""
    number = next(_count)
    if case.path.endswith("/events") and _is_short(case.query):
        case.query = {**(case.query or {}), "for_sec": 0.5}  # Else it would have no end. A number, as the document has it.
    if "Upload-Checksum" in (case.headers or {}) and _is_good(case):  # Whether it is that of the piece, no schema can say.
        digest = hashlib.sha1(_bytes_of(case.body)).digest()
        case.headers["Upload-Checksum"] = f"sha1 {base64.b64encode(digest).decode()}"
    if not isinstance(case.body, dict):
        return
    if case.media_type == "multipart/form-data":
        if _is_good(case):  # What is a good file, no schema can say.
            kwargs["files"] = [("file", ("flange.stl", (_FOLDER / "flange.stl").read_bytes()))]
            kwargs["data"] = {"options": json.dumps(_FORM)} if not case.path.endswith("/uploads") else {}
        return
    if _is_good(case):
        case.body = _with_one_cad(case.body)
    # One in three keeps its paths, which lead nowhere; unless an earlier answer told them, or the id of an upload.
    if number % 3 == 0 and not _leads_somewhere(case.body):
        case.body = _each_item(case.body, _with_possible_camera)
    elif case.path.endswith(("/cad/inspect", "/cad/preview.glb")):
        case.body = _known_cad(case.body)
    else:
        case.body = _each_item(case.body, lambda item: _cheap(item, number))
    if _is_good(case):  # What made it a bad one may have been what was changed.
        case.body = _with_one_cad(case.body)


def _leads_somewhere(body: dict[str, Any]) -> bool:
    return str(_FOLDER) in str(body) or re.search("'upload_id': '[0-9a-f]{32}'", str(body)) is not None


def _is_good(case: Any) -> bool:
    """Whether the document allows the request as it stands."""
    return case.meta is None or bool(case.meta.generation.mode.is_positive)


def _with_one_cad(body: dict[str, Any]) -> dict[str, Any]:
    """A good request that names one CAD: the document says no more than that there is a path or an upload."""
    if "cad_path" not in body and "upload_id" not in body:
        return body
    changed = {**body}
    if not isinstance(body.get("upload_id"), str) or isinstance(body.get("cad_path"), str):
        changed = {name: value for name, value in body.items() if name not in ("upload_id", "cad")}
        for name in ("cad_path", *(["output_dir"] if "output_dir" in body else [])):
            if body.get(name) is None:
                changed[name] = "nowhere"
    return changed


def _is_short(query: Any) -> bool:
    """Whether a stream may be given another end: its own is none that is refused."""
    try:
        return "for_sec" not in (query or {}) or 0 <= float(query["for_sec"]) <= 3600
    except (TypeError, ValueError):
        return False


def _each_item(body: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """A render request changed, or each of a batch's."""
    if "items" not in body:
        return dict(change(body))
    items = body["items"]
    return {**body, "items": [change(item) for item in items] if isinstance(items, list) else items}


def _with_possible_camera(item: Any) -> Any:
    """The request without its camera where that is refused for what no schema can say: of viewpoints, say, some are too many together."""
    return {**item, "camera": None} if isinstance(item, dict) and item.get("camera") is not None and _camera_may_be_replaced(item) else item


def _camera_may_be_replaced(item: dict[str, Any]) -> bool:
    """Whether another camera in the place of the request's own hides no fault that the schema tells."""
    try:
        RenderRequest.model_validate(item)
    except ValidationError as error:
        return all(finding["type"] == "value_error" and finding["loc"][:1] == ("camera",) for finding in error.errors())
    return True


def _cheap(item: Any, number: int) -> Any:
    """A render request with a real CAD, one camera and few pixels; a field that is missing or wrong stays so."""
    if not isinstance(item, dict):
        return item
    changed = _without_parts(item)
    if isinstance(item.get("callback_url"), str) and re.search(CALLBACK_PATTERN, item["callback_url"]):
        del changed["callback_url"]  # Which host is listed, no schema can say.
    for field, value in (("cad_path", str(_FOLDER / "flange.stl")), ("output_dir", str(_FOLDER / f"contract/{number % _OUTPUTS}"))):
        if isinstance(item.get(field), str) and 0 < len(item[field]) <= 4096:
            changed[field] = value
    if isinstance(item.get("layout"), str) and item["layout"] in set(LAYOUTS) - {DEFAULT.name}:
        changed["layout"] = "bop"  # It takes any camera, and has none of its own: 798 views of 420 x 420 pixels are not cheap.
    if item.get("camera") is not None:
        return _with_cheap_camera(item, changed)
    if _is_whole(item.get("resolution", 64), 64, 2048):
        changed["resolution"] = 64
    if item.get("samples") is None or _is_whole(item["samples"], 1, 4096):
        changed["samples"] = 1
    if item.get("level") is None and isinstance(item.get("camera_poses_path"), str | None):
        changed["camera_poses_path"] = str(_FOLDER / "one_pose.npy")
    elif item.get("camera_poses_path") is None and _is_whole(item["level"], 0, 2):
        del changed["level"]
        changed["camera_poses_path"] = str(_FOLDER / "one_pose.npy")
    # Whether this CAD is in the picture without these, no schema can say.
    if item.get("normalize") is False:
        changed["normalize"] = True
    if item.get("unit") == "m":
        changed["unit"] = "mm"
    return changed


def _with_cheap_camera(item: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """The request with another camera where its own is a good one: whether that sees this CAD, no schema can say."""
    if not _camera_may_be_replaced(item):
        return changed
    kept = {name: value for name, value in changed.items() if name not in ("resolution", "level", "camera_poses_path", "normalize", "unit")}
    return {**kept, "samples": 1, "camera": {"crop": {"size": 64}, "poses": {"camera_poses_path": str(_FOLDER / "one_pose.npy")}}}


def _known_cad(body: dict[str, Any]) -> dict[str, Any]:
    """An inspection of a real CAD."""
    changed = _without_parts(body)
    if isinstance(body.get("cad_path"), str) and 0 < len(body["cad_path"]) <= 4096:
        changed["cad_path"] = str(_FOLDER / "flange.stl")
    return changed


def _without_parts(body: dict[str, Any]) -> dict[str, Any]:
    """The real CAD has no named parts, which no schema can say; wrong names stay."""
    parts = body.get("parts")
    if isinstance(parts, list) and all(isinstance(part, str) and 1 <= len(part) <= 200 for part in parts) and 1 <= len(parts) <= 1000:
        return {**body, "parts": None}
    return dict(body)


def _is_whole(value: Any, lowest: int, highest: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest and value == int(value)
