"""Names a rendering by everything that decides its files' content."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from render_actor.contract.scene import TemplateScene

_RENDERER_REVISION = 11
"""Raised with every change of ours that changes pixels: templates cached before are not used any more."""

_SHAPING = ("bpy", "blenderproc", "embreex", "numpy", "opencv-python", "pillow")

SOFTWARE: Mapping[str, str] = {name: version(name) for name in _SHAPING}
"""Releases of the packages that shape pixels: Pillow, for one, decodes the textures."""


def rendering_key(cad_key: str, scene: TemplateScene, software: Mapping[str, str] = SOFTWARE) -> str:
    """SHA-256 in hex.

    Args:
        cad_key: ``LoadedCad.key``: of the CAD's bytes and of every file it pulls in.
        scene: all options, as they were understood, and the camera poses.
        software: release of each package that shapes pixels.
    """
    fields: dict[str, Any] = {field.name: getattr(scene, field.name) for field in dataclasses.fields(scene)}
    arrays = {
        name: [value.shape, hashlib.sha256(value.tobytes()).hexdigest()] for name, value in fields.items() if hasattr(value, "tobytes")
    }
    plain = {name: value for name, value in fields.items() if name not in arrays}
    plain["sampling"] = dataclasses.asdict(scene.sampling)
    content = {"cad": cad_key, "arrays": arrays, "scene": plain, "revision": _RENDERER_REVISION, "software": dict(software)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
