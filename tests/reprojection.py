"""Where a templates folder's own manifest puts its coordinates in the image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]


def intrinsics_of(manifest: dict[str, Any]) -> Floats:
    """(N, 3, 3) of the manifest's views."""
    views = len(manifest["model_to_camera_mm"])
    if "intrinsics" in manifest:
        return np.tile(np.array(manifest["intrinsics"]), (views, 1, 1))
    return np.array(manifest["intrinsics_of_views"])


def off_their_pixels(
    xyz: NDArray[np.float16], mask: NDArray[np.bool_], model_to_camera: Floats, intrinsics: Floats
) -> tuple[Floats, Floats]:
    """How far the coordinates of each pixel of a mask are projected from its centre.

    Args:
        xyz: (H, W, 3) in mm.
        mask: (H, W).
        model_to_camera: (4, 4) in mm, OpenCV axes.
        intrinsics: (3, 3).

    Returns:
        (P, 2) columns and rows in pixels, and (P, 2) what float16's rounding of the coordinates may make of it.
    """
    points = xyz[mask].astype(np.float64)
    local = points @ model_to_camera[:3, :3].T + model_to_camera[:3, 3]
    rows, columns = np.nonzero(mask)
    seen = (local / local[:, 2:]) @ intrinsics.T
    focal = np.diag(intrinsics)[:2]
    half_steps = np.linalg.norm(np.spacing(np.abs(xyz[mask])).astype(np.float64) / 2, axis=1, keepdims=True)
    # A point moves across the axis, and along it, which moves the pixel by its slope.
    slopes = np.abs(local[:, :2] / local[:, 2:])
    return seen[:, :2] - np.stack([columns, rows], axis=1), half_steps * (1 + slopes) * focal / local[:, 2:]


def check_reprojection(folder: Path) -> int:
    """See that coordinates fall on their pixels, to a hundredth beside float16's rounding, and that depth agrees; the number of views."""
    manifest = json.loads((folder / "manifest.json").read_text())
    matrices = zip(np.array(manifest["model_to_camera_mm"]), intrinsics_of(manifest), strict=True)
    for view, (model_to_camera, intrinsics) in enumerate(matrices):
        mask = np.asarray(Image.open(folder / f"mask_{view}.png")) > 0
        assert mask.shape == (manifest["height"], manifest["width"])
        off, rounding = off_their_pixels(np.load(folder / f"xyz_{view}.npy"), mask, model_to_camera, intrinsics)
        assert (np.abs(off) <= 0.01 + rounding).all(), np.abs(off).max(axis=0)
        assert np.abs(off.mean(axis=0)).max() < 0.01, off.mean(axis=0)
        assert mask.sum() > 100
        if manifest["depth_scale_mm"] is not None:
            depth = np.asarray(Image.open(folder / "extra" / f"depth_{view}.png")).astype(np.float64) * manifest["depth_scale_mm"]
            xyz = np.load(folder / f"xyz_{view}.npy")[mask].astype(np.float64)
            z = xyz @ model_to_camera[2, :3] + model_to_camera[2, 3]
            rounded = manifest["depth_scale_mm"] / 2 + np.linalg.norm(np.spacing(np.abs(xyz).astype(np.float16)).astype(np.float64), axis=1)
            assert (depth[~mask] == 0).all() and (np.abs(depth[mask] - z) <= rounded).all()
    return view + 1
