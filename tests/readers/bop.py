"""As trainers read the scene-wise format of BOP datasets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.readers.view import ReadView, box_of, pixels_of


def read(split: Path, scene_id: int) -> list[ReadView]:
    """The views of a scene, each of one object that has the scene's number."""
    scene = split / f"{scene_id:06d}"
    cameras, truth, info = (json.loads((scene / f"scene_{name}.json").read_text()) for name in ("camera", "gt", "gt_info"))
    assert cameras.keys() == truth.keys() == info.keys()
    images = {path.stem for path in (scene / "rgb").iterdir()}
    assert images == {f"{int(number):06d}" for number in cameras}
    return [_view(scene, int(number), cameras[number], truth[number], info[number]) for number in cameras]


def _view(scene: Path, number: int, camera: dict, truth: list, info: list) -> ReadView:  # type: ignore[type-arg]
    assert len(truth) == len(info) == 1 and truth[0]["obj_id"] == int(scene.name)
    rgb = pixels_of(scene / "rgb" / f"{number:06d}.png", "RGB")
    raw = pixels_of(scene / "depth" / f"{number:06d}.png", "I;16")
    whole, visible = (pixels_of(scene / folder / f"{number:06d}_000000.png", "L") for folder in ("mask", "mask_visib"))
    assert np.array_equal(whole, visible) and set(np.unique(whole)) <= {0, 255}
    mask = whole == 255
    left, top, right, bottom = box_of(mask)
    told = info[0]
    assert told["bbox_obj"] == told["bbox_visib"] == [left, top, right - 1 - left, bottom - 1 - top]
    assert told["px_count_all"] == told["px_count_valid"] == told["px_count_visib"] == mask.sum() and told["visib_fract"] == 1.0
    pose = np.eye(4)
    pose[:3, :3] = np.reshape(truth[0]["cam_R_m2c"], (3, 3))
    pose[:3, 3] = truth[0]["cam_t_m2c"]
    intrinsics = np.reshape(camera["cam_K"], (3, 3)).astype(np.float64)
    scale = camera["depth_scale"]
    return ReadView(rgb, mask, (left, top, right, bottom), raw * scale, None, pose, intrinsics, depth_step=scale)
