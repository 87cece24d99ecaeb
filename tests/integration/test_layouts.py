"""What each layout publishes, read as its pipeline reads it and held against the CAD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from render_actor.contract.cameras import camera_poses
from tests.integration.conftest import Server
from tests.integration.dataset import diameter, write_dataset
from tests.readers import bop, cnos, foundpose, gigapose, sam6d_bop
from tests.readers.surface import Distances, check_surface, distances_to

SMALL = {"K": {"fx": 80.0, "fy": 82.0, "cx": 46.0, "cy": 30.0}, "width": 96, "height": 64}


@pytest.fixture(scope="module")
def part(server: Server) -> trimesh.Trimesh:
    """Object 1: its CAD is in ``models``, and two poses in ``two.npy``."""
    np.save(server.folder / "two.npy", camera_poses(0)[[3, 20]])
    return write_dataset(server.folder / "models", server.folder, (1,))[1]


@pytest.fixture(scope="module")
def distances(part: trimesh.Trimesh) -> Distances:
    return distances_to(part)


def published(server: Server, layout: str, dataset: str, **options: Any) -> Path:
    """Render object 1; the folder of the dataset."""
    job = server.render("models/obj_000001.ply", dataset, layout=layout, samples=1, **options)
    assert job["status"] == "succeeded", job
    return server.folder / dataset


def two_views(server: Server) -> dict[str, Any]:
    return {"camera_poses_path": str(server.folder / "two.npy")}


def test_sam6d_bop(server: Server, part: trimesh.Trimesh, distances: Distances) -> None:
    dataset = published(server, "sam6d-bop", "render_bop", resolution=96, **two_views(server))
    views = sam6d_bop.read(dataset, [1], wanted=2)[1]
    assert len(views) == 2
    for view in views:
        check_surface(view, distances)
        # At two diameters the object can fill no more than what a ball of its diameter about its middle fills.
        focal = 96 / 2 / np.tan(0.691111 / 2)
        assert max(view.box[2] - view.box[0], view.box[3] - view.box[1]) < 1.35 * focal * diameter(part) / (2 * diameter(part))


def test_cnos(server: Server, part: trimesh.Trimesh) -> None:
    dataset = published(server, "cnos", "cnos/lm", camera={**SMALL, "distance_mm": 4 * diameter(part)})
    views = cnos.read(dataset)[1]
    assert len(views) == 42 and len(cnos.read_own(dataset / "obj_000001")) == 42
    assert all(view.rgb.shape == (64, 96, 3) and view.rgb[view.mask].any() for view in views)
    # The first and the last number of level 2 are the cameras below and above: these see a part that is round about z alike.
    assert abs(int(views[0].mask.sum()) - int(views[-1].mask.sum())) < 0.2 * views[0].mask.sum()


def test_gigapose_at_its_own_size(server: Server, distances: Distances) -> None:
    dataset = published(server, "gigapose", "gigapose/lm", **two_views(server))
    views = gigapose.read(dataset, 1)
    assert len(views) == 2
    for view, camera in zip(views, camera_poses(0)[[3, 20]], strict=True):
        check_surface(view, distances)
        camera[:3, 3] *= 0.4
        assert view.pose is not None and np.allclose(view.pose, np.linalg.inv(camera), atol=1e-3)


def test_foundpose(server: Server, distances: Distances) -> None:
    camera = {"crop": {"size": 84, "pad": 0.2}, "poses": {"viewpoints": {"fibonacci": 2, "in_plane": 2}}}
    published(server, "foundpose", "v1/lm", camera=camera)
    views = foundpose.read(server.folder / "v1", "lm", 1)
    assert len(views) == 4
    for view in views:
        check_surface(view, distances)
        sides = view.box[2] - view.box[0], view.box[3] - view.box[1]
        assert 84 / 1.2 - 6 < max(sides) <= 84 / 1.2 + 2  # The box and a fifth more fill the image.


def test_bop(server: Server, part: trimesh.Trimesh, distances: Distances) -> None:
    camera = {**SMALL, "distance_mm": 3 * diameter(part)}
    split = published(server, "bop", "lm/train", camera=camera, **two_views(server))
    views = bop.read(split, 1)
    assert len(views) == 2
    for view in views:
        check_surface(view, distances)
        assert view.depth_step == 0.1 and view.intrinsics is not None and view.intrinsics[0, 2] == 46.0
        assert view.pose is not None and np.linalg.norm(view.pose[:3, 3]) == pytest.approx(3 * diameter(part), rel=1e-6)


@pytest.mark.parametrize("layout", ["sam6d-bop", "gigapose", "bop"])
def test_a_layout_replaces_what_it_has_published(server: Server, part: trimesh.Trimesh, layout: str) -> None:
    for colour in (0.2, 0.6):
        dataset = published(server, layout, f"twice/{layout}", colorize=True, base_color=colour, **two_views(server))
    assert [path.name for path in dataset.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": "cnos", "camera": {"poses": {"viewpoints": {"fibonacci": 5}}}}, "level 0, 1 or 2"),
        ({"layout": "gigapose", "resolution": 128}, "640 x 480"),
        ({"layout": "nocs"}, "layout"),
    ],
)
def test_what_a_pipeline_could_not_read_is_refused(server: Server, part: trimesh.Trimesh, options: dict[str, Any], words: str) -> None:
    body = {"cad_path": str(server.folder / "models/obj_000001.ply"), "output_dir": str(server.folder / "refused"), **options}
    with server.http() as http:
        answer = http.post("/render/templates", json=body)
    assert answer.status_code == 422 and words in answer.json()["detail"] and answer.json()["field"] == "layout"
    assert not (server.folder / "refused").exists()
