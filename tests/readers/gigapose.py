"""As GigaPose and PicoPose read templates."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.readers.view import ReadView, pixels_of, rgba_view

_INTRINSICS = np.array([[572.4114, 0.0, 320.0], [0.0, 573.57043, 240.0], [0.0, 0.0, 1.0]])


def read(dataset: Path, object_id: int) -> list[ReadView]:
    """The views of an object."""
    poses = np.load(dataset / "object_poses" / f"{object_id:06d}.npy")
    assert poses.dtype.kind == "f" and poses.shape[1:] == (4, 4)
    folder = dataset / f"{object_id:06d}"
    assert len(list(folder.iterdir())) == len(list(folder.glob("*.png"))) == 2 * len(poses), "number of PNGs"
    views = []
    for index, pose in enumerate(poses):
        depth = pixels_of(folder / f"{index:06d}_depth.png", "I;16").astype(np.float64)
        view = rgba_view(folder / f"{index:06d}.png", depth=depth, pose=pose, intrinsics=_INTRINSICS, depth_step=1.0)
        assert view.rgb.shape == (480, 640, 3) and view.depth is not None and view.depth.shape == (480, 640)
        views.append(view)
    return views
