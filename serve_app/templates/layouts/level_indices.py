"""Which of level 2's cameras those of a coarser level are."""

from __future__ import annotations

from functools import cache

import numpy as np

from render_actor.contract.cameras import POSE_LIST_RADIUS, camera_poses, view_count

LEVELS = {view_count(level): level for level in (0, 1, 2)}
"""The levels by their number of views."""


@cache
def indices_in_level_2(level: int) -> tuple[int, ...]:
    """For each camera of a level, the index of the one of level 2 that stands in the same place.

    Args:
        level: 0, 1 or 2.

    Raises:
        ValueError: for another level.
    """
    coarse, fine = (camera_poses(each)[:, :3, 3] / POSE_LIST_RADIUS for each in (level, 2))
    cosines = coarse @ fine.T
    assert cosines.max(axis=1).min() > 1 - 1e-6  # The levels split one another's edges, so their vertices stay.
    return tuple(int(index) for index in np.argmax(cosines, axis=1))
