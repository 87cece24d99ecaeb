"""As FoundPose reads templates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.readers.view import ReadView, box_of, pixels_of


def read(version: Path, dataset: str, object_id: int) -> list[ReadView]:
    """The views of an object.

    Args:
        version: the folder of the datasets.
        dataset: name of its folder there, and in the metadata.
        object_id: of the object.
    """
    views = []
    for number, sample in enumerate(json.loads((version / dataset / str(object_id) / "metadata.json").read_text())):
        assert (sample["dataset"], sample["lid"], sample["template_id"]) == (dataset, object_id, number)
        world = np.eye(4)
        world[:3, :3], world[:3, 3:] = sample["pose"]["R"], sample["pose"]["t"]
        camera = sample["cameras"]
        to_world = np.array(camera["T_WorldFromCamera"])
        assert np.allclose(np.linalg.inv(to_world), camera["ModelViewMatrix"])
        assert np.abs((to_world.T @ to_world)[:3, :3] - np.eye(3)).max() < 1e-5
        intrinsics = np.array([[camera["fx"], 0, camera["cx"]], [0, camera["fy"], camera["cy"]], [0, 0, 1]])
        rgb = pixels_of(Path(sample["rgb_image_path"]), "RGB")
        assert rgb.shape == (camera["ImageSizeY"], camera["ImageSizeX"], 3)
        depth = pixels_of(Path(sample["depth_map_path"]), "I;16").astype(np.float64)
        mask = pixels_of(Path(sample["binary_mask_path"]), "L")
        assert set(np.unique(mask)) <= {0, 255}
        assert not rgb[mask == 0].any(), "the background is not black"
        box = box_of(mask == 255)
        assert sample["boxes_amodal"] == [list(box)] and sample["visibilities"] == [1.0]
        pose = np.linalg.inv(to_world) @ world
        views.append(ReadView(rgb, mask == 255, box, depth, None, pose, intrinsics, depth_step=1.0))
    return views
