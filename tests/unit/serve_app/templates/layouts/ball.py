"""A ball, seen by real cameras and written as a layout says, without a renderer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from render_actor.contract.cameras import camera_poses
from render_actor.contract.file_kinds import FileKind
from serve_app.templates.layouts.layout import Layout, ObjectView, RenderedObject

CENTRE, RADIUS = np.array([4.0, -3.0, 2.0]), 30.0
"""In the object's frame, mm."""


def distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,) from points to the ball's surface."""
    return np.abs(np.linalg.norm(points - CENTRE, axis=1) - RADIUS)


@dataclass(frozen=True)
class Camera:
    """The same pinhole camera for all views."""

    intrinsics: NDArray[np.float64]
    width: int
    height: int
    distance: float = 400.0


SMALL = Camera(np.array([[80.0, 0.0, 50.0], [0.0, 82.0, 30.0], [0.0, 0.0, 1.0]]), 96, 64, 150.0)


def publish(layout: Layout, output_dir: Path, object_id: int = 5, views: int = 3, camera: Camera = SMALL, level: int = 0) -> RenderedObject:
    """Write the ball's views, and what a layout adds, as a job does.

    Args:
        layout: says where.
        output_dir: of the dataset.
        object_id: of the ball.
        views: the first ones of a level.
        camera: that sees them.
        level: 0, 1 or 2.
    """
    folder = output_dir / layout.folder(object_id)
    seen = []
    for index, to_world in enumerate(camera_poses(level)[:views].copy()):
        to_world[:3, 3] *= camera.distance / 1000
        pose = np.linalg.inv(to_world)
        images = _images(camera, pose)
        scale = layout.depth_scale or 0.1
        for kind in layout.kinds:
            for path in layout.paths(kind, index, views):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(_encoded(kind, images, scale))
        rows, columns = np.nonzero(images["mask"])
        box = int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
        seen.append(ObjectView(index, pose, camera.intrinsics, camera.width, camera.height, len(rows), box))
    corners = np.array([CENTRE - RADIUS, CENTRE + RADIUS])
    rendered = RenderedObject(object_id, output_dir.name, str(folder), frozenset(), layout.depth_scale or 0.1, corners, tuple(seen))
    for base, files in ((folder, layout.documents(rendered)), (output_dir, layout.beside(rendered))):
        for path, data in files.items():
            (base / path).parent.mkdir(exist_ok=True)
            (base / path).write_bytes(data)
    return rendered


def _images(camera: Camera, pose: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What the rays through the centres of the pixels meet."""
    rows, columns = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(camera.intrinsics).T  # z is 1: lengths are depths.
    centre = pose[:3, :3] @ CENTRE + pose[:3, 3]
    square, along = (rays**2).sum(axis=-1), rays @ centre
    discriminant = along**2 - square * (centre @ centre - RADIUS**2)
    mask = discriminant > 0
    depth = np.where(mask, (along - np.sqrt(np.maximum(discriminant, 0))) / square, 0.0)
    in_object = (rays * depth[..., None] - pose[:3, 3]) @ pose[:3, :3]
    xyz = np.where(mask[..., None], in_object, -1).astype(np.float16)
    rgb = np.where(mask[..., None], (128 + 100 * (in_object - CENTRE) / RADIUS), 70).astype(np.uint8)
    return {"mask": mask, "depth": depth, "xyz": xyz, "rgb": rgb}


def _encoded(kind: FileKind, images: Mapping[str, NDArray[Any]], scale: float) -> bytes:
    """The bytes of a file, not by the renderer's own encoders."""
    file = io.BytesIO()
    if kind == "xyz":
        np.save(file, images["xyz"])
        return file.getvalue()
    rgb, mask = images["rgb"], images["mask"]
    masked = np.where(mask[..., None], rgb, 0).astype(np.uint8)
    alpha = np.where(mask, 255, 0).astype(np.uint8)
    depth = np.rint(images["depth"] / scale).astype(np.uint16)
    pixels = {"rgb": rgb, "mask": alpha, "masked": masked, "rgba": np.dstack([masked, alpha]), "depth": depth}[kind]
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
