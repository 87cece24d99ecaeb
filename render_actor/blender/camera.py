"""Has Blender's camera see what a view of a ``TemplateScene`` sees."""

from __future__ import annotations

import numpy as np

from render_actor.blender.session import Matrix, bpy
from render_actor.contract.scene import TemplateScene
from render_actor.view.border import border_fraction
from render_actor.view.lens import lens_of

_CLIPPED = (0.1, 1000.0)
"""Blender's camera sees nothing nearer and nothing farther, in scene units, unless the object is there."""

_NEAREST = 1e-4


def aim(scene: TemplateScene, view: int, depths: tuple[float, float]) -> None:
    """Set Blender's one camera to a view's pose and pinhole matrix.

    Args:
        scene: gives both.
        view: camera index.
        depths: between which the object lies before the camera, in scene units.
    """
    camera, render = bpy.context.scene.camera, bpy.context.scene.render
    pose = np.array(scene.camera_poses[view])
    pose[:3, 1:3] *= -1  # Blender's camera looks along -z with y up.
    camera.matrix_world = Matrix(pose.tolist())
    camera.data.clip_start = min(_CLIPPED[0], max(depths[0] / 2, _NEAREST))
    camera.data.clip_end = max(_CLIPPED[1], depths[1] * 2)
    lens = lens_of(scene.intrinsics[view], scene.width, scene.height)
    camera.data.sensor_fit, camera.data.sensor_width = "HORIZONTAL", lens.sensor_mm
    camera.data.lens, camera.data.shift_x, camera.data.shift_y = lens.focal_mm, lens.shift_x, lens.shift_y
    render.pixel_aspect_x, render.pixel_aspect_y = lens.aspect_x, lens.aspect_y


def set_border(bounds: tuple[int, int, int, int], width: int, height: int) -> None:
    """Have the next render show a part of an image.

    Args:
        bounds: (left, top, right, bottom) in pixels, right and bottom exclusive.
        width: of the whole image.
        height: of the whole image.
    """
    left, top, right, bottom = bounds
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = width, height
    render.border_min_x, render.border_max_x = (border_fraction(pixels, width) for pixels in (left, right))
    render.border_min_y, render.border_max_y = (border_fraction(height - pixels, height) for pixels in (bottom, top))
