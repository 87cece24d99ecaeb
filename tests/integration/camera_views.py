"""Has Blender see through cameras of all kinds, and prints what ``test_camera_views.py`` asks of them.

Run as a process of its own, since Blender wants the main thread: ``python -m tests.integration.camera_views THREADS FOLDER``
writes ``FOLDER/cameras.json``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import traceback
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.scene import TemplateScene
from tests.integration.bounded_views import CADS, Renderer
from tests.integration.guided_cads import Case, example
from tests.integration.guided_views import agreement_of, scene_of, shown

VIEW = 5
SAMPLES = 128

Floats = NDArray[np.float64]


def matrix(fx: float, fy: float, cx: float, cy: float) -> Floats:
    """(3, 3) pinhole matrix."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


CAMERAS: dict[str, tuple[int, int, Floats | None]] = {
    "stock": (96, 96, None),
    "wide": (128, 80, matrix(120, 120, 63.5, 39.5)),
    "high": (72, 110, matrix(100, 100, 35.5, 54.5)),
    "off its middle": (120, 96, matrix(130, 130, 48.3, 57.9)),
    "wide pixels": (120, 90, matrix(110, 140, 61.2, 42.7)),
    "high pixels": (90, 120, matrix(140, 100, 41.7, 66.2)),
    "principal point outside": (64, 64, matrix(300, 310, 83.5, -21.3)),
    "near": (96, 96, matrix(20, 20, 47.5, 47.5)),
    "far": (96, 96, matrix(130_000, 130_000, 47.5, 47.5)),
}
"""Width, height and matrix."""

DISTANCES = {"near": 0.26, "far": 2000.0}
"""Camera to origin in scene units, where it is not 2: Blender's camera by itself sees nothing nearer than 0.1 or beyond 1000."""


def at_distance(scene: TemplateScene, distance: float) -> TemplateScene:
    """The scene with cameras nearer or farther."""
    poses = np.array(scene.camera_poses)
    poses[:, :3, 3] *= distance / 2
    return dataclasses.replace(scene, camera_poses=poses)


def projected(scene: TemplateScene, view: int, points: Floats) -> Floats:
    """(P, 2) pixels of points (P, 3) of the scene, as the pinhole formula has it."""
    local = (points - scene.camera_poses[view, :3, 3]) @ scene.camera_poses[view, :3, :3]
    return np.asarray((local / local[:, 2:]) @ scene.intrinsics[view].T)[:, :2]


def projected_by_blender(scene: TemplateScene, points: Floats) -> Floats:
    """The same by Blender, which is aimed already."""
    from render_actor.blender.session import bpy

    camera, render = bpy.context.scene.camera, bpy.context.scene.render
    graph = bpy.context.evaluated_depsgraph_get()
    size = {"x": render.resolution_x, "y": render.resolution_y, "scale_x": render.pixel_aspect_x, "scale_y": render.pixel_aspect_y}
    clip = np.array(camera.calc_matrix_camera(graph, **size)) @ np.linalg.inv(np.array(camera.matrix_world, dtype=np.float64))
    seen = np.c_[points, np.ones(len(points))] @ clip.T
    seen = seen[:, :2] / seen[:, 3:]  # From -1 to 1, y up.
    return np.stack([(seen[:, 0] + 1) / 2 * scene.width - 0.5, (1 - seen[:, 1]) / 2 * scene.height - 0.5], axis=1)


def main(renderer: Renderer) -> dict[str, dict[str, float]]:
    """By camera: how far Blender's projection is from the formula in pixels, and Cycles' guide from its expected value."""
    case = Case("knot", example(CADS[0]))
    mesh = case.mesh()
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 3))
    found = {}
    for name, (width, height, intrinsics) in CAMERAS.items():
        scene = scene_of(case, mesh, 96, SAMPLES)
        if intrinsics is not None:
            matrices = np.tile(intrinsics * 2, (len(scene.camera_poses), 1, 1))  # Another camera for the other views.
            matrices[VIEW] = intrinsics
            scene = dataclasses.replace(scene, width=width, height=height, intrinsics=matrices)
        if name in DISTANCES:
            scene = at_distance(scene, DISTANCES[name])
        shown(renderer, mesh, scene)
        agreement = agreement_of(renderer, scene, VIEW)
        off = projected_by_blender(scene, points) - projected(scene, VIEW, points)
        found[name] = {"pixels": float(np.abs(off).max()), **agreement}
    return found


if __name__ == "__main__":
    threads, folder = int(sys.argv[1]), Path(sys.argv[2])
    try:
        (folder / "cameras.json").write_text(json.dumps(main(Renderer(threads))))
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # Blender hangs or crashes when its interpreter ends in order.
    os._exit(0)
