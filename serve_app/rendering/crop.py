"""Virtual cameras that see the object as large as it fits into the image."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.intrinsics import pinhole
from render_actor.contract.scene import TemplateScene
from serve_app.base.errors import ServiceError


def cropped(scene: TemplateScene, vertices: NDArray[np.float64], size: int, pad: float) -> TemplateScene:
    """The scene as it is seen by virtual cameras in the places of its own.

    Each looks at the middle of the object's bounding box in the image of the scene's own camera, turned there on the shortest way, as the
    crop camera of FoundPose. Its principal point is the middle of the image, its pixels are square, and its focal length is the
    largest with which the box, ``1 + pad`` times as large, is in the image.

    Args:
        scene: of whose cameras only the poses count.
        vertices: (V, 3) of the object, CAD frame; they are looked at for every view.
        size: width and height of the images in pixels.
        pad: fraction of the box.

    Raises:
        ServiceError: ``camera_inside_object``; the object reaches behind a camera, or the camera is too near for a box.
    """
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    points = np.ascontiguousarray((vertices - middle).T, dtype=np.float32)
    poses, intrinsics = np.array(scene.camera_poses), np.empty((len(scene.camera_poses), 3, 3))
    for view in range(len(poses)):
        extent = scene.extent(view, points, middle)
        turn = None if extent is None else _towards(extent.mean(axis=0))
        reach = None if extent is None or turn is None else _reach(extent, turn)
        if turn is None or reach is None:
            fault = f"the camera of view {view} stands inside the object or too near to it for a crop"
            raise ServiceError(
                "camera_inside_object", f"{fault}; place the cameras outside: a larger camera.distance_mm, or other poses", "camera"
            )
        poses[view, :3, :3] = poses[view, :3, :3] @ turn
        intrinsics[view] = pinhole(size / 2 / (reach * (1.0 + pad)), size, size)
    return dataclasses.replace(scene, width=size, height=size, intrinsics=intrinsics, camera_poses=poses)


def _towards(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) the shortest rotation of the viewing axis to a place (2,) at depth 1; its columns are the new axes in the old frame."""
    x, y, z = np.array([*place, 1.0]) / np.linalg.norm([*place, 1.0])
    cross = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])  # Of the axis (-y, x, 0), whose length is the angle's sine.
    return np.asarray(np.eye(3) + cross + cross @ cross / (1.0 + z))


def _reach(extent: NDArray[np.float64], turn: NDArray[np.float64]) -> float | None:
    """How far a box reaches from the axis of a turned camera, at depth 1; None where it reaches behind the camera.

    Args:
        extent: (2, 2) lowest and highest x and y at depth 1 before the camera that is not turned.
        turn: (3, 3) of ``_towards``.
    """
    corners = np.array([[x, y, 1.0] for x in extent[:, 0] for y in extent[:, 1]]) @ turn
    if corners[:, 2].min() <= 0.0:
        return None
    reach = float(np.abs(corners[:, :2] / corners[:, 2:]).max())
    return max(reach, 1e-9)
