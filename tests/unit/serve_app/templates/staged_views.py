"""Staging folders with views that nobody rendered."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from serve_app.templates.staging import StagingFolder
from serve_app.templates.views import RenderedViews
from tests.unit.serve_app.templates_made import staging_at


def staged(tmp_path: Path, name: str, content: bytes = b"x" * 1000) -> tuple[StagingFolder, RenderedViews]:
    staging = staging_at(tmp_path, tmp_path / name / "templates", name)
    staging.open()
    rendered = RenderedViews(versions={"blender": "4.5"})
    for view in range(3):
        files: dict[str, Any] = {}
        for file in (f"rgb_{view}.png", f"mask_{view}.png", f"xyz_{view}.npy"):
            data = file.encode() + content
            staging.write(file, data)
            files[file] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        rendered.add([{"index": view, "seconds": 0.5, "mask_pixels": 9, "device": "CPU", "files": files}])
    return staging, rendered


def empty(tmp_path: Path, name: str) -> StagingFolder:
    staging = staging_at(tmp_path, tmp_path / name / "templates", name)
    staging.open()
    return staging
