"""Templates that are made, not rendered: a plane that fills a part of each image."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VIEWS, SIZE, DISTANCE = 3, 16, 100.0
K = [[20.0, 0.0, 7.5], [0.0, 20.0, 7.5], [0.0, 0.0, 1.0]]


def pose_of(view: int) -> NDArray[np.float64]:
    """The object is turned by quarters about the viewing axis, and farther away each time."""
    turn = np.pi / 2 * view
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    pose[2, 3] = DISTANCE + view
    return pose


def files_of(job_id: str = "a") -> dict[str, bytes]:
    """Content of all files by name."""
    files: dict[str, bytes] = {}
    for view in range(VIEWS):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[4 : 10 + view, 5:12] = 255
        rgb = np.full((SIZE, SIZE, 3), 10 * view + 5, np.uint8)
        xyz = np.full((SIZE, SIZE, 3), -1, np.float16)
        rows, columns = np.nonzero(mask)
        points = np.stack([columns, rows, np.zeros_like(rows)], axis=1)
        xyz[rows, columns] = points
        files |= {f"rgb_{view}.png": png(rgb), f"mask_{view}.png": png(mask), f"xyz_{view}.npy": npy(xyz)}
    told: dict[str, Any] = {
        "job_id": job_id,
        "cad": {"name": "<part>.stl"},
        "intrinsics": K,
        "model_to_camera_mm": [pose_of(view).tolist() for view in range(VIEWS)],
    }
    return files | {"manifest.json": json.dumps(told).encode()}


def folder_of(folder: Path, job_id: str = "a") -> Path:
    """Templates in a folder of this name."""
    folder.mkdir(parents=True)
    for name, content in files_of(job_id).items():
        (folder / name).write_bytes(content)
    return folder


def zip_of(more: Mapping[str, bytes] | None = None) -> bytes:
    """A job's zip, and whatever else is to be in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files_of().items():
            archive.writestr(f"templates/{name}", content)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
