"""What is asked of the server for each CAD, and under which job id, so that the same command finds its jobs again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve_app.cad.units import MM_PER_UNIT, Unit
from serve_app.cli.bop.models import Model
from serve_app.cli.exit_codes import UsageError
from serve_app.templates.layouts.layout import Layout

_LOOKS = (".mtl", ".png", ".jpg", ".jpeg", ".bmp", ".tga", ".tif", ".tiff", ".bin")
"""What a CAD may refer to beside it."""


@dataclass(frozen=True)
class Order:
    """One CAD to be rendered.

    Attributes:
        model: the CAD.
        body: of the request.
        folder: that will be published.
        content: SHA-256 in hex of all that decides the files: the CAD, what lies beside it, the request and its poses file, the server's
            release.
    """

    model: Model
    body: Mapping[str, Any]
    folder: Path
    content: str

    def job_id(self, attempt: int) -> str:
        """The id of the job that is made for it.

        Args:
            attempt: 1, and higher where an earlier job failed, or its files have gone.
        """
        return f"bop-{self.content[:32]}" + (f"-{attempt}" if attempt > 1 else "")


def orders_of(
    models: list[Model],
    layout: Layout,
    output: Path,
    dataset: str | None,
    options: Mapping[str, Any],
    distance_diameters: float | None,
    version: str,
) -> list[Order]:
    """An order for each CAD.

    Args:
        models: the CADs.
        layout: of the files.
        output: absolute; the folder of the dataset.
        dataset: its name; None leaves it to the server, which takes that of its folder.
        options: of every request.
        distance_diameters: how many of its diameters an object is away from the cameras; None leaves it to the options and the layout.
        version: the server's release.

    Raises:
        UsageError: the distance is told twice, or a CAD cannot be read.
    """
    shared = [_beside(models[0].path.parent), _poses(options), version]
    shared_folder = layout.folder(1) == layout.folder(2)
    orders = []
    for model in models:
        # Where a layout calls every object's folder the same, each has a folder of its own above it.
        output_dir = output / model.path.stem if shared_folder else output
        body = {
            "cad_path": str(model.path),
            "output_dir": str(output_dir),
            "layout": layout.name,
            "object_id": model.object_id,
            "priority": "batch",
            **({"dataset": dataset} if dataset else {}),
            **_with_distance(model, layout, options, distance_diameters),
        }
        content = hashlib.sha256(json.dumps([body, _digest(model.path), *shared], sort_keys=True).encode()).hexdigest()
        orders.append(Order(model, body, output_dir / layout.folder(model.object_id), content))
    return orders


def _with_distance(model: Model, layout: Layout, options: Mapping[str, Any], diameters: float | None) -> Mapping[str, Any]:
    """The options, and the distance where it is told in diameters: by the dataset's own diameter, otherwise as the server measures it."""
    camera = dict(options.get("camera") or {})
    told = options.get("normalize") is not None or any(camera.get(name) is not None for name in ("distance_mm", "distance_diameters"))
    if diameters is not None and told:
        raise UsageError("give --distance-diameters, --normalize or a distance in --camera, not two of them: each decides the distance")
    if told or (diameters is None and (layout.distance_diameters is None or model.diameter is None)):
        return options
    wanted = layout.distance_diameters if diameters is None else diameters
    assert wanted is not None
    if model.diameter is None:
        return {**options, "camera": {**camera, "distance_diameters": wanted}}
    unit: Unit = options.get("unit", "mm")
    return {**options, "camera": {**camera, "distance_mm": wanted * model.diameter * MM_PER_UNIT.get(unit, 1.0)}}  # BOP's is mm.


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def _poses(options: Mapping[str, Any]) -> str | None:
    """SHA-256 of the poses file, where the options name one that can be seen from here."""
    camera = options.get("camera") or {}
    path = options.get("camera_poses_path") or (camera.get("poses") or {}).get("camera_poses_path")
    return _digest(Path(path)) if path and Path(path).is_file() else None


def _beside(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of what CADs may refer to: one that is changed makes the jobs others."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _LOOKS and path.is_file()]
    return [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
