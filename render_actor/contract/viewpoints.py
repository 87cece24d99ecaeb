"""Camera poses spread evenly over the sphere, each turned about its axis."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from render_actor.contract.cameras import POSE_LIST_RADIUS, look_at_origin

_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))
"""Between neighbours in azimuth: a fraction of the turn that no whole number of steps brings near to its beginning."""


def fibonacci_directions(count: int) -> NDArray[np.float64]:
    """Unit vectors, evenly spread: equal steps of height, from -z to +z, each the golden angle further.

    Args:
        count: how many.

    Returns:
        (count, 3) float64. For an odd count the middle one is +x, as in BOP's toolkit.
    """
    step = np.arange(count) - (count - 1) / 2
    height = 2.0 * step / count
    azimuth = -step * _GOLDEN_ANGLE
    radius = np.sqrt(1.0 - height**2)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=-1)


def viewpoint_poses(fibonacci: int, in_plane: int) -> NDArray[np.float64]:
    """Poses of cameras that look at the origin: for each direction all turns, view ``v * in_plane + t`` is turn ``t`` of direction ``v``.

    Args:
        fibonacci: directions from which the cameras look.
        in_plane: turns of each camera by 360 / ``in_plane`` degrees clockwise about its viewing axis, so that the image turns
            counterclockwise; the first of none.

    Returns:
        (fibonacci * in_plane, 4, 4) float64 camera-to-world, OpenCV axes, translations of norm ``POSE_LIST_RADIUS``.
    """
    angles = 2.0 * math.pi * np.arange(in_plane) / in_plane
    turns = np.tile(np.eye(4), (in_plane, 1, 1))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0] = np.sin(angles)
    turns[:, 0, 1] = -np.sin(angles)
    upright = np.array([look_at_origin(direction * POSE_LIST_RADIUS) for direction in fibonacci_directions(fibonacci)])
    return np.asarray((upright[:, None] @ turns).reshape(-1, 4, 4))
