from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from render_actor.contract.error_bound import ErrorBound
from render_actor.contract.scene import Sampling, TemplateScene
from serve_app.rendering.key import SOFTWARE, rendering_key

SCENE = TemplateScene.stock(
    resolution=64,
    object_to_scene=np.eye(4),
    camera_poses=np.tile(np.eye(4), (3, 1, 1)),
    xyz_scale=1.0,
    base_color=None,
    sampling=Sampling(4),
)


def changed(field: str, value: Any) -> TemplateScene:
    return dataclasses.replace(SCENE, **{field: value})


def moved(array: Any) -> Any:
    copy = np.array(array)
    copy.flat[3] += 1e-9
    return copy


def test_the_same_is_the_same() -> None:
    assert rendering_key("cad", SCENE) == rendering_key("cad", changed("object_to_scene", np.eye(4)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 65),
        ("height", 65),
        ("intrinsics", moved(SCENE.intrinsics)),
        ("object_to_scene", moved(SCENE.object_to_scene)),
        ("camera_poses", moved(SCENE.camera_poses)),
        ("xyz_scale", 1000.0),
        ("base_color", 0.05),
        ("base_color", 0.0),
        ("sampling", Sampling(5)),
        ("sampling", Sampling(4, denoiser="none")),
        ("sampling", Sampling(4, bound=ErrorBound(1.0, 1.25))),
        ("sampling", Sampling(4, max_samples=256)),
    ],
)
def test_anything_that_changes_pixels_changes_the_key(field: str, value: Any) -> None:
    assert rendering_key("cad", changed(field, value)) != rendering_key("cad", SCENE)


def test_the_cad_and_every_field_of_the_scene_count() -> None:
    fewer = dataclasses.replace(SCENE, camera_poses=SCENE.camera_poses[:2], intrinsics=SCENE.intrinsics[:2])
    assert rendering_key("cad", fewer) != rendering_key("cad", SCENE)
    assert rendering_key("other", SCENE) != rendering_key("cad", SCENE)
    known = {"width", "height", "intrinsics", "object_to_scene", "camera_poses", "xyz_scale", "base_color", "sampling"}
    assert {field.name for field in dataclasses.fields(TemplateScene)} == known, "add the new field to the test above"


@pytest.mark.parametrize("package", ["bpy", "blenderproc", "embreex", "numpy", "opencv-python", "pillow"])
def test_a_new_release_of_what_shapes_pixels_changes_the_key(package: str) -> None:
    newer = {**SOFTWARE, package: "99"}
    assert rendering_key("cad", SCENE, newer) != rendering_key("cad", SCENE)


def test_a_new_release_of_what_only_tests_use_changes_nothing() -> None:
    assert not {"trimesh", "networkx", "pytest"} & set(SOFTWARE)
    assert rendering_key("cad", SCENE) == rendering_key("cad", SCENE, dict(SOFTWARE))
